// Weighted sums of blocks of floats or bytes: interpolation along one axis, of whole rows or of pixels of
// many channels.
#pragma once

#include "kernels/elementwise/quantize_impl.hpp"

namespace tenfold::kernels {

/// The sum for elements i, i + 1, ... of a block, of which `n` are left.
template <class S, int Taps, class In>
struct BlendSum {
  using F = typename S::Float;
  const In* from[Taps];
  F weight[Taps];
  typename S::Int zero;

  [[gnu::always_inline]] F load(int k, int64_t i, int64_t n) const {
    if constexpr (sizeof(In) == 1)
      return S::to_f32(S::sub_i32(S::load_u8_i32(from[k] + i), zero));
    else
      return n >= S::lanes ? S::load_f(from[k] + i) : S::load_f(from[k] + i, n);
  }
  [[gnu::always_inline]] F operator()(int64_t i, int64_t n) const {
    F x = S::mul(weight[0], load(0, i, n));
    unroll<Taps - 1>([&](auto k) TENFOLD_LAMBDA { x = S::fma(weight[k + 1], load(k + 1, i, n), x); });
    return x;
  }
};

template <class S, class Sum>
[[gnu::always_inline]] inline void blend_block(const Sum& sum, float* out, int64_t block, typename S::Float,
                                               typename S::Int) {
  int64_t i = 0;
  for (; i + S::lanes <= block; i += S::lanes) S::store_f(out + i, sum(i, S::lanes));
  if (i < block) S::store_f(out + i, sum(i, block - i), block - i);
}
template <class S, class Sum>
[[gnu::always_inline]] inline void blend_block(const Sum& sum, u8* out, int64_t block,
                                               typename S::Float scale, typename S::Int zero_point) {
  constexpr int W = S::lanes;
  int64_t i = 0;
  for (; i + 4 * W <= block; i += 4 * W)
    S::store_i(out + i, quantize4<S>(sum(i, W), sum(i + W, W), sum(i + 2 * W, W), sum(i + 3 * W, W), scale,
                                     zero_point));
  for (; i < block; i += W) {
    const auto x = sum(i, block - i);
    S::template store_chunk<W>(out + i, quantize4<S>(x, x, x, x, scale, zero_point), 0, block - i);
  }
}

template <class S, int Taps, class In, class Out>
[[gnu::noinline]] void blend_positions(const Blend<In, Out>& g) {
  const int64_t* offset = g.offset;
  const float* weight = g.weight;
  Out* out = g.out;
  BlendSum<S, Taps, In> sum;
  sum.zero = S::set_i32(g.in_zero);
  const auto out_zero = S::set_i16(g.out_zero);
  const auto scale = S::set_f(g.scale);
  for (int64_t p = 0; p < g.positions; p++, offset += Taps, weight += Taps, out += g.block) {
    unroll<Taps>([&](auto k) TENFOLD_LAMBDA {
      sum.from[k] = g.in + offset[k];
      sum.weight[k] = S::set_f(weight[k]);
    });
    blend_block<S>(sum, out, g.block, scale, out_zero);
  }
}

template <class S, class In, class Out>
void blend(const Blend<In, Out>& g) {
  g.taps == 2 ? blend_positions<S, 2>(g) : blend_positions<S, 4>(g);
}

}  // namespace tenfold::kernels
