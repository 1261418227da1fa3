// FP32 layer normalization with an optional residual: mean first, then the variance about it, so that a mean
// far above the deviation costs no accuracy.
#pragma once

#include "kernels/norm/softmax_f32_impl.hpp"

namespace tenfold::kernels::f32 {

/// One row; `sum` is where x + residual is kept for the later passes, or null without a residual.
template <class S>
[[gnu::always_inline]] inline void layer_norm_row(const float* x, const float* residual, float* sum,
                                                  float* out, int64_t n, const float* gamma,
                                                  const float* beta, float epsilon) {
  using F = typename S::Float;
  F total[4];
  const auto reset = [&]() TENFOLD_LAMBDA {
    unroll<4>([&](auto v) TENFOLD_LAMBDA { total[v] = S::zero_f(); });
  };
  const auto reduce = [&]() TENFOLD_LAMBDA {
    return S::sum(S::add(S::add(total[0], total[1]), S::add(total[2], total[3])));
  };
  reset();
  for_row<S>(x, n, 0, [&](auto v, int64_t i, F value) TENFOLD_LAMBDA {
    if (residual) value = S::add(value, S::load_f(residual + i, n - i));
    if (sum) S::store_f(sum + i, value, n - i);
    total[v] = S::add(total[v], value);
  });
  const float* row = sum ? sum : x;
  const float mean_value = reduce() / float(n);
  const F mean = S::set_f(mean_value);
  reset();
  for_row<S>(row, n, mean_value, [&](auto v, int64_t, F value) TENFOLD_LAMBDA {
    const F d = S::sub(value, mean);
    total[v] = S::fma(d, d, total[v]);
  });
  const F scale = S::div(S::set_f(1), S::sqrt(S::set_f(reduce() / float(n) + epsilon)));
  for_row<S>(row, n, 0, [&](auto, int64_t i, F value) TENFOLD_LAMBDA {
    F y = S::mul(S::sub(value, mean), scale);
    if (gamma) y = S::mul(y, S::load_f(gamma + i, n - i));
    if (beta) y = S::add(y, S::load_f(beta + i, n - i));
    S::store_f(out + i, y, n - i);
  });
}

template <class S>
void layer_norm_f32(const float* in, const float* residual, float* sum, float* out, int64_t rows,
                    int64_t columns, const float* gamma, const float* beta, float epsilon) {
  // Without a place for x + residual it lies in `out` until the last pass overwrites it.
  if (residual && !sum) sum = out;
  for (int64_t r = 0; r < rows; r++) {
    const int64_t at = r * columns;
    layer_norm_row<S>(in + at, residual ? residual + at : nullptr, sum ? sum + at : nullptr, out + at,
                      columns, gamma, beta, epsilon);
  }
}

}  // namespace tenfold::kernels::f32
