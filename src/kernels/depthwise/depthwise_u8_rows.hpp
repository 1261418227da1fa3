// Depthwise convolution, second half: dot products over the interleaved columns.  Square kernels, strides 1
// and 2.
#pragma once

#include "kernels/depthwise/depthwise_u8_build.hpp"

namespace tenfold::kernels {

/// RP output rows are packed together; R of them are computed (fewer at the bottom of an image).
template <int K_, int Stride_, int RP_, int R_>
struct DepthwiseShape {
  static constexpr int K = K_, Stride = Stride_, RP = RP_, R = R_;
  static constexpr int G = depthwise_u8_groups(K, Stride, RP);
  static constexpr int used_groups = depthwise_u8_groups(K, Stride, R);
  /// Does row group g hold a tap of output row r?
  static constexpr bool used(int g, int r) { return 4 * g + 3 >= r * Stride && 4 * g < r * Stride + K; }
};

/// One pass: R output rows of one block of channels.
struct DepthwisePass {
  DepthwiseRows in;
  u8* out[4];  // output rows at column 0, at the block's first channel; only the first `rows` are stored
  int rows;
  ptrdiff_t out_pixel;
  int64_t out_w, pad_left, channels;  // channels left from this block on
  const std::byte* weights;
  const std::byte* params;
  int zero_point;
  std::byte* scratch;
};

/// R rows x NX output columns of 4 * lanes channels; `src` is the first interleaved column under them.  Of
/// the columns only `n` are stored, at x and on.
template <class S, class Shape, int NX>
[[gnu::always_inline]] inline void depthwise_wide_step(const DepthwisePass& d, const typename S::Int* src,
                                                       int64_t x, int n) {
  using I = typename S::Int;
  using Quad = typename S::Quad;
  constexpr int G = Shape::G, K = Shape::K, Stride = Shape::Stride, R = Shape::R;
  constexpr int B = 4 * S::lanes * S::layout.weight_bytes;
  const auto* params = reinterpret_cast<const VectorParams<S>*>(d.params);
  const I zero_point = S::set_i16(d.zero_point);
  I half[2][R][NX];
  unroll<2>([&](auto h) TENFOLD_LAMBDA {
    I q[2][R][NX];
    unroll<2>([&](auto e) TENFOLD_LAMBDA {
      constexpr int s = 2 * h + e;
      I acc[R][NX];
      unroll<R * NX>([&](auto i) TENFOLD_LAMBDA { acc[i / NX][i % NX] = S::load_i(params[s].init); });
      unroll<K * Shape::used_groups>([&](auto t) TENFOLD_LAMBDA {
        constexpr int kx = t / Shape::used_groups, g = t % Shape::used_groups;
        Quad a[NX];
        unroll<NX>([&](auto j) TENFOLD_LAMBDA {
          a[j] = S::split(S::load_i(src + ((kx + j * Stride) * G + g) * 4 + s));
        });
        unroll<R>([&](auto r) TENFOLD_LAMBDA {
          if constexpr (Shape::used(g, r)) {
            const Quad w = S::weights(d.weights + (((kx * G + g) * Shape::RP + r) * 4 + s) * B);
            unroll<NX>([&](auto j) TENFOLD_LAMBDA { S::dot4(acc[r][j], a[j], w); });
          }
        });
      });
      unroll<R * NX>([&](auto i) TENFOLD_LAMBDA { S::pin(acc[i / NX][i % NX]); });
      unroll<R * NX>([&](auto i) TENFOLD_LAMBDA {
        q[e][i / NX][i % NX] =
            requantize<S>(acc[i / NX][i % NX], S::load_f(params[s].multiplier), S::load_f(params[s].bias));
      });
    });
    unroll<R * NX>([&](auto i) TENFOLD_LAMBDA {
      half[h][i / NX][i % NX] = pack2<S>(q[0][i / NX][i % NX], q[1][i / NX][i % NX], zero_point);
    });
  });
  unroll<R * NX>([&](auto i) TENFOLD_LAMBDA { S::pin(half[1][i / NX][i % NX]); });
  unroll<R * NX>([&](auto i) TENFOLD_LAMBDA {
    constexpr int r = i / NX, j = i % NX;
    if (r < d.rows && (j == 0 || j < n))
      store_bytes<S>(d.out[r] + (x + j) * d.out_pixel, S::pack_i16_u8(half[0][r][j], half[1][r][j]),
                     d.channels);
  });
}

/// 4 * lanes channels, `columns_per_step` output columns at a time, which share the loads of the weights.
/// Columns are interleaved just ahead of their use, so that the shuffles overlap the dot products and the
/// epilogue of earlier ones.
template <class S, class Shape>
void depthwise_wide(const DepthwisePass& d) {
  using I = typename S::Int;
  constexpr int G = Shape::G, K = Shape::K, Stride = Shape::Stride;
  constexpr int NX = larger(2, lesser(4, S::depthwise_accumulators / Shape::R));
  auto* scratch = reinterpret_cast<I*>(d.scratch);
  for (int64_t x0 = 0; x0 < d.out_w; x0 += kDepthwiseU8Columns) {
    const int n = int(lesser<int64_t>(kDepthwiseU8Columns, d.out_w - x0)), columns = (n - 1) * Stride + K;
    const int64_t origin = x0 * Stride - d.pad_left;
    int built = 0;
    const auto build = [&](int upto) TENFOLD_LAMBDA {
      upto = lesser(columns, upto);
      interleave_wide<S, G>(d.in, origin + built, origin + upto, scratch + built * 4 * G);
      built = upto;
    };
    build(NX * Stride + K - Stride);
    constexpr int few = NX > 2 ? 2 : 0;  // so many columns left take the smaller step
    int x = 0;
    for (; x + few < n; x += NX) {  // columns beyond n are computed and dropped
      build(built + NX * Stride);
      depthwise_wide_step<S, Shape, NX>(d, scratch + 4 * G * Stride * x, x0 + x, n - x);
    }
    if constexpr (few > 0)
      if (x < n) {
        build(columns);
        depthwise_wide_step<S, Shape, 2>(d, scratch + 4 * G * Stride * x, x0 + x, n - x);
      }
  }
}

/// `lanes` channels, four output columns per step.
template <class S, class Shape>
void depthwise_narrow(const DepthwisePass& d) {
  using I = typename S::Int;
  using Quad = typename S::Quad;
  constexpr int G = Shape::G, K = Shape::K, Stride = Shape::Stride, R = Shape::R, NX = 4;
  constexpr int B = 4 * S::lanes * S::layout.weight_bytes;
  const auto* params = reinterpret_cast<const VectorParams<S>*>(d.params);
  auto* scratch = reinterpret_cast<I*>(d.scratch);
  const I zero_point = S::set_i16(d.zero_point);
  for (int64_t x0 = 0; x0 < d.out_w; x0 += kDepthwiseU8Columns) {
    const int n = int(lesser<int64_t>(kDepthwiseU8Columns, d.out_w - x0));
    const int64_t origin = x0 * Stride - d.pad_left;
    interleave_narrow<S, G>(d.in, origin, origin + (n - 1) * Stride + K, scratch);
    const I* src = scratch;
    for (int x = 0; x < n; x += NX, src += G * Stride * NX) {  // columns beyond n are computed and dropped
      I acc[R][NX];
      unroll<R * NX>([&](auto i) TENFOLD_LAMBDA { acc[i / NX][i % NX] = S::load_i(params->init); });
      unroll<K * Shape::used_groups>([&](auto t) TENFOLD_LAMBDA {
        constexpr int kx = t / Shape::used_groups, g = t % Shape::used_groups;
        unroll<R>([&](auto r) TENFOLD_LAMBDA {
          if constexpr (Shape::used(g, r)) {
            const Quad w = S::weights(d.weights + ((kx * G + g) * Shape::RP + r) * B);
            unroll<NX>([&](auto j) TENFOLD_LAMBDA {
              S::dot4(acc[r][j], S::split(S::load_i(src + (kx + j * Stride) * G + g)), w);
            });
          }
        });
      });
      unroll<R * NX>([&](auto i) TENFOLD_LAMBDA { S::pin(acc[i / NX][i % NX]); });
      const auto m = S::load_f(params->multiplier), b = S::load_f(params->bias);
      unroll<R>([&](auto r) TENFOLD_LAMBDA {
        I y = pack4<S>(requantize<S>(acc[r][0], m, b), requantize<S>(acc[r][1], m, b),
                       requantize<S>(acc[r][2], m, b), requantize<S>(acc[r][3], m, b), zero_point);
        y = S::template group_rows<1>(y);
        unroll<NX>([&](auto j) TENFOLD_LAMBDA {
          if (r < d.rows && (j == 0 || x + j < n))
            S::template store_chunk<S::lanes>(d.out[r] + (x0 + x + j) * d.out_pixel, y, j, d.channels);
        });
      });
    }
  }
}

}  // namespace tenfold::kernels
