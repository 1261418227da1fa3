// FP32 group and instance normalization over NHWC pixels: mean first, then the variance about it, so that a
// mean far above the deviation costs no accuracy.
#pragma once

#include "kernels/elementwise/activation_f32_impl.hpp"
#include "kernels/reduce/reduce_f32_impl.hpp"

namespace tenfold::kernels::f32 {

/// Means of squared distances from `centre`.
template <class S>
struct SquaredDistances {
  using F = typename S::Float;
  const float* centre;
  F scale;
  F middle[4] = {};  ///< of the columns in hand

  void begin(int64_t c, int64_t n) {
    unroll<4>([&](auto v) TENFOLD_LAMBDA {
      middle[v] = S::load_f(centre + c + v * S::lanes, larger<int64_t>(0, n - v * S::lanes));
    });
  }
  F start() const { return S::zero_f(); }
  F join(F a, F b) const { return S::add(a, b); }
  F step(F sum, F x, int v) const {
    x = S::sub(x, middle[v]);
    return S::fma(x, x, sum);
  }
  F finish(F x) const { return S::mul(x, scale); }
};

/// Every value becomes the mean of its group.
template <class S>
[[gnu::noinline]] void share_in_groups(float* values, int64_t n, int64_t per_group) {
  for (float* group = values; group < values + n; group += per_group) {
    double sum = 0;
    for (int64_t i = 0; i < per_group; i++) sum += double(group[i]);
    for (int64_t i = 0; i < per_group; i++) group[i] = float(sum / double(per_group));
  }
}

/// (x - centre) * factor + bias of NV vectors of channels, `rows` pixels.
template <class S, int NV>
[[gnu::always_inline]] inline void normalise_columns(const GroupNormF32& g, int64_t first, int64_t rows,
                                                     int64_t c, const Ending& end) {
  using F = typename S::Float;
  const int64_t n = g.channels - c;
  const float *centre = g.scratch + c, *factor = centre + g.channels;
  const F lo = S::set_f(end.lo), hi = S::set_f(end.hi);
  F m[NV], f[NV], b[NV];
  unroll<NV>([&](auto v) TENFOLD_LAMBDA {
    m[v] = S::load_f(centre + v * S::lanes, n - v * S::lanes);
    f[v] = S::load_f(factor + v * S::lanes, n - v * S::lanes);
    b[v] = S::load_f(g.bias + c + v * S::lanes, n - v * S::lanes);
  });
  for (int64_t r = first; r < first + rows; r++) {
    const ptrdiff_t at = r * g.pixel + c;
    unroll<NV>([&](auto v) TENFOLD_LAMBDA {
      const F x = S::sub(S::load_f(g.in + at + v * S::lanes, n - v * S::lanes), m[v]);
      const F y = S::fma(x, f[v], b[v]);
      S::store_f(g.out + at + v * S::lanes, S::min(hi, S::max(lo, y)), n - v * S::lanes);
    });
  }
}

template <class S>
void group_norm_f32(const GroupNormF32& g) {
  constexpr int64_t strip_bytes =
      16 << 10;  // an activation that needs a pass of its own finds the values in L1
  constexpr int64_t wide = 2 * S::lanes;
  float *centre = g.scratch, *factor = centre + g.channels;
  const auto share = S::set_f(1 / float(g.pixels));
  fold_all_columns<S>(Folding<S, Reduction::sum>{share, false}, g.in, g.pixels, g.channels, g.pixel, centre);
  share_in_groups<S>(centre, g.channels, g.per_group);
  fold_all_columns<S>(SquaredDistances<S>{centre, share}, g.in, g.pixels, g.channels, g.pixel, factor);
  share_in_groups<S>(factor, g.channels, g.per_group);
  for (int64_t c = 0; c < g.channels; c += S::lanes) {
    const int64_t n = g.channels - c;
    const auto deviation = S::sqrt(S::add(S::load_f(factor + c, n), S::set_f(g.epsilon)));
    S::store_f(factor + c, S::div(S::load_f(g.scale + c, n), deviation), n);
  }
  const Ending end = make_ending<S>(g.activation, g.lo, g.hi);
  const int64_t strip = larger<int64_t>(1, strip_bytes / (g.channels * int64_t(sizeof(float))));
  for (int64_t first = 0; first < g.pixels; first += strip) {
    const int64_t rows = lesser(strip, g.pixels - first);
    int64_t c = 0;
    for (; c + wide <= g.channels; c += wide) normalise_columns<S, 2>(g, first, rows, c, end);
    for (; c < g.channels; c += S::lanes) normalise_columns<S, 1>(g, first, rows, c, end);
    float* out = g.out + first * g.pixel;
    if (end.pass) end.pass(out, g.pixel, out, g.pixel, rows, g.channels, end.a, end.b);
  }
}

}  // namespace tenfold::kernels::f32
