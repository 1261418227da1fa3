// What follows a GEMM tile in the rarer cases: a pass over its bytes while they are in L1, or over its raw
// accumulators (f32 output, or multipliers so large that the float must be limited).
#pragma once

#include "kernels/gemm/gemm_u8_tile.hpp"

namespace tenfold::kernels {

/// y = table[y] over `rows` rows of n bytes.
template <class S>
[[gnu::noinline]] void lookup_rows(u8* d, ptrdiff_t ld, int64_t rows, int64_t n, const u8* table) {
  const auto t = S::load_table(table);
  for (int64_t m = 0; m < rows; ++m, d += ld)
    for (int64_t i = 0; i < n; i += 4 * S::lanes)
      store_bytes<S>(d + i, S::lookup(t, S::load_i(d + i)), n - i);
}

/// c = clamp_u8(rne(fma(q, q_scale, fma(r, r_scale, offset))) + zero_point) where c holds q, over rows of n
/// bytes.
template <class S, int NV, bool Limit>
[[gnu::noinline]] void add_residual_rows(u8* c, ptrdiff_t ldc, const u8* residual, int64_t rows, int64_t n,
                                         const GemmU8& g) {
  using I = typename S::Int;
  constexpr int G = 4 / NV;  // rows per packed vector: chunks of `lanes` bytes, NV to a row
  const auto q_scale = S::set_f(g.q_scale), r_scale = S::set_f(g.r_scale), offset = S::set_f(g.offset);
  const I zero_point = S::set_i16(g.residual_zero_point);
  for (int64_t m = 0; m < rows; m += G) {
    I x[4];
    unroll<4>([&](auto i) TENFOLD_LAMBDA {
      const int64_t row = lesser<int64_t>(m + i / NV, rows - 1);
      const I q = S::load_u8_i32(c + row * ldc + i % NV * S::lanes);
      const I r = S::load_u8_i32(residual + row * g.ld_residual + i % NV * S::lanes);
      x[i] = round_to_i32<S, Limit>(S::fma(S::to_f32(q), q_scale, S::fma(S::to_f32(r), r_scale, offset)));
    });
    const I y = S::template group_rows<1>(pack4<S>(x[0], x[1], x[2], x[3], zero_point));
    unroll<4>([&](auto i) TENFOLD_LAMBDA {
      const int64_t left = n - i % NV * S::lanes;
      if (m + i / NV < rows && left > 0)
        S::template store_chunk<S::lanes>(c + (m + i / NV) * ldc + i % NV * S::lanes, y, i, left);
    });
  }
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

template <class S>
[[gnu::noinline]] void store_raw_f32(const GemmU8Tile& t, int nv, int64_t rows, float* c, ptrdiff_t ldc,
                                     float dynamic_scale) {
  alignas(64) float row[4 * S::lanes];
  for (int64_t m = 0; m < rows; ++m, c += ldc) {
    scale_row<S>(t.raw + m * nv * S::lanes, reinterpret_cast<const VectorParams<S>*>(t.params), nv,
                 dynamic_scale, row);
    for (int v = 0; v < nv && t.n > v * S::lanes; ++v)
      S::store_f(c + v * S::lanes, S::load_f(row + v * S::lanes), t.n - v * S::lanes);
  }
}

template <class S>
[[gnu::noinline]] void store_raw_u8(const GemmU8Tile& t, int nv, int64_t rows) {
  alignas(64) float row[4 * S::lanes];
  u8* c = t.c;
  for (int64_t m = 0; m < rows; ++m, c += t.ldc) {
    scale_row<S>(t.raw + m * nv * S::lanes, reinterpret_cast<const VectorParams<S>*>(t.params), nv, 1.0f,
                 row);
    for (int v = 0; v < nv && t.n > v * S::lanes; ++v) {
      const auto x = round_to_i32<S, true>(S::load_f(row + v * S::lanes));
      const auto y = S::template group_rows<1>(pack4<S>(x, x, x, x, S::set_i16(t.zero_point)));
      S::template store_chunk<S::lanes>(c + v * S::lanes, y, 0, t.n - v * S::lanes);
    }
  }
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
