// What normalization of bytes takes: sums of channels and of their squares, and a factor and a shift for
// each.
#pragma once

#include "kernels/elementwise/quantize_impl.hpp"

namespace tenfold::kernels {

template <class S, int NV>
[[gnu::always_inline]] inline void column_sums(const ColumnSumsU8& g, int64_t c) {
  constexpr int W = S::lanes;
  typename S::Int sum[NV], square[NV];
  unroll<NV>([&](auto v) TENFOLD_LAMBDA { sum[v] = square[v] = S::zero_i(); });
  for (int64_t p = 0; p < g.pixels; ++p)
    unroll<NV>([&](auto v) TENFOLD_LAMBDA {
      const auto x = S::load_u8_i32(g.in + p * g.in_pixel + c + v * W);
      sum[v] = S::add_i32(sum[v], x);
      square[v] = S::add_i32(square[v], S::madd_i16(x, x));
    });
  uint32_t lanes[W];
  const auto store = [&](typename S::Int x, uint32_t* to, int64_t n) TENFOLD_LAMBDA {
    S::store_i(lanes, x);
    for (int64_t i = 0; i < lesser<int64_t>(W, n); ++i) to[i] = lanes[i];
  };
  unroll<NV>([&](auto v) TENFOLD_LAMBDA {
    const int64_t at = c + v * W;
    store(sum[v], g.sums + at, g.channels - at);
    store(square[v], g.squares + at, g.channels - at);
  });
}

template <class S>
void column_sums_u8(const ColumnSumsU8& g) {
  constexpr int wide = 4;
  int64_t c = 0;
  for (; c + wide * S::lanes <= g.channels; c += wide * S::lanes) column_sums<S, wide>(g, c);
  for (; c < g.channels; c += S::lanes) column_sums<S, 1>(g, c);
}

/// Up to four vectors of channels of all pixels.
template <class S>
[[gnu::always_inline]] inline void affine_columns(const AffineU8& g, int64_t c, int64_t n) {
  constexpr int W = S::lanes;
  typename S::Float factor[4], shift[4];
  unroll<4>([&](auto v) TENFOLD_LAMBDA {
    factor[v] = S::load_f(g.factor + c + v * W, larger<int64_t>(0, n - v * W));
    shift[v] = S::load_f(g.shift + c + v * W, larger<int64_t>(0, n - v * W));
  });
  const auto zero_point = S::set_i16(g.zero_point);
  for (int64_t p = 0; p < g.pixels; ++p) {
    const u8* in = g.in + p * g.pixel + c;
    const auto byte = [&](int v) TENFOLD_LAMBDA {
      return round_to_i32<S, true>(S::fma(S::to_f32(S::load_u8_i32(in + v * W)), factor[v], shift[v]));
    };
    const auto y = S::template group_rows<1>(pack4<S>(byte(0), byte(1), byte(2), byte(3), zero_point));
    store_bytes<S>(g.out + p * g.pixel + c, y, n);
  }
}

template <class S>
void affine_u8(const AffineU8& g) {
  for (int64_t c = 0; c < g.channels; c += 4 * S::lanes) affine_columns<S>(g, c, g.channels - c);
}

}  // namespace tenfold::kernels
