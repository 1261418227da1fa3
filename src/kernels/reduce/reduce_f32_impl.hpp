// FP32 reductions of rows of columns (over pixels, NHWC) and of contiguous values (over channels).
#pragma once

#include "kernels/elementwise/binary_f32_impl.hpp"

namespace tenfold::kernels::f32 {

/// One reduction: `step` takes a value in (`v`: which of several vectors of columns it is of), `join` another
/// accumulator.
template <class S, Reduction Op>
struct Folding {
  using F = typename S::Float;
  static constexpr bool sums = Op != Reduction::max && Op != Reduction::min;
  F scale;
  bool root;

  void begin(int64_t, int64_t) {}
  F start() const { return S::set_f(sums ? 0 : Op == Reduction::max ? -__builtin_inff() : __builtin_inff()); }
  F join(F a, F b) const {
    constexpr Binary other = Op == Reduction::max ? Binary::max : Binary::min;
    return combine < S, sums ? Binary::add : other > (a, b);
  }
  F step(F sum, F x, int) const {
    if constexpr (Op == Reduction::squares)
      return S::fma(x, x, sum);
    else
      return join(sum, Op == Reduction::absolutes ? S::abs(x) : x);
  }
  F finish(F x) const {
    x = S::mul(x, scale);
    return root ? S::sqrt(x) : x;
  }
  /// All lanes of x in one.
  float across(F x) const {
    if constexpr (sums) return S::sum(x);
    float lane[S::lanes];
    S::store_f(lane, x);
    for (int i = 1; i < S::lanes; i++) lane[0] = one(lane[0], lane[i]);
    return lane[0];
  }
  /// The greater or lesser, NaN if any is.
  static float one(float a, float b) { return b != b || (Op == Reduction::max ? b > a : b < a) ? b : a; }
};

/// NV vectors of columns, in chunks of rows so that rounding errors do not grow with the number of rows.
template <class S, int NV, class Fold>
[[gnu::always_inline]] inline void fold_columns(Fold& fold, const float* in, int64_t rows, ptrdiff_t ld,
                                                float* out, int64_t c, int64_t n) {
  using F = typename S::Float;
  constexpr int64_t chunk = 64;
  F total[NV];
  fold.begin(c, n);
  unroll<NV>([&](auto v) TENFOLD_LAMBDA { total[v] = fold.start(); });
  for (int64_t r0 = 0; r0 < rows; r0 += chunk) {
    F sum[NV];
    unroll<NV>([&](auto v) TENFOLD_LAMBDA { sum[v] = fold.start(); });
    for (int64_t r = r0; r < lesser(rows, r0 + chunk); r++)
      unroll<NV>([&](auto v) TENFOLD_LAMBDA {
        sum[v] = fold.step(sum[v], S::load_f(in + r * ld + c + v * S::lanes, n - v * S::lanes), v);
      });
    unroll<NV>([&](auto v) TENFOLD_LAMBDA { total[v] = fold.join(total[v], sum[v]); });
  }
  unroll<NV>([&](auto v) TENFOLD_LAMBDA {
    S::store_f(out + c + v * S::lanes, fold.finish(total[v]), n - v * S::lanes);
  });
}
template <class S, class Fold>
[[gnu::always_inline]] inline void fold_all_columns(Fold fold, const float* in, int64_t rows, int64_t columns,
                                                    ptrdiff_t ld, float* out) {
  constexpr int64_t wide = 4 * S::lanes;
  int64_t c = 0;
  for (; c + wide <= columns; c += wide) fold_columns<S, 4>(fold, in, rows, ld, out, c, wide);
  for (; c < columns; c += S::lanes) fold_columns<S, 1>(fold, in, rows, ld, out, c, columns - c);
}

/// One row of contiguous values.
template <class S, class Fold>
[[gnu::always_inline]] inline float fold_row(const Fold& fold, const float* in, int64_t n) {
  constexpr int W = S::lanes;
  constexpr int64_t chunk = 64 * 4 * W;  // as above
  auto total = fold.start();
  int64_t i = 0;
  while (i + 4 * W <= n) {
    typename S::Float sum[4];
    unroll<4>([&](auto v) TENFOLD_LAMBDA { sum[v] = fold.start(); });
    for (const int64_t end = lesser(n, i + chunk); i + 4 * W <= end; i += 4 * W)
      unroll<4>([&](auto v) TENFOLD_LAMBDA { sum[v] = fold.step(sum[v], S::load_f(in + i + v * W), v); });
    total = fold.join(total, fold.join(fold.join(sum[0], sum[1]), fold.join(sum[2], sum[3])));
  }
  for (; i + W <= n; i += W) total = fold.step(total, S::load_f(in + i), 0);
  if constexpr (Fold::sums) {
    if (i < n) total = fold.step(total, S::load_f(in + i, n - i), 0);  // zeros behind the end
    return fold.across(total);
  }
  float result = fold.across(total);
  for (; i < n; i++) result = Fold::one(result, in[i]);
  return result;
}

template <class S, Reduction Op>
[[gnu::noinline]] void reduce_with(const Reduce<float>& g) {
  const Folding<S, Op> fold{S::set_f(g.scale), g.root};
  for (int64_t o = 0; o < g.outer; o++) {
    const float* in = g.in + o * g.in_outer;
    float* out = g.out + o * g.out_outer;
    if (g.in_step == 1)
      S::store_f(out, fold.finish(S::set_f(fold_row<S>(fold, in, g.count))), 1);
    else
      fold_all_columns<S>(fold, in, g.count, g.inner, g.in_step, out);
  }
}

template <class S>
void reduce_f32(const Reduce<float>& g) {
  static constexpr void (*by_op[])(const Reduce<float>&) = {
      &reduce_with<S, Reduction::sum>, &reduce_with<S, Reduction::squares>,
      &reduce_with<S, Reduction::absolutes>, &reduce_with<S, Reduction::max>,
      &reduce_with<S, Reduction::min>};
  by_op[int(g.op)](g);
}

}  // namespace tenfold::kernels::f32
