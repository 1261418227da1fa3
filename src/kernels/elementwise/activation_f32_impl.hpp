// Activations over rows of floats: the end of every FP32 kernel (while the tile is in L1) and unary_f32.
#pragma once

#include "kernels/elementwise/math_f32_impl.hpp"

namespace tenfold::kernels::f32 {

template <class S, Activation A>
[[gnu::always_inline]] inline typename S::Float activate(typename S::Float x, typename S::Float lo,
                                                         typename S::Float hi) {
  using enum Activation;
  const auto zero = S::zero_f();
  if constexpr (A == none) return x;
  if constexpr (A == clamp) return S::min(hi, S::max(lo, x));
  if constexpr (A == silu) return f32::silu<S>(x);
  if constexpr (A == hard_swish) return f32::hard_swish<S>(x);
  if constexpr (A == sigmoid) return f32::sigmoid<S>(x);
  if constexpr (A == hard_sigmoid) return limit<S>(S::fma(lo, x, hi), 0, 1);
  if constexpr (A == gelu) return f32::gelu<S>(x);
  if constexpr (A == gelu_tanh) return f32::gelu_tanh<S>(x);
  if constexpr (A == tanh) return f32::tanh<S>(x);
  if constexpr (A == leaky_relu) return S::select(S::less(x, zero), S::mul(lo, x), x);
  if constexpr (A == elu) return f32::elu<S>(x, lo);
  if constexpr (A == mish) return f32::mish<S>(x);
  if constexpr (A == softplus) return f32::softplus<S>(x);
  if constexpr (A == exp) return f32::exp<S>(x);
  if constexpr (A == erf) return f32::erf<S>(x);
  if constexpr (A == sqrt) return S::sqrt(x);
  if constexpr (A == reciprocal) return S::div(S::set_f(1), x);
  if constexpr (A == abs) return S::abs(x);
  if constexpr (A == neg) return S::xor_f(x, S::set_f(-0.0f));
  if constexpr (A == log) return f32::log<S>(x);
  if constexpr (A == square) return S::mul(x, x);
}

/// `rows` rows of `n` values, `ld_*` apart; in and out may be the same.
using ActivateRows = void (*)(const float* in, ptrdiff_t ld_in, float* out, ptrdiff_t ld_out, int64_t rows,
                              int64_t n, float lo, float hi);

template <class S, Activation A>
[[gnu::noinline]] void activate_rows(const float* in, ptrdiff_t ld_in, float* out, ptrdiff_t ld_out,
                                     int64_t rows, int64_t n, float lo, float hi) {
  const auto lov = S::set_f(lo), hiv = S::set_f(hi);
  // Several vectors are loaded before any is stored: where the two addresses agree in their last 12 bits, a
  // load waits for the store before it.
  constexpr int batch = S::lanes / 4;
  for (; rows > 0; rows--, in += ld_in, out += ld_out) {
    int64_t i = 0;
    for (; i + batch * S::lanes <= n; i += batch * S::lanes) {
      typename S::Float x[batch];
      unroll<batch>([&](auto v) TENFOLD_LAMBDA { x[v] = S::load_f(in + i + v * S::lanes); });
      unroll<batch>([&](auto v) TENFOLD_LAMBDA { x[v] = activate<S, A>(x[v], lov, hiv); });
      unroll<batch>([&](auto v) TENFOLD_LAMBDA { S::store_f(out + i + v * S::lanes, x[v]); });
    }
    for (; i < n; i += S::lanes)
      S::store_f(out + i, activate<S, A>(S::load_f(in + i, n - i), lov, hiv), n - i);
  }
}

template <class S, class>
struct ActivationTable;
template <class S, int... I>
struct ActivationTable<S, std::integer_sequence<int, I...>> {
  static constexpr ActivateRows functions[] = {&activate_rows<S, Activation(I)>...};
};

template <class S>
[[gnu::always_inline]] inline ActivateRows activation_function(Activation a) {
  constexpr int count = int(Activation::square) + 1;
  return ActivationTable<S, std::make_integer_sequence<int, count>>::functions[int(a)];
}

/// How a kernel ends: limits applied in registers, then a pass over the finished tile where the activation is
/// more than that.
struct Ending {
  float lo, hi;       // limits
  ActivateRows pass;  // or null
  float a, b;         // its parameters
};
template <class S>
[[gnu::always_inline]] inline Ending make_ending(Activation a, float lo, float hi) {
  constexpr float inf = __builtin_inff();
  if (a == Activation::none) return {-inf, inf, nullptr, 0, 0};
  if (a == Activation::clamp) return {lo, hi, nullptr, 0, 0};
  return {-inf, inf, activation_function<S>(a), lo, hi};
}

template <class S>
void unary_f32(const float* in, float* out, int64_t n, Activation f, float lo, float hi) {
  activation_function<S>(f)(in, 0, out, 0, 1, n, lo, hi);
}

}  // namespace tenfold::kernels::f32
