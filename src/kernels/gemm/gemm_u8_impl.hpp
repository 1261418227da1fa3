// u8 x s8 GEMM and indirect convolution: the walk over panels and row tiles.
#pragma once

#include "kernels/gemm/gemm_u8_finish.hpp"

namespace tenfold::kernels {

using GemmU8TileFn = void (*)(const GemmU8Tile&);

/// Tiles of 1 ... S::u8_rows[NV] rows.
template <class S, int NV, class>
struct GemmU8Tiles;
template <class S, int NV, int... I>
struct GemmU8Tiles<S, NV, std::integer_sequence<int, I...>> {
  static constexpr GemmU8TileFn fn[] = {&gemm_u8_tile<S, I + 1, NV>...};
};
template <class S, int NV>
[[gnu::always_inline]] inline GemmU8TileFn gemm_u8_tile_fn(int rows) {
  return GemmU8Tiles<S, NV, std::make_integer_sequence<int, S::u8_rows[NV]>>::fn[rows - 1];
}
template <class S>
[[gnu::always_inline]] inline GemmU8TileFn gemm_u8_tile_fn(int nv, int rows) {
  if (nv == 1) return gemm_u8_tile_fn<S, 1>(rows);
  if constexpr (S::layout.panel == 4) {
    if (nv == 4) return gemm_u8_tile_fn<S, 4>(rows);
  }
  return gemm_u8_tile_fn<S, 2>(rows);
}

/// Vectors in the panel where `left` vectors remain: as packed.
template <class S>
[[gnu::always_inline]] constexpr int gemm_u8_panel(int64_t left) {
  return left >= S::layout.panel ? S::layout.panel : left == 3 ? 4 : int(left);
}

/// Brings bytes that follow into L2, one line per GEMM step, at most kAhead before their use: first the rest
/// of the weights, then what the caller names.
template <class S>
struct GemmPrefetch {
  static constexpr ptrdiff_t kAhead = 256 << 10;
  const char *next, *end;
  const char *then, *then_end;

  [[gnu::always_inline]] ptrdiff_t start(const std::byte* in_use) {  // step for the coming tile: 64 or 0
    const char* at = reinterpret_cast<const char*>(in_use);
    if (next >= end && then) {
      next = then, end = then_end, then = nullptr;
    }
    if (then && next < at) next = at;
    if (then) return next < end && next - at < kAhead ? 64 : 0;
    return next < end ? 64 : 0;
  }
};

/// Rows [m0, m1) of one panel.
template <class S>
struct GemmU8Walk {
  static constexpr int kMaxRows = 16;
  const GemmU8& g;
  GemmPrefetch<S> prefetch;
  const u8* row_pointers[kMaxRows];
  alignas(64) i32 raw[kMaxRows * 4 * S::lanes];
  alignas(64) VectorParams<S> params[4];

  /// Bytes and floats of a tile that has run.
  void finish(const GemmU8Tile& t, int nv, int64_t m, int64_t n0, int64_t rows) {
    if (g.c_f32) return store_raw_f32<S>(t, nv, rows, g.c_f32 + m * g.ldc + n0, g.ldc, g.dynamic_scale);
    if (t.raw) store_raw_u8<S>(t, nv, rows);
    const int64_t n = lesser<int64_t>(t.n, nv * S::lanes);
    if (g.table && (t.raw || !S::fast_lookup)) lookup_rows<S>(t.c, t.ldc, rows, n, g.table);
    if (!g.residual) return;
    const u8* residual = g.residual + m * g.ld_residual + n0;
    const bool limit =
        !(255 * (__builtin_fabsf(g.q_scale) + __builtin_fabsf(g.r_scale)) + __builtin_fabsf(g.offset) < 1e9f);
    const auto add = [&]<int NV>(std::integral_constant<int, NV>) TENFOLD_LAMBDA {
      if (limit)
        add_residual_rows<S, NV, true>(t.c, t.ldc, residual, rows, n, g);
      else
        add_residual_rows<S, NV, false>(t.c, t.ldc, residual, rows, n, g);
    };
    if (nv == 1)
      add(std::integral_constant<int, 1>{});
    else if (nv == 2)
      add(std::integral_constant<int, 2>{});
    else
      add(std::integral_constant<int, 4>{});
    if (g.residual_table) lookup_rows<S>(t.c, t.ldc, rows, n, g.residual_table);
  }

  void panel(int64_t n0, int64_t m0, int64_t m1) {
    const PackedU8& w = *g.w;
    const int nv = gemm_u8_panel<S>((w.n - n0 + S::lanes - 1) / S::lanes);
    const int64_t before = n0 / S::lanes, depth = w.taps * w.k_padded;
    GemmU8Tile t{};
    t.tap_stride = g.indirect_stride;
    t.a_offset = g.indirect ? g.a_offset : 0;
    t.taps = w.taps;
    t.steps = w.k_padded / 4;
    t.weights = w.weights + before * S::lanes * depth * S::layout.weight_bytes;
    t.params = w.params + before * int64_t(sizeof(VectorParams<S>));
    t.ldc = g.ldc;
    t.n = g.n_end - n0;
    t.zero_point = g.zero_point;
    t.table = g.table;
    t.raw = g.c_f32 || w.wide_range ? raw : nullptr;
    if (g.init_override) {
      override_init<S>(t.params, nv, g.init_override + n0, t.n, params);
      t.params = reinterpret_cast<const std::byte*>(params);
    }
    // Rows split evenly: 49 rows as 10, 10, 10, 10, 9 instead of 12, 12, 12, 12, 1.
    const int64_t count = m1 - m0, most = S::u8_rows[nv], tiles = (count + most - 1) / most;
    const int64_t base = count / tiles, extra = count % tiles;
    for (int64_t i = 0, m = m0; i < tiles; ++i) {
      const int64_t rows = base + (i < extra);
      if (g.indirect) {
        t.rows = g.indirect + m;
      } else {
        for (int64_t r = 0; r < rows; ++r) row_pointers[r] = g.a + (m + r) * g.lda;
        t.rows = row_pointers;
      }
      t.c = g.c_f32 ? nullptr : g.c + m * g.ldc + n0;
      t.prefetch_step = prefetch.start(t.weights);
      t.prefetch = prefetch.next;
      gemm_u8_tile_fn<S>(nv, int(rows))(t);
      prefetch.next += t.prefetch_step * t.taps * t.steps;
      if (t.raw || g.table || g.residual) finish(t, nv, m, n0, rows);
      m += rows;
    }
  }
};

/// Blocks of rows whose A and C stay in L2; panels outer (their weights stay in L1), row tiles inner.
template <class S>
void gemm_u8(const GemmU8& g) {
  constexpr int64_t kBlockBytes = 192 << 10;
  if (g.m <= 0 || g.n_begin >= g.n_end) return;
  const PackedU8& w = *g.w;
  const auto* weights = reinterpret_cast<const char*>(w.weights);
  const int64_t channel_bytes = w.taps * w.k_padded * S::layout.weight_bytes;
  const auto* then = static_cast<const char*>(g.prefetch);
  GemmU8Walk<S> walk{.g = g,
                     .prefetch = {weights + g.n_begin * channel_bytes, weights + g.n_end * channel_bytes,
                                  then, then + g.prefetch_bytes}};
  const int64_t row_bytes = w.k_padded * (g.indirect ? 2 : 1) + (g.n_end - g.n_begin) * (g.c_f32 ? 4 : 1);
  const int64_t blocks = larger<int64_t>(1, lesser<int64_t>(g.m * row_bytes / kBlockBytes, g.m / 96));
  for (int64_t b = 0; b < blocks; ++b)
    for (int64_t n0 = g.n_begin; n0 < g.n_end; n0 += w.panel_channels)
      walk.panel(n0, g.m * b / blocks, g.m * (b + 1) / blocks);
}

}  // namespace tenfold::kernels
