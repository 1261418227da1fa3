// FP32 binary operations with broadcasting, and the activation that follows them.
#pragma once

#include "kernels/elementwise/activation_f32_impl.hpp"

namespace tenfold::kernels::f32 {

template <class S, Binary Op>
[[gnu::always_inline]] inline typename S::Float combine(typename S::Float a, typename S::Float b) {
  using enum Binary;
  if constexpr (Op == add)
    return S::add(a, b);
  else if constexpr (Op == sub)
    return S::sub(a, b);
  else if constexpr (Op == mul)
    return S::mul(a, b);
  else if constexpr (Op == div)
    return S::div(a, b);
  else if constexpr (Op == prelu)
    return S::select(S::less(a, S::zero_f()), S::mul(a, b), a);
  else if constexpr (Op == min)
    return S::select(S::ordered(a), S::min(a, b), a);  // NaN of either operand
  else
    return S::select(S::ordered(a), S::max(a, b), a);
}

/// n values; a or b may be one value for all.
template <class S, Binary Op, bool OneA, bool OneB>
[[gnu::noinline]] void binary_row(const float* a, const float* b, float* c, int64_t n, float lo, float hi) {
  using F = typename S::Float;
  const F lov = S::set_f(lo), hiv = S::set_f(hi), a0 = S::set_f(a[0]), b0 = S::set_f(b[0]);
  const auto finish = [&](F x, F y) TENFOLD_LAMBDA { return S::min(hiv, S::max(lov, combine<S, Op>(x, y))); };
  int64_t i = 0;
  for (; i + S::lanes <= n; i += S::lanes) {
    F x = a0, y = b0;
    if constexpr (!OneA) x = S::load_f(a + i);
    if constexpr (!OneB) y = S::load_f(b + i);
    S::store_f(c + i, finish(x, y));
  }
  if (i < n) {
    F x = a0, y = b0;
    if constexpr (!OneA) x = S::load_f(a + i, n - i);
    if constexpr (!OneB) y = S::load_f(b + i, n - i);
    S::store_f(c + i, finish(x, y), n - i);
  }
}

/// Powers go through the C library: exact for every base, negative and special ones included.
template <class S, bool OneA, bool OneB>
[[gnu::noinline]] void pow_row(const float* a, const float* b, float* c, int64_t n, float lo, float hi) {
  const float exponent = b[0];
  if (OneB && !OneA && exponent == 2) return binary_row<S, Binary::mul, false, false>(a, a, c, n, lo, hi);
  for (int64_t i = 0; i < n; i++) {
    const float p = __builtin_powf(a[OneA ? 0 : i], OneB ? exponent : b[i]);
    const float least = p < lo ? lo : p;
    c[i] = least > hi ? hi : least;
  }
}

using BinaryRow = void (*)(const float* a, const float* b, float* c, int64_t n, float lo, float hi);
template <class S, bool OneA, bool OneB>
struct BinaryTable {
  static constexpr BinaryRow functions[] = {&binary_row<S, Binary::add, OneA, OneB>,
                                            &binary_row<S, Binary::sub, OneA, OneB>,
                                            &binary_row<S, Binary::mul, OneA, OneB>,
                                            &binary_row<S, Binary::div, OneA, OneB>,
                                            &binary_row<S, Binary::min, OneA, OneB>,
                                            &binary_row<S, Binary::max, OneA, OneB>,
                                            &pow_row<S, OneA, OneB>,
                                            &binary_row<S, Binary::prelu, OneA, OneB>};
};

/// Rows that follow each other without gaps are one long row.
[[gnu::always_inline]] inline void join_rows(BinaryF32& g) {
  const auto joins = [&](ptrdiff_t outer, int inner)
                         TENFOLD_LAMBDA { return inner ? outer == g.inner : outer == 0; };
  if (g.inner == 1 && g.c_outer == 1 && (g.a_outer == 0 || g.a_outer == 1) &&
      (g.b_outer == 0 || g.b_outer == 1)) {
    g.a_inner = int(g.a_outer), g.b_inner = int(g.b_outer);
    g.inner = g.outer, g.outer = 1;
  } else if (g.c_outer == g.inner && joins(g.a_outer, g.a_inner) && joins(g.b_outer, g.b_inner)) {
    g.inner *= g.outer, g.outer = 1;
  }
}

template <class S>
void binary_f32(const BinaryF32& given) {
  constexpr int64_t strip = 4096;  // an activation that needs a pass of its own finds the values in L1
  BinaryF32 g = given;
  if (g.inner <= 0 || g.outer <= 0) return;
  join_rows(g);
  const int op = int(g.op);
  const BinaryRow row = g.a_inner ? (g.b_inner ? BinaryTable<S, false, false>::functions[op]
                                               : BinaryTable<S, false, true>::functions[op])
                                  : (g.b_inner ? BinaryTable<S, true, false>::functions[op]
                                               : BinaryTable<S, true, true>::functions[op]);
  const Ending end = make_ending<S>(g.activation, g.lo, g.hi);
  for (int64_t i = 0; i < g.outer; i++)
    for (int64_t j = 0; j < g.inner; j += strip) {
      const int64_t n = lesser(strip, g.inner - j);
      float* c = g.c + i * g.c_outer + j;
      row(g.a + i * g.a_outer + j * g.a_inner, g.b + i * g.b_outer + j * g.b_inner, c, n, end.lo, end.hi);
      if (end.pass) end.pass(c, 0, c, 0, 1, n, end.a, end.b);
    }
}

/// Smallest and largest of n values; NaN is passed over.  Of nothing: +infinity and -infinity.
template <class S>
void range_f32(const float* in, int64_t n, float* lo, float* hi) {
  constexpr float inf = __builtin_inff();
  typename S::Float low[4], high[4];
  unroll<4>([&](auto i) TENFOLD_LAMBDA { low[i] = S::set_f(inf), high[i] = S::set_f(-inf); });
  int64_t i = 0;
  for (; i + 4 * S::lanes <= n; i += 4 * S::lanes)
    unroll<4>([&](auto v) TENFOLD_LAMBDA {
      const auto x = S::load_f(in + i + v * S::lanes);
      low[v] = S::min(x, low[v]), high[v] = S::max(x, high[v]);  // NaN: the second operand
    });
  unroll<3>([&](auto v) TENFOLD_LAMBDA {
    low[0] = S::min(low[0], low[v + 1]), high[0] = S::max(high[0], high[v + 1]);
  });
  float least = S::smallest(low[0]), most = S::largest(high[0]);
  for (; i < n; i++) {
    least = in[i] < least ? in[i] : least;
    most = in[i] > most ? in[i] : most;
  }
  *lo = least, *hi = most;
}

}  // namespace tenfold::kernels::f32
