// The AMX tile of the u8 x s8 GEMM: up to 32 rows x NV vectors of channels, as two by two tiles of 16 x 16
// accumulators.  Panels, parameters and epilogues are those of the vector tile.
//
// Intel's optimisation manual gives 16 cycles for a tdpbusd of whole tiles and 8 for loading one from L1.  A
// step of 64 bytes of K loads two tiles of A and two of B (32 cycles) for four products (64 cycles), so the
// products are the limit: 1024 multiply-adds per cycle, where two ports of vpdpbusd make 128.
#pragma once

#include "kernels/gemm/gemm_u8_finish.hpp"

namespace tenfold::kernels {

constexpr int kAmxRows = 16;      // of a tile
constexpr int64_t kAmxStep = 64;  // bytes of K in a row of a tile
constexpr int kAmxTileBytes = 1024;

/// Whether tiles are used.  Not measured, no machine with AMX was at hand; by the cycles above, for 32
/// channels: storing the accumulators and loading them as vectors costs up to 100 cycles for 32 rows, a
/// configuration some 50.
///   * One step of 64 bytes of K, 32 rows: 64 + 100 + 50 cycles against 512 for 1024 vpdpbusd on two ports.
///     Packing rounds K up to 64 from 32 on, where vectors would need 256.
///   * 8 rows: loads of B are the limit, 20 cycles a step; with the fixed costs still about 95 against 128
///     for one step, and six times ahead for many.  Fewer rows wait for the weights, whatever computes.
[[gnu::always_inline]] inline bool gemm_u8_amx_pays(const GemmU8& g) {
  return g.m >= 8 && g.w->k_padded % kAmxStep == 0;
}

/// Rows of one tile of A within a tap: at a constant stride, or each with a pointer of its own.
struct AmxRows {
  const u8* first;
  ptrdiff_t stride;
  const u8* const* pointers;  // null: constant stride
};

/// Pixels that a tap reads for neighbouring outputs lie at a constant stride, except where the tile goes
/// on into the next row of the image or touches the border.
[[gnu::always_inline]] inline AmxRows amx_indirect_rows(const u8* const* p, int count, ptrdiff_t offset) {
  const auto address = [&](int i) TENFOLD_LAMBDA { return reinterpret_cast<intptr_t>(p[i]); };
  const ptrdiff_t stride = count > 1 ? address(1) - address(0) : 0;
  bool even = true;
  for (int i = 2; i < count; ++i) even &= address(i) - address(i - 1) == stride;
  return {p[0] + offset, stride, even ? nullptr : p};
}

/// Bytes k ... k + 63 of `count` rows into tile T.  Pointers are gathered through a buffer in L1: 16 loads
/// and stores, beside products of 32 cycles.
template <class S, int T>
[[gnu::always_inline]] inline void amx_load_rows(const AmxRows& r, int count, ptrdiff_t offset, int64_t k,
                                                 u8* buffer) {
  using Tiles = typename S::Tiles;
  if (!r.pointers) return Tiles::template load<T>(r.first + k, r.stride);
  for (int i = 0; i < count; ++i) S::store_i(buffer + i * kAmxStep, S::load_i(r.pointers[i] + offset + k));
  Tiles::template load<T>(buffer, kAmxStep);
}

/// `count` tiles of t.height rows; MB: blocks of 16 rows in a tile.  Tiles 0-3 accumulate, 4-5 hold A, 6-7 B.
template <class S, int NV, int MB>
[[gnu::always_inline]] inline void amx_tiles(const GemmU8Tile& t) {
  using T = typename S::Tiles;
  constexpr int kSlots = gemm_prefetch_slots<S, NV>, kRowBytes = NV * 4 * S::lanes;  // of B
  const auto* params = reinterpret_cast<const VectorParams<S>*>(t.params);
  const int64_t end = 4 * t.steps, weight_bytes = t.taps * t.steps * kRowBytes;
  const uintptr_t fetch = reinterpret_cast<uintptr_t>(t.prefetch) - reinterpret_cast<uintptr_t>(t.weights);
  alignas(64) u8 gathered[MB * kAmxTileBytes];
  alignas(64) i32 accumulators[MB * kAmxRows * NV * S::lanes];
  i32* raw = t.raw ? t.raw : accumulators;
  const auto rows_of = [&](int b) TENFOLD_LAMBDA { return b + 1 < MB ? kAmxRows : t.height - b * kAmxRows; };
  u8* c = t.c;
  for (int64_t tile = 0; tile < t.count; ++tile, c += t.c_step) {
    unroll<MB * NV>([&](auto i) TENFOLD_LAMBDA {  // stride 0: all rows start alike
      T::template load<i / NV * 2 + i % NV>(params[i % NV].init, 0);
    });
    const int64_t slot = tile + t.prefetch_slot;
    const uintptr_t prefetch = t.prefetch ? fetch + slot / kSlots * weight_bytes + slot % kSlots * 64 : 0;
    const std::byte* w = t.weights;
    for (int64_t tap = 0; tap < t.taps; ++tap) {
      AmxRows rows[MB];
      unroll<MB>([&](auto b) TENFOLD_LAMBDA {
        const int64_t m = tile * t.height + b * kAmxRows;
        rows[b] = t.rows ? amx_indirect_rows(t.rows + tap * t.tap_stride + m, rows_of(b), t.a_offset)
                         : AmxRows{t.a + m * t.lda, t.lda, nullptr};
      });
      for (int64_t k = 0; k < end; k += kAmxStep, w += kAmxStep / 4 * kRowBytes) {
        unroll<NV>([&](auto v) TENFOLD_LAMBDA { T::template load<6 + v>(w + v * 4 * S::lanes, kRowBytes); });
        unroll<MB>([&](auto b) TENFOLD_LAMBDA {
          amx_load_rows<S, 4 + b>(rows[b], rows_of(b), t.a_offset, k, gathered + b * kAmxTileBytes);
          unroll<NV>([&](auto v) TENFOLD_LAMBDA { T::template dot<b * 2 + v, 4 + b, 6 + v>(); });
        });
        unroll<kAmxStep / 4>([&](auto i) TENFOLD_LAMBDA {  // one line per quad of K, as the vector tile
          const uintptr_t at = reinterpret_cast<uintptr_t>(w + i * kRowBytes);
          __builtin_prefetch(reinterpret_cast<const char*>(at + prefetch), 0, 2);
        });
      }
    }
    unroll<MB * NV>([&](auto i) TENFOLD_LAMBDA {
      constexpr int b = i / NV, v = i % NV;
      T::template store<b * 2 + v>(raw + (b * kAmxRows * NV + v) * S::lanes, kRowBytes);
    });
    if (!t.raw) store_raw_tile<S, NV>(raw, t, c);
    if (t.after) t.after(t.context, tile);
  }
}

/// The shapes are set here and given back here, so that no state outlives a call: the operating system saves
/// 8 KB of tiles at a context switch only while they are configured.
template <class S, int NV>
[[gnu::noinline]] void gemm_u8_amx_tile(const GemmU8Tile& t) {
  using T = typename S::Tiles;
  typename T::Config config;
  const auto shape = [&](int tile, int rows)
                         TENFOLD_LAMBDA { config.rows[tile] = u8(rows), config.colsb[tile] = 64; };
  const int blocks = t.height > kAmxRows ? 2 : 1;
  for (int b = 0; b < blocks; ++b) {
    const int rows = lesser(kAmxRows, t.height - b * kAmxRows);
    shape(4 + b, rows);
    for (int v = 0; v < NV; ++v) shape(b * 2 + v, rows);
  }
  for (int v = 0; v < NV; ++v) shape(6 + v, kAmxRows);
  T::configure(config);
  if (blocks == 2)
    amx_tiles<S, NV, 2>(t);
  else
    amx_tiles<S, NV, 1>(t);
  T::release();
}

}  // namespace tenfold::kernels
