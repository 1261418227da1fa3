// What follows a GEMM tile in the rarer cases, while it is in L1: from a small buffer of its bytes to the
// output through tables and residual, or with fewer channels than the tile has; or from its raw accumulators
// (f32 output, a float tail, or multipliers so large that the float must be limited).
#pragma once

#include "kernels/gemm/gemm_u8_tile.hpp"

namespace tenfold::kernels {

constexpr int kMaxTileRows = 32;

/// How the bytes of a tile reach the output.  Tables and residual are null where there are none.
template <class S>
struct TileFinish {
  const typename S::Table* table;
  const u8* residual;  // row 0 of the tile
  ptrdiff_t ld_residual;
  float q_scale, r_scale, offset;
  int residual_zero_point;
  const typename S::Table* residual_table;
};

enum class Residual { none, plain, limited };  // limited: the sum may leave the range of s32

/// `rows` rows of NV * lanes bytes, without gaps, to rows of n bytes at c.
template <class S, int NV, Residual R>
[[gnu::noinline]] void finish_rows(const u8* tile, int64_t rows, u8* c, ptrdiff_t ldc, int64_t n,
                                   const TileFinish<S>& f) {
  using I = typename S::Int;
  constexpr int G = 4 / NV, B = NV * S::lanes;  // rows per vector, bytes per row
  const auto q_scale = S::set_f(f.q_scale), r_scale = S::set_f(f.r_scale), offset = S::set_f(f.offset);
  const I zero_point = S::set_i16(f.residual_zero_point);
  for (int64_t m = 0; m < rows; m += G, tile += 4 * S::lanes) {
    I y = S::load_i(tile);
    if (f.table) y = S::lookup(*f.table, y);
    if constexpr (R != Residual::none) {
      alignas(64) u8 looked_up[4 * S::lanes];
      const u8* bytes = tile;
      if (f.table) {
        S::store_i(looked_up, y);
        bytes = looked_up;
      }
      I x[4];
      unroll<4>([&](auto i) TENFOLD_LAMBDA {
        const int64_t row = lesser<int64_t>(m + i / NV, rows - 1);
        const I q = S::load_u8_i32(bytes + i * S::lanes);
        const I r = S::load_u8_i32(f.residual + row * f.ld_residual + i % NV * S::lanes);
        x[i] = round_to_i32<S, R == Residual::limited>(
            S::fma(S::to_f32(q), q_scale, S::fma(S::to_f32(r), r_scale, offset)));
      });
      y = S::template group_rows<1>(pack4<S>(x[0], x[1], x[2], x[3], zero_point));
      if (f.residual_table) y = S::lookup(*f.residual_table, y);
    }
    unroll<G>([&](auto i) TENFOLD_LAMBDA {
      if (m + i < rows) S::template store_chunk<B>(c + (m + i) * ldc, y, i, n);
    });
  }
}

/// Tables and residual of an output, ready for use.
template <class S>
struct OutputStage {
  bool staged;  // bytes pass through put()
  Residual residual;
  TileFinish<S> finish;
  typename S::Table table, residual_table;

  [[gnu::always_inline]] void prepare(const OutputU8& o, bool wide_range) {
    const bool fast_table = S::fast_lookup && !wide_range;
    const u8* added = o.tail && o.tail->residual ? nullptr : o.residual;
    staged = added || (o.table && !fast_table);
    finish = {nullptr, added, o.ld_residual, o.q_scale, o.r_scale, o.offset, o.residual_zero_point, nullptr};
    if (o.table && !fast_table) table = S::load_table(o.table), finish.table = &table;
    if (o.residual_table)
      residual_table = S::load_table(o.residual_table), finish.residual_table = &residual_table;
    const float bound =
        255 * (__builtin_fabsf(o.q_scale) + __builtin_fabsf(o.r_scale)) + __builtin_fabsf(o.offset);
    residual = !added ? Residual::none : bound < 1e9f ? Residual::plain : Residual::limited;
  }
  /// `rows` rows of nv * lanes bytes, without gaps, to channels [n0, n0 + n) of rows m on.
  [[gnu::always_inline]] void put(const OutputU8& o, const u8* bytes, int nv, int64_t m, int64_t rows,
                                  int64_t n0, int64_t n) {
    nv == 1 ? put<1>(o, bytes, m, rows, n0, n) : put<2>(o, bytes, m, rows, n0, n);
  }
  template <int NV>
  [[gnu::always_inline]] void put(const OutputU8& o, const u8* bytes, int64_t m, int64_t rows, int64_t n0,
                                  int64_t n) {
    u8* c = o.c + m * o.ldc + n0;
    finish.residual = residual == Residual::none ? nullptr : o.residual + m * o.ld_residual + n0;
    if (residual == Residual::none)
      finish_rows<S, NV, Residual::none>(bytes, rows, c, o.ldc, n, finish);
    else if (residual == Residual::plain)
      finish_rows<S, NV, Residual::plain>(bytes, rows, c, o.ldc, n, finish);
    else
      finish_rows<S, NV, Residual::limited>(bytes, rows, c, o.ldc, n, finish);
  }
};

/// From accumulators in memory, a row after the other, to bytes at d: as many rows at a time as fill packed
/// vectors.
template <class S, int MR, int NV, bool ZP, bool Lookup>
[[gnu::always_inline]] inline void store_raw_rows(const i32* raw, const GemmU8Tile& t, u8* d) {
  typename S::Int acc[MR][NV];
  unroll<MR * NV>([&](auto i) TENFOLD_LAMBDA { acc[i / NV][i % NV] = S::load_i(raw + i * S::lanes); });
  store_tile<S, MR, NV, ZP, Lookup>(acc, t, d);
}
template <class S, int NV, bool ZP, bool Lookup>
[[gnu::noinline]] void store_raw_all(const i32* raw, const GemmU8Tile& t, u8* d) {
  constexpr int MR = 4;
  int m = 0;
  for (; m + MR <= t.height; m += MR)
    store_raw_rows<S, MR, NV, ZP, Lookup>(raw + m * NV * S::lanes, t, d + m * t.ldc);
  for (; m < t.height; ++m) store_raw_rows<S, 1, NV, ZP, Lookup>(raw + m * NV * S::lanes, t, d + m * t.ldc);
}
template <class S, int NV>
[[gnu::always_inline]] inline void store_raw_tile(const i32* raw, const GemmU8Tile& t, u8* d) {
  if (S::fast_lookup && t.table)
    store_raw_all<S, NV, true, S::fast_lookup>(raw, t, d);
  else if (t.zero_point)
    store_raw_all<S, NV, true, false>(raw, t, d);
  else
    store_raw_all<S, NV, false, false>(raw, t, d);
}

/// fma(acc, multiplier * dynamic_scale, bias) of one row of raw accumulators, in channel order.
template <class S>
[[gnu::always_inline]] inline void scale_row(const i32* raw, const VectorParams<S>* params, int nv,
                                             float dynamic_scale, float* out) {
  for (int v = 0; v < nv; ++v) {
    const auto m = S::mul(S::load_f(params[v].multiplier), S::set_f(dynamic_scale));
    const auto x = S::bits(S::fma(S::to_f32(S::load_i(raw + v * S::lanes)), m, S::load_f(params[v].bias)));
    unroll<S::lanes / 4>([&](auto part) TENFOLD_LAMBDA {
      _mm_storeu_si128(reinterpret_cast<__m128i*>(out + part * 4 * nv + v * 4), S::template part<part>(x));
    });
  }
}

/// To n floats a row at c.
template <class S>
[[gnu::noinline]] void finish_raw_f32(const i32* raw, const std::byte* params, int nv, int64_t rows, float* c,
                                      ptrdiff_t ldc, int64_t n, float dynamic_scale) {
  alignas(64) float row[4 * S::lanes];
  const bool whole = n == nv * S::lanes;
  for (int64_t m = 0; m < rows; ++m, c += ldc, raw += nv * S::lanes) {
    scale_row<S>(raw, reinterpret_cast<const VectorParams<S>*>(params), nv, dynamic_scale, whole ? c : row);
    if (whole) continue;
    for (int v = 0; v < nv && n > v * S::lanes; ++v)
      S::store_f(c + v * S::lanes, S::load_f(row + v * S::lanes), n - v * S::lanes);
  }
}

/// Rows [row, row + rows) of `n` channels from n0 on, at x, `ld` floats apart, through residual, activation
/// and factors.  What lies between rows may change.
template <class S>
[[gnu::noinline]] void apply_tail(const OutputU8& o, float* x, ptrdiff_t ld, int64_t row, int64_t rows,
                                  int64_t n0, int64_t n) {
  const FloatTail& t = *o.tail;
  const auto r_scale = S::set_f(o.r_scale), offset = S::set_f(o.offset);
  for (int64_t m = 0; t.residual && m < rows; ++m) {
    const u8* residual = o.residual + (row + m) * o.ld_residual + n0;
    for (int64_t i = 0; i < n; i += S::lanes) {
      float* at = x + m * ld + i;
      const auto r = S::fma(S::to_f32(S::load_u8_i32(residual + i)), r_scale, offset);
      S::store_f(at, S::add(S::load_f(at, n - i), r), n - i);
    }
  }
  if (t.activation != Activation::none) t.unary(x, x, (rows - 1) * ld + n, t.activation, t.lo, t.hi);
  for (int64_t m = 0; o.factors && m < rows; ++m)
    for (int64_t i = 0; i < n; i += S::lanes) {
      float* at = x + m * ld + i;
      S::store_f(at, S::mul(S::load_f(at, n - i), S::load_f(o.factors + n0 + i, n - i)), n - i);
    }
}

/// To floats, through the tail, to n channels of rows of c_f32 or to the bytes of a tile, nv * lanes a row.
template <class S>
[[gnu::noinline]] void finish_raw_tail(const i32* raw, const std::byte* params, int nv, int64_t row,
                                       int64_t rows, const OutputU8& o, int64_t n0, int64_t n, u8* tile) {
  alignas(64) float x[kMaxTileRows * 2 * S::lanes];
  const int64_t ld = nv * S::lanes;
  finish_raw_f32<S>(raw, params, nv, rows, x, ld, ld, o.dynamic_scale);
  apply_tail<S>(o, x, ld, row, rows, n0, n);
  if (!o.c_f32) return o.tail->quantize(x, tile, rows * ld, o.tail->inverse_scale, o.zero_point);
  for (int64_t m = 0; m < rows; ++m)
    for (int64_t i = 0; i < n; i += S::lanes)
      S::store_f(o.c_f32 + (row + m) * o.ldc + n0 + i, S::load_f(x + m * ld + i), n - i);
}

/// To the bytes of a tile, NV * lanes a row.
template <class S>
[[gnu::noinline]] void finish_raw_u8(const i32* raw, const std::byte* params, int nv, int64_t rows, u8* tile,
                                     int zero_point) {
  alignas(64) float row[4 * S::lanes];
  for (int64_t m = 0; m < rows; ++m, raw += nv * S::lanes, tile += nv * S::lanes) {
    scale_row<S>(raw, reinterpret_cast<const VectorParams<S>*>(params), nv, 1.0f, row);
    for (int v = 0; v < nv; ++v) {
      const auto x = round_to_i32<S, true>(S::load_f(row + v * S::lanes));
      const auto y = S::template group_rows<1>(pack4<S>(x, x, x, x, S::set_i16(zero_point)));
      S::template store_chunk<S::lanes>(tile + v * S::lanes, y, 0, S::lanes);
    }
  }
}

/// Sum of the bytes of row m of A.
template <class S>
[[gnu::noinline]] u32 row_sum(const GemmU8& g, int64_t m) {
  const __m128i zero = _mm_setzero_si128(),
                index = _mm_setr_epi8(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
  const int64_t k = g.w->k;
  __m128i sum = zero;
  for (int64_t tap = 0; tap < g.w->taps; ++tap) {
    const u8* a = g.indirect ? g.indirect[tap * g.indirect_stride + m] + g.a_offset : g.a + m * g.lda;
    for (int64_t i = 0; i < k; i += 16) {
      __m128i x = _mm_loadu_si128(reinterpret_cast<const __m128i*>(a + i));
      if (k - i < 16) x = _mm_and_si128(x, _mm_cmplt_epi8(index, _mm_set1_epi8(char(k - i))));
      sum = _mm_add_epi64(sum, _mm_sad_epu8(x, zero));
    }
  }
  return u32(_mm_cvtsi128_si32(_mm_add_epi64(sum, _mm_srli_si128(sum, 8))));
}

/// Adds sum x * offset of the channel to `rows` rows of raw accumulators, `width` each.
template <class S>
[[gnu::noinline]] void add_weight_offsets(i32* raw, const u32* sums, int64_t rows, const i32* offsets,
                                          int width) {
  for (int64_t row = 0; row < rows; ++row, raw += width)
    for (int i = 0; i < width; ++i) raw[i] = i32(u32(raw[i]) + sums[row] * u32(offsets[i]));
}

/// The parameters of a panel with other initial accumulators, given in channel order.
template <class S>
[[gnu::noinline]] void override_init(const std::byte* params, int nv, const i32* init, int64_t n,
                                     VectorParams<S>* out) {
  const auto* from = reinterpret_cast<const VectorParams<S>*>(params);
  for (int v = 0; v < nv; ++v)
    for (int lane = 0; lane < S::lanes; ++lane) {
      const int64_t channel = lane / 4 * 4 * nv + v * 4 + lane % 4;
      out[v].init[lane] = channel < n ? init[channel] : 0;
      out[v].multiplier[lane] = from[v].multiplier[lane];
      out[v].bias[lane] = from[v].bias[lane];
    }
}

}  // namespace tenfold::kernels
