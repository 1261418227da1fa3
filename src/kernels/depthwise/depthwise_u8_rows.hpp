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

/// Calls tap(p, i) for every column kx = p + i * Stride of the kernel.  Without a byte dot product as a loop:
/// unrolled, the compiler keeps the split columns that neighbouring windows share, 24 vectors where there are
/// 16 registers, and a 5x5 kernel takes longer on AVX2 (28 x 28 x 240: 162 us instead of 138).
template <class S, class Shape, class Tap>
[[gnu::always_inline]] inline void each_column(const Tap& tap) {
  constexpr int K = Shape::K, Stride = Shape::Stride;
  if constexpr (S::layout.weight_bytes == 1)
    unroll<K>([&](auto kx) TENFOLD_LAMBDA {
      tap(std::integral_constant<int, kx % Stride>{}, std::integral_constant<int, kx / Stride>{});
    });
  else
    unroll<Stride>([&](auto p) TENFOLD_LAMBDA {
      for (int i = 0; i < (K - p + Stride - 1) / Stride; ++i) tap(p, i);
    });
}

/// The bytes of R rows x NX vectors of output columns.  column(p, i, g, s, j): quad s of row group g under
/// column p + i * Stride of the kernel for vector j; weight(kx, g, r, s): what it is multiplied by for output
/// row r.
template <class S, class Shape, int NX, bool ZP, class Column, class Weight, class I = typename S::Int>
[[gnu::always_inline]] inline void depthwise_outputs(const DepthwisePass& d, const Column& column,
                                                     const Weight& weight, I (&y)[Shape::R][NX]) {
  using Quad = typename S::Quad;
  constexpr int R = Shape::R;
  const auto* params = reinterpret_cast<const VectorParams<S>*>(d.params);
  const I zero_point = S::set_i16(d.zero_point);
  I half[2][R][NX];
  unroll<2>([&](auto h) TENFOLD_LAMBDA {
    I q[2][R][NX];
    unroll<2>([&](auto e) TENFOLD_LAMBDA {
      constexpr int s = 2 * h + e;
      I acc[R][NX];
      unroll<R * NX>([&](auto i) TENFOLD_LAMBDA { acc[i / NX][i % NX] = S::load_i(params[s].init); });
      each_column<S, Shape>([&](auto p, auto i) TENFOLD_LAMBDA {
        unroll<Shape::used_groups>([&](auto g) TENFOLD_LAMBDA {
          Quad a[NX];
          unroll<NX>([&](auto j) TENFOLD_LAMBDA { a[j] = S::split(column(p, i, g, s, j)); });
          unroll<R>([&](auto r) TENFOLD_LAMBDA {
            if constexpr (Shape::used(g, r)) {
              const Quad w = weight(p + i * Shape::Stride, g, r, s);
              unroll<NX>([&](auto j) TENFOLD_LAMBDA { S::dot4(acc[r][j], a[j], w); });
            }
          });
        });
      });
      unroll<R * NX>([&](auto i) TENFOLD_LAMBDA { S::pin(acc[i / NX][i % NX]); });
      unroll<R * NX>([&](auto i) TENFOLD_LAMBDA {
        q[e][i / NX][i % NX] =
            requantize<S>(acc[i / NX][i % NX], S::load_f(params[s].multiplier), S::load_f(params[s].bias));
      });
    });
    unroll<R * NX>([&](auto i) TENFOLD_LAMBDA {
      half[h][i / NX][i % NX] = pack2<S, ZP>(q[0][i / NX][i % NX], q[1][i / NX][i % NX], zero_point);
    });
  });
  unroll<R * NX>([&](auto i) TENFOLD_LAMBDA { S::pin(half[1][i / NX][i % NX]); });
  unroll<R * NX>([&](auto i) TENFOLD_LAMBDA {
    y[i / NX][i % NX] = S::pack_i16_u8(half[0][i / NX][i % NX], half[1][i / NX][i % NX]);
  });
}

template <class S, class Shape>
[[gnu::always_inline]] inline typename S::Quad depthwise_weight(const DepthwisePass& d, int kx, int g, int r,
                                                                int s) {
  constexpr int B = 4 * S::lanes * S::layout.weight_bytes;
  return S::weights(d.weights + (((kx * Shape::G + g) * Shape::RP + r) * 4 + s) * B);
}

/// R rows x NX vectors of C output columns; `src` is where the first of them lies in the scratch.  Of the
/// columns only `n` are stored, at x and on.
template <class S, class Shape, int NX, int C>
[[gnu::always_inline]] inline void depthwise_step(const DepthwisePass& d, const std::byte* src, int64_t x,
                                                  int n) {
  using I = typename S::Int;
  constexpr int G = Shape::G, R = Shape::R, column = 4 * S::lanes / C;
  constexpr ptrdiff_t part = depthwise_u8_scratch_columns(Shape::K) * column;
  const auto quad = [&](int p, int i, int g, int s, int j) TENFOLD_LAMBDA {
    return S::load_i(src + ((p * G + g) * 4 + s) * part + ptrdiff_t(i * column) + j * 4 * S::lanes);
  };
  const auto weight = [&](int kx, int g, int r, int s)
                          TENFOLD_LAMBDA { return depthwise_weight<S, Shape>(d, kx, g, r, s); };
  I y[R][NX];
  depthwise_outputs<S, Shape, NX, true>(d, quad, weight, y);
  unroll<R * NX>([&](auto i) TENFOLD_LAMBDA {
    constexpr int r = i / NX, j = i % NX;
    if (r >= d.rows) return;
    u8* out = d.out[r] + (x + j * C) * d.out_pixel;
    if constexpr (C == 1) {
      if (j == 0 || j < n) store_bytes<S>(out, y[r][j], d.channels);
    } else {
      unroll<C>([&](auto k) TENFOLD_LAMBDA {
        if (j * C + k == 0 || j * C + k < n)
          S::template store_chunk<column>(out + k * d.out_pixel, y[r][j], k, d.channels);
      });
    }
  });
}

/// One block of channels, a column a vector, of a 3x3 kernel, for vectors with 32 registers: columns stay
/// there instead of going through the scratch, and those that neighbouring windows share are handed on.  On
/// Zen 4 64 outputs take 35 cycles instead of 50 at stride 2, and 23 instead of 28 at stride 1.  The same for
/// two or four columns a vector, with shuffles for the columns between, was not faster than the scratch.
/// ZP: the zero point of the output is not 0.  Outside: rows of the window may lie outside the image.
template <class S, class Shape, bool ZP, bool Outside>
void depthwise_block_3x3(const DepthwisePass& d) {
  using I = typename S::Int;
  static_assert(Shape::K == 3 && Shape::G == 1);
  constexpr int Stride = Shape::Stride, R = Shape::R, NX = Stride == 1 ? 2 : 1;  // NX columns share weights
  constexpr int fresh = NX * Stride, shared = 3 - Stride;
  constexpr bool keep = NX * R == 1;  // the weights in registers too
  const I zero = S::set_i8(d.in.zero_point);
  typename S::Quad kept[keep ? 12 : 1];
  if constexpr (keep)
    unroll<12>([&](auto i) TENFOLD_LAMBDA { kept[i] = depthwise_weight<S, Shape>(d, i / 4, 0, 0, i % 4); });
  const auto weight = [&](int kx, int g, int r, int s) TENFOLD_LAMBDA {
    if constexpr (keep)
      return kept[kx * 4 + s];
    else
      return depthwise_weight<S, Shape>(d, kx, g, r, s);
  };
  I columns[shared + fresh][4];
  const auto quad = [&](int p, int i, int, int s, int j)
                        TENFOLD_LAMBDA { return columns[(j + i) * Stride + p][s]; };
  unroll<shared>([&](auto i) TENFOLD_LAMBDA {
    interleave_group<S, 1, Outside>(d.in, 0, i - d.pad_left, 1, zero, columns[i]);
  });
  for (int64_t x = 0; x < d.out_w; x += NX) {
    unroll<fresh>([&](auto i) TENFOLD_LAMBDA {
      interleave_group<S, 1, Outside>(d.in, 0, x * Stride - d.pad_left + shared + i, 1, zero,
                                      columns[shared + i]);
    });
    I y[R][NX];
    depthwise_outputs<S, Shape, NX, ZP>(d, quad, weight, y);
    unroll<R * NX>([&](auto i) TENFOLD_LAMBDA {
      constexpr int r = i / NX, j = i % NX;
      if (r < d.rows && x + j < d.out_w)
        store_bytes<S>(d.out[r] + (x + j) * d.out_pixel, y[r][j], d.channels);
    });
    unroll<shared * 4>([&](auto i) TENFOLD_LAMBDA { columns[i / 4][i % 4] = columns[fresh + i / 4][i % 4]; });
  }
}

/// One block of channels, C columns a vector, NX vectors at a time, which share the loads of the weights.
/// Columns are interleaved just ahead of their use, so that the shuffles overlap the dot products and the
/// epilogue of earlier ones.
template <class S, class Shape, int C>
void depthwise_block(const DepthwisePass& d) {
  constexpr int G = Shape::G, K = Shape::K, Stride = Shape::Stride, column = 4 * S::lanes / C;
  constexpr int NX = larger(2, lesser(4, S::depthwise_accumulators / Shape::R)), step = NX * C;
  constexpr int reach = (K - 1) / Stride;  // columns of one remainder that a window reaches beyond its first
  constexpr ptrdiff_t part = depthwise_u8_scratch_columns(K) * column;
  for (int64_t x0 = 0; x0 < d.out_w; x0 += kDepthwiseU8Columns) {
    const int n = int(lesser<int64_t>(kDepthwiseU8Columns, d.out_w - x0));
    const int64_t origin = x0 * Stride - d.pad_left;
    const int all = (n + reach + C - 1) / C;
    int built = 0;  // vectors of every remainder
    const auto build = [&](int columns) TENFOLD_LAMBDA {
      const int upto = lesser(all, (columns + C - 1) / C);
      for (int p = 0; p < Stride; ++p)
        interleave<S, G, C>(d.in, origin + built * C * Stride + p, Stride, upto - built,
                            d.scratch + p * G * 4 * part + built * 4 * S::lanes, part);
      built = upto;
    };
    constexpr int few = NX > 2 ? 2 * C : 0;  // so many columns left take the smaller step
    int x = 0;
    for (; x + few < n; x += step) {  // columns beyond n are computed and dropped
      build(x + step + reach);
      depthwise_step<S, Shape, NX, C>(d, d.scratch + x * column, x0 + x, n - x);
    }
    if constexpr (few > 0)
      if (x < n) {
        build(x + step + reach);
        depthwise_step<S, Shape, 2, C>(d, d.scratch + x * column, x0 + x, n - x);
      }
  }
}

}  // namespace tenfold::kernels
