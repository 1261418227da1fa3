// Transcendental functions on vectors of floats.  Polynomials are minimax fits (weighted for relative error);
// every function is within 2e-6 relative or 2e-7 absolute of the exact value, and NaN comes out as NaN.
//
// min / max return their second operand when either is NaN, so limits are always the first operand here.
#pragma once

#include "kernels/isa/vec.hpp"

namespace tenfold::kernels::f32 {

/// Coefficients from the highest power down.
template <class S, class... C>
[[gnu::always_inline]] inline typename S::Float polynomial(typename S::Float x, float first, C... rest) {
  typename S::Float p = S::set_f(first);
  ((p = S::fma(p, x, S::set_f(rest))), ...);
  return p;
}

template <class S>
[[gnu::always_inline]] inline typename S::Float limit(typename S::Float x, float lo, float hi) {
  return S::min(S::set_f(hi), S::max(S::set_f(lo), x));
}

/// x = n * ln 2 + r; returns e^r - 1.
template <class S>
[[gnu::always_inline]] inline typename S::Float reduced_expm1(typename S::Float x, typename S::Float& n) {
  n = S::round(S::mul(x, S::set_f(1.44269504088896f)));
  typename S::Float r = S::fnma(n, S::set_f(0.693359375f), x);
  r = S::fnma(n, S::set_f(-2.12194440e-4f), r);
  const auto q = polynomial<S>(r, 0.00138142216f, 0.00836889911f, 0.0416684039f, 0.166665196f, 0.49999994f);
  return S::fma(S::mul(r, r), q, r);
}

/// e^x over the whole range: 0 from -104 down, infinity from 88.73 up.
template <class S>
[[gnu::always_inline]] inline typename S::Float exp(typename S::Float x) {
  typename S::Float n;
  const auto p = reduced_expm1<S>(limit<S>(x, -104.0f, 89.0f), n);
  return S::scale2_wide(S::add(p, S::set_f(1)), n);
}

/// e^x for |x| <= 87.3; NaN stays NaN.
template <class S>
[[gnu::always_inline]] inline typename S::Float exp_normal(typename S::Float x) {
  typename S::Float n;
  const auto p = reduced_expm1<S>(x, n);
  return S::scale2(S::add(p, S::set_f(1)), n);
}

/// e^x for x <= 0: exactly 0 where e^x is no normal number.
template <class S>
[[gnu::always_inline]] inline typename S::Float exp_negative(typename S::Float x) {
  const auto floor = S::set_f(-87.3f);
  return S::select(S::less(x, floor), S::zero_f(), exp_normal<S>(S::max(floor, x)));
}

template <class S>
[[gnu::always_inline]] inline typename S::Float log(typename S::Float x) {
  const auto denormal = S::less(x, S::set_f(1.17549435e-38f));
  const auto scaled = S::select(denormal, S::mul(x, S::set_f(8388608.0f)), x);
  // scaled = m * 2^e with m in [sqrt(1/2), sqrt(2))
  const auto ei = S::template shift_right_signed_i32<23>(S::sub_i32(S::bits(scaled), S::set_i32(0x3f3504f3)));
  const auto m = S::from_bits(S::sub_i32(S::bits(scaled), S::template shift_left_i32<23>(ei)));
  const auto e = S::sub(S::to_f32(ei), S::select(denormal, S::set_f(23), S::zero_f()));
  const auto f = S::sub(m, S::set_f(1)), f2 = S::mul(f, f);
  const auto p = polynomial<S>(f, -0.0763450488f, 0.127615929f, -0.13160187f, 0.142017558f, -0.166233569f,
                               0.200012267f, -0.250008196f, 0.333333313f);
  auto y = S::mul(S::mul(f2, f), p);
  y = S::fma(e, S::set_f(-2.12194440e-4f), y);
  y = S::fma(S::set_f(-0.5f), f2, y);
  y = S::fma(e, S::set_f(0.693359375f), S::add(f, y));
  y = S::select(S::less(x, S::set_f(1e-45f)), S::set_f(-__builtin_inff()), y);
  y = S::select(S::less(x, S::zero_f()), S::set_f(__builtin_nanf("")), y);
  return S::select(S::less(x, S::set_f(__builtin_inff())), y, x);  // infinity and NaN
}

/// log(1 + e) for e in [0, 1].
template <class S>
[[gnu::always_inline]] inline typename S::Float log1p_unit(typename S::Float e) {
  const auto u = S::add(e, S::set_f(1));
  return S::add(log<S>(u), S::sub(e, S::sub(u, S::set_f(1))));  // what rounding took from e, to first order
}

/// 1 / (1 + e^-x) for |x| <= 87.3; NaN stays NaN.  e^-x as a power of two, with one rounding of the exponent:
/// what that takes from large powers is nothing beside the 1, or in a result that is small.
template <class S>
[[gnu::always_inline]] inline typename S::Float sigmoid_limited(typename S::Float x) {
  const auto t = S::mul(x, S::set_f(-1.44269504088896f));
  const auto n = S::round(t);
  const auto p = polynomial<S>(S::sub(t, n), 0.00132764725f, 0.00967554189f, 0.0555071309f, 0.240221202f,
                               0.693146944f, 1.00000012f);
  return S::reciprocal(S::add(S::scale2(p, n), S::set_f(1)));
}

template <class S>
[[gnu::always_inline]] inline typename S::Float sigmoid(typename S::Float x) {
  return sigmoid_limited<S>(limit<S>(x, -87.3f, 87.3f));
}

/// Four vectors of it step by step, so that their chains of operations overlap, take 0.39 ns a value instead
/// of 0.46 on a Zen 3: not enough for a second set of traits.
template <class S>
[[gnu::always_inline]] inline typename S::Float silu(typename S::Float x) {
  const auto t = S::max(S::set_f(-87.3f), x);  // -infinity would meet a zero below
  return S::mul(t, sigmoid_limited<S>(S::min(S::set_f(87.3f), t)));
}

template <class S>
[[gnu::always_inline]] inline typename S::Float hard_swish(typename S::Float x) {
  const auto t = S::max(S::set_f(-3), x);  // -infinity would meet a zero below
  return S::mul(t, limit<S>(S::fma(t, S::set_f(1.0f / 6), S::set_f(0.5f)), 0, 1));
}

template <class S>
[[gnu::always_inline]] inline typename S::Float with_sign(typename S::Float magnitude,
                                                          typename S::Float sign) {
  return S::or_f(magnitude, S::and_f(sign, S::set_f(-0.0f)));
}

template <class S>
[[gnu::always_inline]] inline typename S::Float tanh(typename S::Float x) {
  const auto a = S::min(S::set_f(20), S::abs(x));
  const auto e = exp_normal<S>(S::mul(a, S::set_f(-2)));
  const auto large = S::mul(S::sub(S::set_f(1), e), S::reciprocal(S::add(S::set_f(1), e)));
  const auto x2 = S::mul(a, a);
  const auto p =
      polynomial<S>(x2, -0.00566697726f, 0.0206061769f, -0.0537300073f, 0.133313313f, -0.333332777f);
  const auto small = S::fma(S::mul(a, x2), p, a);
  return with_sign<S>(S::select(S::less(a, S::set_f(0.625f)), small, large), x);
}

/// erfc(a / sqrt 2) / 2, the upper tail of the normal distribution, for 0 <= a <= 14.
template <class S>
[[gnu::always_inline]] inline typename S::Float normal_tail(typename S::Float a) {
  const auto t = S::reciprocal(S::fma(a, S::set_f(0.3f), S::set_f(1)));
  const auto p = polynomial<S>(t, 0.0383783504f, -0.169166386f, 0.228660628f, -0.0765070766f, 0.14253591f,
                               0.094683364f, 0.121920377f, 0.119487688f, 7.16912064e-06f);
  return S::mul(p, exp_negative<S>(S::mul(S::mul(a, a), S::set_f(-0.5f))));
}

template <class S>
[[gnu::always_inline]] inline typename S::Float erf(typename S::Float x) {
  const auto a = S::abs(x), x2 = S::mul(x, x);
  const auto small = S::mul(x, polynomial<S>(x2, 7.85390657e-05f, -0.000801020826f, 0.00518832961f,
                                             -0.0268538129f, 0.112835854f, -0.37612626f, 1.12837911f));
  const auto tail = normal_tail<S>(S::min(S::set_f(14), S::mul(a, S::set_f(1.41421356237f))));
  const auto large = with_sign<S>(S::fnma(S::set_f(2), tail, S::set_f(1)), x);
  return S::select(S::less(a, S::set_f(0.9f)), small, large);
}

template <class S>
[[gnu::always_inline]] inline typename S::Float gelu(typename S::Float x) {
  const auto tail = normal_tail<S>(S::min(S::set_f(14), S::abs(x)));
  const auto weight = S::select(S::less(x, S::zero_f()), tail, S::sub(S::set_f(1), tail));
  return S::mul(S::max(S::set_f(-14), x), weight);
}

template <class S>
[[gnu::always_inline]] inline typename S::Float gelu_tanh(typename S::Float x) {
  const auto t = S::max(S::set_f(-20), x);
  const auto u = S::mul(t, S::fma(S::mul(t, t), S::set_f(0.0713548162726f), S::set_f(1.59576912160573f)));
  return S::mul(t, sigmoid<S>(u));
}

template <class S>
[[gnu::always_inline]] inline typename S::Float elu(typename S::Float x, typename S::Float alpha) {
  typename S::Float n;
  const auto p = reduced_expm1<S>(limit<S>(x, -30.0f, 1.0f), n);
  const auto far = S::sub(S::scale2(S::add(p, S::set_f(1)), n), S::set_f(1));
  const auto below = S::mul(alpha, S::select(S::less(S::abs(n), S::set_f(0.5f)), p, far));
  return S::select(S::less(x, S::zero_f()), below, x);
}

template <class S>
[[gnu::always_inline]] inline typename S::Float mish(typename S::Float x) {  // x * tanh(log(1 + e^x))
  const auto t = S::max(S::set_f(-87), x);
  const auto e = exp_normal<S>(S::min(S::set_f(20), t));
  const auto n = S::mul(e, S::add(e, S::set_f(2)));
  return S::mul(S::mul(t, n), S::reciprocal(S::add(n, S::set_f(2))));
}

template <class S>
[[gnu::always_inline]] inline typename S::Float softplus(typename S::Float x) {
  const auto e = exp_negative<S>(S::sub(S::zero_f(), S::abs(x)));
  return S::add(S::max(S::zero_f(), x), log1p_unit<S>(e));
}

}  // namespace tenfold::kernels::f32
