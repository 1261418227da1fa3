// FP32 softmax over contiguous rows.
#pragma once

#include "kernels/elementwise/math_f32_impl.hpp"

namespace tenfold::kernels::f32 {

template <class S>
struct LaneNumbers {
  static constexpr float values[16] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};
};
/// The first n lanes.
template <class S>
[[gnu::always_inline]] inline typename S::Mask lanes_below(int64_t n) {
  return S::less(S::load_f(LaneNumbers<S>::values), S::set_f(n < S::lanes ? float(n) : float(S::lanes)));
}

/// Calls f(i, x) for the vectors of a row, in turn for four sets of accumulators; lanes behind the end get
/// `rest`.
template <class S, class F>
[[gnu::always_inline]] inline void for_row(const float* in, int64_t n, float rest, F f) {
  int64_t i = 0;
  for (; i + 4 * S::lanes <= n; i += 4 * S::lanes)
    unroll<4>([&](auto v) TENFOLD_LAMBDA { f(v, i + v * S::lanes, S::load_f(in + i + v * S::lanes)); });
  for (; i < n; i += S::lanes)
    f(std::integral_constant<int, 0>{}, i,
      S::select(lanes_below<S>(n - i), S::load_f(in + i, n - i), S::set_f(rest)));
}

template <class S>
[[gnu::always_inline]] inline float row_largest(const float* in, int64_t n) {
  typename S::Float top[4];
  unroll<4>([&](auto v) TENFOLD_LAMBDA { top[v] = S::set_f(-__builtin_inff()); });
  for_row<S>(in, n, -__builtin_inff(),
             [&](auto v, int64_t, auto x) TENFOLD_LAMBDA { top[v] = S::max(top[v], x); });
  return S::largest(S::max(S::max(top[0], top[1]), S::max(top[2], top[3])));
}

/// out = e^(in - top); returns the sum.
template <class S>
[[gnu::always_inline]] inline float row_exp(const float* in, float* out, int64_t n, float top) {
  typename S::Float sum[4];
  unroll<4>([&](auto v) TENFOLD_LAMBDA { sum[v] = S::zero_f(); });
  const auto shift = S::set_f(top);
  for_row<S>(in, n, -__builtin_inff(), [&](auto v, int64_t i, auto x) TENFOLD_LAMBDA {
    const auto e = exp_negative<S>(S::sub(x, shift));
    S::store_f(out + i, e, n - i);
    sum[v] = S::add(sum[v], e);
  });
  return S::sum(S::add(S::add(sum[0], sum[1]), S::add(sum[2], sum[3])));
}

template <class S>
[[gnu::always_inline]] inline void row_scale(float* x, int64_t n, float factor) {
  const auto f = S::set_f(factor);
  int64_t i = 0;
  for (; i + S::lanes <= n; i += S::lanes) S::store_f(x + i, S::mul(f, S::load_f(x + i)));
  if (i < n) S::store_f(x + i, S::mul(f, S::load_f(x + i, n - i)), n - i);
}

template <class S>
void softmax_f32(const float* in, float* out, int64_t rows, int64_t columns) {
  if (columns <= S::lanes) {
    const auto wanted = lanes_below<S>(columns);
    for (; rows > 0; rows--, in += columns, out += columns) {
      const auto x = S::select(wanted, S::load_f(in, columns), S::set_f(-__builtin_inff()));
      const auto e = exp_negative<S>(S::sub(x, S::set_f(S::largest(x))));
      S::store_f(out, S::div(e, S::set_f(S::sum(e))), columns);
    }
    return;
  }
  for (; rows > 0; rows--, in += columns, out += columns)
    row_scale<S>(out, columns, 1 / row_exp<S>(in, out, columns, row_largest<S>(in, columns)));
}

}  // namespace tenfold::kernels::f32
