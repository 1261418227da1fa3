// u8 x s8 GEMM and indirect convolution: the walk over panels and row tiles.
#pragma once

#include "kernels/gemm/gemm_u8_amx.hpp"
#include "kernels/gemm/gemm_u8_finish.hpp"

namespace tenfold::kernels {

using GemmU8TileFn = void (*)(const GemmU8Tile&);

/// ISAs with matrix tiles name a `Tiles` policy, and by `Vector` the ISA for what those do not pay for.
template <class S>
constexpr bool has_tiles = requires {
  typename S::Tiles;
};

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
[[gnu::always_inline]] inline GemmU8TileFn gemm_u8_vector_tile_fn(int nv, int rows) {
  return nv == 1 ? gemm_u8_tile_fn<S, 1>(rows) : gemm_u8_tile_fn<S, 2>(rows);
}
template <class S>
[[gnu::always_inline]] inline GemmU8TileFn gemm_u8_tile_fn(int nv, int rows) {
  if constexpr (has_tiles<S>)
    return nv == 1 ? &gemm_u8_amx_tile<S, 1> : &gemm_u8_amx_tile<S, 2>;
  else
    return gemm_u8_vector_tile_fn<S>(nv, rows);
}

/// Brings bytes that follow into L2, one line per GEMM step (gemm_prefetch_slots): first the rest of the
/// weights, at most kAhead before their use, then what the caller names.
template <class S>
struct GemmPrefetch {
  static constexpr ptrdiff_t kAhead = 256 << 10;
  const char *next, *end;
  const char *then, *then_end;
  int64_t slot = 0;

  /// What is worth fetching while the weights at `in_use` are worked on.
  [[gnu::always_inline]] int64_t bytes(const std::byte* in_use) {
    if (next >= end && then) {
      next = then, end = then_end, then = nullptr;
    }
    const char* at = reinterpret_cast<const char*>(in_use);
    if (!then) return larger<int64_t>(0, end - next);
    if (next < at) next = at;
    return larger<int64_t>(0, lesser(end, at + kAhead) - next);
  }
  /// After `tiles` tiles, each of which fetched one of `slots` parts of a stretch.
  [[gnu::always_inline]] void advance(int64_t tiles, int64_t slots, int64_t stretch) {
    next += (slot + tiles) / slots * stretch;
    slot = (slot + tiles) % slots;
  }
};

/// One GEMM: what its panels share, and the small buffers between a tile and the output.
template <class S>
struct GemmU8Walk {
  static constexpr int kMaxVectors = 2;
  static constexpr int64_t kSummedRows = 256;  // a block has at most as many where weights have offsets
  // Not an aggregate: that would clear 7 KB of buffers, 116 ns a call.
  [[gnu::always_inline]] GemmU8Walk(const GemmU8& gemm, const GemmPrefetch<S>& fetch)
      : g(gemm), prefetch(fetch) {}

  const GemmU8& g;
  GemmPrefetch<S> prefetch;
  OutputStage<S> output;
  alignas(64) i32 raw[kMaxTileRows * kMaxVectors * S::lanes];
  alignas(64) u8 bytes[kMaxTileRows * kMaxVectors * S::lanes];
  alignas(64) VectorParams<S> params[kMaxVectors];
  u32 sums[kSummedRows];  // of the bytes of the block's rows
  // The run of tiles under way.
  const GemmU8Tile* tile;
  int64_t m, n0, n, block;  // block: its first row
  int nv, rows;

  static void after(void* context, int64_t index) {
    auto& w = *static_cast<GemmU8Walk*>(context);
    const int64_t row = w.m + index * w.rows;
    if (w.g.w->weight_offsets)
      add_weight_offsets<S>(w.raw, w.sums + row - w.block, w.rows, w.g.w->weight_offsets + w.n0,
                            w.nv * S::lanes);
    if (w.g.tail)
      finish_raw_tail<S>(w.raw, w.tile->params, w.nv, row, w.rows, w.g, w.n0, w.n, w.bytes);
    else if (w.g.c_f32)
      finish_raw_f32<S>(w.raw, w.tile->params, w.nv, w.rows, w.g.c_f32 + row * w.g.ldc + w.n0, w.g.ldc, w.n,
                        w.g.dynamic_scale);
    else if (w.g.w->wide_range)
      finish_raw_u8<S>(w.raw, w.tile->params, w.nv, w.rows, w.bytes, w.g.zero_point);
    else if (w.tile->raw)
      w.nv == 1 ? store_raw_tile<S, 1>(w.raw, *w.tile, w.bytes)
                : store_raw_tile<S, 2>(w.raw, *w.tile, w.bytes);
    if (!w.g.c_f32) w.output.put(w.g, w.bytes, w.nv, row, w.rows, w.n0, w.n);
  }

  /// `count` tiles of `rows` rows from row m on.
  [[gnu::always_inline]] void run(GemmU8Tile& t, int64_t count) {
    if (g.indirect)
      t.rows = g.indirect + m;
    else
      t.a = g.a + m * g.lda;
    if (!t.after) t.c = g.c + m * g.ldc + n0, t.c_step = rows * g.ldc;
    const int64_t stretch = t.taps * t.steps * nv * 4 * S::lanes;
    const int64_t slots = larger<int64_t>(1, nv * 4 * S::lanes / 64);
    const int64_t fetching = lesser(count, slots * ((prefetch.bytes(t.weights) + stretch - 1) / stretch));
    for (const bool fetches : {true, false}) {
      const int64_t tiles = fetches ? fetching : count - fetching;
      t.count = tiles;
      t.prefetch = fetches ? prefetch.next : nullptr;
      t.prefetch_slot = prefetch.slot;
      if (tiles) gemm_u8_tile_fn<S>(nv, rows)(t);
      if (t.prefetch) prefetch.advance(tiles, slots, stretch);
      m += tiles * rows;
      if (t.rows)
        t.rows += tiles * rows;
      else
        t.a += tiles * rows * g.lda;
      t.c += tiles * t.c_step;
    }
  }

  /// Rows [m0, m1) of the panel at channel `first`.
  [[gnu::noinline]] void panel(int64_t first, int64_t m0, int64_t m1) {
    const PackedU8& w = *g.w;
    n0 = first;
    nv = w.n - n0 > S::lanes ? 2 : 1;
    n = lesser<int64_t>(g.n_end - n0, nv * S::lanes);
    const int64_t before = n0 / S::lanes, depth = w.taps * w.k_padded;
    GemmU8Tile t{};
    t.lda = g.lda;
    t.tap_stride = g.indirect_stride;
    t.a_offset = g.a_offset;
    t.taps = w.taps;
    t.steps = w.k_padded / 4;
    if constexpr (sorted_steps<S>) {
      const int64_t index = n0 / w.panel_channels;
      t.weights = w.weights + w.sorted.panel_offset[index];
      t.sorted = w.sorted.first + index * w.sorted.panel_stride;
    } else {
      t.weights = w.weights + before * S::lanes * depth;
    }
    t.params = w.params + before * int64_t(sizeof(VectorParams<S>));
    t.zero_point = g.zero_point;
    t.table = g.table;
    t.ldc = g.ldc;
    if (g.c_f32 || g.tail || w.wide_range || w.weight_offsets) t.raw = raw;
    t.n = n;
    const bool part = n < nv * S::lanes && !S::masked_stores;  // must not be stored whole
    if (t.raw || output.staged || part) {
      t.after = &after, t.context = this;
      t.c = bytes, t.ldc = nv * S::lanes, t.c_step = 0;
    }
    if (g.init_override) {
      override_init<S>(t.params, nv, g.init_override + n0, n, params);
      t.params = reinterpret_cast<const std::byte*>(params);
    }
    tile = &t;
    // Rows split evenly: 49 rows as 10, 10, 10, 10, 9 instead of 12, 12, 12, 12, 1.
    const int64_t count = m1 - m0, most = S::u8_rows[nv], tiles = (count + most - 1) / most;
    m = m0;
    rows = t.height = int(count / tiles) + 1;
    run(t, count % tiles);
    rows = t.height -= 1;
    run(t, tiles - count % tiles);
  }
};

/// Blocks of rows whose A and C stay in L2; panels outer (their weights stay in L1), row tiles inner.
template <class S>
void gemm_u8(const GemmU8& g) {
  constexpr int64_t kBlockBytes = 192 << 10;
  if (g.m <= 0 || g.n_begin >= g.n_end) return;
  if constexpr (has_tiles<S>)
    if (!gemm_u8_amx_pays(g)) return gemm_u8<typename S::Vector>(g);
  const PackedU8& w = *g.w;
  const auto* weights = reinterpret_cast<const char*>(w.weights);
  const int64_t channel_bytes =
      w.taps * w.k_padded;  // sorted steps have more, which are fetched as they are used
  const auto* then = static_cast<const char*>(g.prefetch);
  GemmU8Walk<S> walk(g, {weights + g.n_begin * channel_bytes, weights + g.n_end * channel_bytes, then,
                         then + g.prefetch_bytes});
  walk.output.prepare(g, w.wide_range || g.tail);
  const int64_t row_bytes = w.k_padded * (g.indirect ? 2 : 1) + (g.n_end - g.n_begin) * (g.c_f32 ? 4 : 1);
  int64_t blocks = larger<int64_t>(1, lesser<int64_t>(g.m * row_bytes / kBlockBytes, g.m / 96));
  if (w.weight_offsets) blocks = larger(blocks, g.m / walk.kSummedRows + 1);
  for (int64_t b = 0; b < blocks; ++b) {
    const int64_t m0 = g.m * b / blocks, m1 = g.m * (b + 1) / blocks;
    walk.block = m0;
    if (w.weight_offsets)
      for (int64_t m = m0; m < m1; ++m) walk.sums[m - m0] = row_sum<S>(g, m);
    for (int64_t n0 = g.n_begin; n0 < g.n_end; n0 += w.panel_channels) walk.panel(n0, m0, m1);
  }
}

}  // namespace tenfold::kernels
