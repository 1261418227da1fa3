// INT8 Winograd convolution F(4x4, 3x3) and F(2x2, 3x3) in integers (Lavin and Gray 2015).  Nothing is
// rounded, so the sums are those of the direct convolution, with a quarter (4 / 9 for F(2x2)) of its
// multiplications, of 16 bits instead of 8.
//
// The weight transform is multiplied by 24 (2) a dimension, which turns its fractions into integers.  The
// transformed input fits 16 bits (at most 17,340 = 68 * 255) and so do the weights (18,432 = 144 * 128);
// products and sums are modulo 2^32.  The result, 576 (4) times the sum, is divided exactly: by 9 through
// multiplication with its inverse modulo 2^32, by 64 (4) through a shift.
#pragma once

#include "kernels/gemm/gemm_u8_finish.hpp"
#include "kernels/winograd/layout_u8.hpp"

namespace tenfold::kernels {

/// B^T d, 16 bits.
template <class S, int T, class I = typename S::Int>
[[gnu::always_inline]] inline void winograd_u8_input(const I (&d)[T + 2], I (&o)[T + 2]) {
  if constexpr (T == 2) {
    o[0] = S::sub_i16(d[0], d[2]);
    o[1] = S::add_i16(d[1], d[2]);
    o[2] = S::sub_i16(d[2], d[1]);
    o[3] = S::sub_i16(d[3], d[1]);
  } else {
    const auto four = [](I x) TENFOLD_LAMBDA { return S::template shift_left_i16<2>(x); };
    const I a = S::sub_i16(d[4], four(d[2])), b = S::sub_i16(d[3], four(d[1]));
    const I e = S::sub_i16(d[4], d[2]), f = S::sub_i16(d[3], d[1]), f2 = S::add_i16(f, f);
    o[0] = S::add_i16(four(S::sub_i16(d[0], d[2])), e);
    o[1] = S::add_i16(a, b);
    o[2] = S::sub_i16(a, b);
    o[3] = S::add_i16(e, f2);
    o[4] = S::sub_i16(e, f2);
    o[5] = S::sub_i16(S::sub_i16(d[5], d[3]), four(f));
  }
}

/// A^T m, 32 bits; m[0] and the last count twice for T = 4, as their weights were halved to fit 16 bits.
template <class S, int T, class I = typename S::Int>
[[gnu::always_inline]] inline void winograd_u8_output(const I (&m)[T + 2], I (&o)[T]) {
  if constexpr (T == 2) {
    o[0] = S::add_i32(S::add_i32(m[0], m[1]), m[2]);
    o[1] = S::add_i32(S::sub_i32(m[1], m[2]), m[3]);
  } else {
    const I s1 = S::add_i32(m[1], m[2]), d1 = S::sub_i32(m[1], m[2]), s2 = S::add_i32(m[3], m[4]),
            d2 = S::sub_i32(m[3], m[4]);
    o[0] = S::add_i32(S::add_i32(m[0], m[0]), S::add_i32(s1, s2));
    o[1] = S::add_i32(d1, S::add_i32(d2, d2));
    o[2] = S::add_i32(s1, S::template shift_left_i32<2>(s2));
    const I last = S::add_i32(m[5], S::template shift_left_i32<2>(d2));
    o[3] = S::add_i32(d1, S::add_i32(last, last));
  }
}

/// The exact quotient by the scale of the weights.
template <class S, int T, class I = typename S::Int>
[[gnu::always_inline]] inline I winograd_u8_unscale(I x) {
  if constexpr (T == 2)
    return S::template shift_right_signed_i32<2>(x);
  else
    return S::template shift_right_signed_i32<6>(
        S::mul_i32(x, S::set_i32(0x38e38e39)));  // 9 * that = 2^33 + 1
}

/// All channels of one tile, the top left pixel at (y, x), into row `v` of the transformed matrices.
template <class S, int T>
[[gnu::noinline]] void winograd_u8_input_tile(const WinogradU8& g, const WinogradBlockU8& block, int64_t y,
                                              int64_t x, std::byte* v) {
  constexpr int P = T + 2;
  using I = typename S::Int;
  const u8* pixel[P * P];
  for (int i = 0; i < P; ++i) {
    const u8* row = g.in + (y + i) * g.in_row + x * g.in_pixel;
    const bool inside = uint64_t(y + i) < uint64_t(g.in_h);  // negative ones are large
    for (int j = 0; j < P; ++j)
      pixel[i * P + j] = inside & (uint64_t(x + j) < uint64_t(g.in_w)) ? row + j * g.in_pixel : g.outside;
  }
  for (int64_t c = 0; c < g.w->c; c += 2 * S::lanes, v += 4 * S::lanes) {
    I t[P][P];
    unroll<P>([&](auto j) TENFOLD_LAMBDA {
      I d[P], o[P];
      unroll<P>([&](auto i) TENFOLD_LAMBDA { d[i] = S::load_u8_i16(pixel[i * P + j] + c); });
      winograd_u8_input<S, T>(d, o);
      unroll<P>([&](auto i) TENFOLD_LAMBDA { t[i][j] = o[i]; });
    });
    unroll<P>([&](auto i) TENFOLD_LAMBDA {
      I o[P];
      winograd_u8_input<S, T>(t[i], o);
      unroll<P>([&](auto j) TENFOLD_LAMBDA { S::store_i(v + (i * P + j) * block.v_stride, o[j]); });
    });
  }
}

/// MR rows of one matrix of the transformed input times a panel of weights, to `m`.
template <class S, int MR, int NV>
[[gnu::noinline]] void winograd_u8_tile(const u8* v, ptrdiff_t row, const std::byte* w, int64_t depth, i32* m,
                                        uintptr_t prefetch) {
  typename S::Int acc[MR][NV];
  unroll<MR * NV>([&](auto i) TENFOLD_LAMBDA { acc[i / NV][i % NV] = S::zero_i(); });
  const u8* p[MR];
  unroll<MR>([&](auto i) TENFOLD_LAMBDA { p[i] = v, v += row; });
  gemm_tap<S, typename S::Pairs, MR, NV>(acc, p, depth, w, prefetch);
  unroll<MR * NV>([&](auto i) TENFOLD_LAMBDA { S::store_i(m + i * S::lanes, acc[i / NV][i % NV]); });
}
using WinogradU8TileFn = void (*)(const u8*, ptrdiff_t, const std::byte*, int64_t, i32*, uintptr_t);
template <class S, int NV, class>
struct WinogradU8Tiles;
template <class S, int NV, int... I>
struct WinogradU8Tiles<S, NV, std::integer_sequence<int, I...>> {
  static constexpr WinogradU8TileFn fn[] = {&winograd_u8_tile<S, I + 1, NV>...};
};

/// One panel of NV vectors of output channels from n0 on, for one block of tiles.
template <class S, int T, int NV>
struct WinogradU8Panel {
  static constexpr int P = T + 2, kRowBytes = NV * S::lanes;
  const WinogradU8& g;
  const WinogradBlockU8& block;
  OutputStage<S>& output;
  int64_t n0;
  const std::byte *weights, *params;

  /// The matrix products: `tiles` rows of every matrix, in register tiles of even height.
  [[gnu::always_inline]] void multiply(const std::byte* v, int64_t tiles, i32* m) const {
    constexpr int kMost = S::Pairs::rows[NV];
    const auto* fn = WinogradU8Tiles<S, NV, std::make_integer_sequence<int, kMost>>::fn;
    const int64_t steps = (g.w->c + 1) / 2, matrix = steps * NV * 4 * S::lanes, row = block.c * 2;
    const int64_t count = (tiles + kMost - 1) / kMost;
    const std::byte* w = weights;
    for (int64_t point = 0; point < block.points; ++point, w += matrix) {
      int64_t first = 0;
      for (int64_t i = 0; i < count; ++i) {
        const int64_t end = tiles * (i + 1) / count;
        // Meanwhile the next matrix comes to L2, each register tile fetching one line of every step.
        constexpr int kLines = larger(1, NV * 4 * S::lanes / 64);
        fn[end - first - 1](reinterpret_cast<const u8*>(v + point * block.v_stride + first * row), row, w,
                            4 * steps, m + point * block.m_stride + first * kRowBytes,
                            uintptr_t(matrix + i % kLines * 64));
        first = end;
      }
    }
  }

  /// Back from row `m` of the products to the pixels of one tile, the top left one at (y, x).
  [[gnu::noinline]] void finish(const i32* m, int64_t y, int64_t x) const {
    alignas(64) i32 sums[T * T * kRowBytes];  // or, where they are not raw, the rounded ones
    const bool raw = g.c_f32 || g.tail || g.w->wide_range;
    unroll<NV>([&](auto v) TENFOLD_LAMBDA {
      const i32* products = m + v * S::lanes;
      raw ? untransform<false>(products, v, sums) : untransform<true>(products, v, sums);
    });
    const int64_t rows = lesser<int64_t>(T, g.out_h - y), columns = lesser<int64_t>(T, g.out_w - x);
    for (int64_t i = 0; i < rows; ++i) put(sums + i * T * kRowBytes, raw, (y + i) * g.out_w + x, columns);
  }

  /// The sums of vector v of a tile's channels, requantized if they go on to bytes, in [pixel][NV] vectors.
  template <bool Requantize>
  [[gnu::always_inline]] void untransform(const i32* products, int v, i32* sums) const {
    using I = typename S::Int;
    const VectorParams<S>& channels = reinterpret_cast<const VectorParams<S>*>(params)[v];
    I t[T][P];
    unroll<P>([&](auto j) TENFOLD_LAMBDA {
      I d[P], o[T];
      unroll<P>([&](auto i) TENFOLD_LAMBDA { d[i] = S::load_i(products + (i * P + j) * block.m_stride); });
      winograd_u8_output<S, T>(d, o);
      unroll<T>([&](auto i) TENFOLD_LAMBDA { t[i][j] = o[i]; });
    });
    const I init = S::load_i(channels.init);
    const auto multiplier = S::load_f(channels.multiplier), bias = S::load_f(channels.bias);
    unroll<T>([&](auto i) TENFOLD_LAMBDA {
      I o[T];
      winograd_u8_output<S, T>(t[i], o);
      unroll<T>([&](auto j) TENFOLD_LAMBDA {
        I sum = S::add_i32(winograd_u8_unscale<S, T>(o[j]), init);
        if constexpr (Requantize) sum = requantize<S>(sum, multiplier, bias);
        S::store_i(sums + ((i * T + j) * NV + v) * S::lanes, sum);
      });
    });
  }

  /// T pixels of a row from `pixel` on, of which `columns` are inside the image, to the output.
  [[gnu::always_inline]] void put(const i32* sums, bool raw, int64_t pixel, int64_t columns) const {
    alignas(64) u8 bytes[larger(T, 4 / NV) * kRowBytes];
    const int64_t n = lesser<int64_t>(g.n_end - n0, kRowBytes);
    if (g.tail) {
      finish_raw_tail<S>(sums, params, NV, pixel, columns, g, n0, n, bytes);
    } else if (g.c_f32) {
      finish_raw_f32<S>(sums, params, NV, columns, g.c_f32 + pixel * g.ldc + n0, g.ldc, n, g.dynamic_scale);
    } else if (raw) {
      finish_raw_u8<S>(sums, params, NV, columns, bytes, g.zero_point);
    } else {
      const bool whole = !output.staged && columns == T && n == kRowBytes;
      pack(sums, whole ? g.c + pixel * g.ldc + n0 : bytes, whole ? g.ldc : kRowBytes);
      if (whole) return;
    }
    if (!g.c_f32) output.template put<NV>(g, bytes, pixel, columns, n0, n);
  }

  /// T pixels of NV vectors to bytes.
  [[gnu::always_inline]] void pack(const i32* q, u8* d, ptrdiff_t ld) const {
    constexpr int G = 4 / NV;  // pixels per packed vector
    const auto zero_point = S::set_i16(g.zero_point);
    unroll<(T + G - 1) / G>([&](auto h) TENFOLD_LAMBDA {
      const auto at = [&](int i) TENFOLD_LAMBDA {  // of T pixels: the last ones again
        return S::load_i(q + lesser(int(h) * 4 + i, T * NV - 1) * S::lanes);
      };
      const auto y = S::template group_rows<NV>(pack4<S>(at(0), at(1), at(2), at(3), zero_point));
      unroll<G>([&](auto i) TENFOLD_LAMBDA {
        if constexpr (int(h) * G + int(i) < T)
          S::template store_chunk<kRowBytes>(d + (int(h) * G + int(i)) * ld, y, i, kRowBytes);
      });
    });
  }
};

template <class S, int T>
struct WinogradU8Walk {
  const WinogradU8& g;
  const WinogradBlockU8 block{S::lanes, g.w->c, T};
  OutputStage<S> output;
  std::byte* v;
  i32* m;

  template <int NV>
  [[gnu::always_inline]] void panel(int64_t n0, int64_t t0, int64_t tiles) {
    const PackedWinogradU8& w = *g.w;
    const int64_t vectors = n0 / S::lanes, across = (g.out_w + T - 1) / T;
    const WinogradU8Panel<S, T, NV> p{g,
                                      block,
                                      output,
                                      n0,
                                      w.weights + vectors * block.points * ((w.c + 1) / 2) * 4 * S::lanes,
                                      w.params + vectors * int64_t(sizeof(VectorParams<S>))};
    p.multiply(v, tiles, m);
    for (int64_t i = 0; i < tiles; ++i)
      p.finish(m + i * NV * S::lanes, (t0 + i) / across * T, (t0 + i) % across * T);
  }
  [[gnu::noinline]] void run() {
    output.prepare(g, true);  // the table after the tile, in put()
    v = reinterpret_cast<std::byte*>((reinterpret_cast<uintptr_t>(g.scratch) + 63) & ~uintptr_t(63));
    m = reinterpret_cast<i32*>(v + block.points * block.v_stride);
    const int64_t across = (g.out_w + T - 1) / T, total = g.tile_end - g.tile_begin;
    const int64_t blocks = (total + block.tiles - 1) / block.tiles;
    for (int64_t b = 0; b < blocks; ++b) {
      const int64_t t0 = g.tile_begin + total * b / blocks, t1 = g.tile_begin + total * (b + 1) / blocks;
      for (int64_t t = t0; t < t1; ++t)
        winograd_u8_input_tile<S, T>(g, block, t / across * T - g.pad_top, t % across * T - g.pad_left,
                                     v + (t - t0) * block.c * 2);
      for (int64_t n0 = g.n_begin; n0 < g.n_end; n0 += g.w->panel_channels)
        if (g.w->n - n0 > S::lanes)
          panel<2>(n0, t0, t1 - t0);
        else
          panel<1>(n0, t0, t1 - t0);
    }
  }
};

template <class S>
void winograd_u8(const WinogradU8& g) {
  if (g.w->tile == 2)
    WinogradU8Walk<S, 2>{.g = g}.run();
  else
    WinogradU8Walk<S, 4>{.g = g}.run();
}

}  // namespace tenfold::kernels
