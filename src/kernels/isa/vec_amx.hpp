// Vector traits, AMX: everything as AVX-512, and tiles for the u8 x s8 GEMM.
#pragma once

#include "kernels/isa/vec_avx512_vnni.hpp"

namespace tenfold::kernels {

/// What ldtilecfg reads, palette 1: tile i has rows[i] <= 16 rows of colsb[i] <= 64 bytes.
struct alignas(64) TileConfig {
  u8 palette = 1, start_row = 0, reserved[14] = {};
  uint16_t colsb[16] = {};
  u8 rows[16] = {};
};

/// The instructions.  GCC's intrinsics are macros that paste the tile number into the text, hence unusable
/// with template arguments.  The tests have a software model with the same interface
/// (tests/kernels/emulated/tile_model.hpp).
struct TileInstructions {
  using Config = TileConfig;
  /// Gives the tiles their shapes and sets them to zero; they belong to the thread until released.
  TENFOLD_INLINE void configure(const TileConfig& c) { asm volatile("ldtilecfg %0" ::"m"(c)); }
  TENFOLD_INLINE void release() { asm volatile("tilerelease"); }
  /// Row r of the tile from p + r * stride.
  template <int T>
  TENFOLD_INLINE void load(const void* p, ptrdiff_t stride) {
    asm volatile("tileloadd (%0,%1,1), %%tmm%c2" ::"r"(p), "r"(stride), "i"(T) : "memory");
  }
  template <int T>
  TENFOLD_INLINE void store(void* p, ptrdiff_t stride) {
    asm volatile("tilestored %%tmm%c2, (%0,%1,1)" ::"r"(p), "r"(stride), "i"(T) : "memory");
  }
  /// C[m][n] += sum over k and i of u8 A[m][4k + i] * s8 B[k][4n + i], in 32 bits that wrap.
  template <int C, int A, int B>
  TENFOLD_INLINE void dot() {
    asm volatile("tdpbusd %%tmm%c2, %%tmm%c1, %%tmm%c0" ::"i"(C), "i"(A), "i"(B));
  }
};

/// Self: the tag, so that every symbol names it.
template <class Self, class TilePolicy>
struct AmxTraits : Avx512Vnni {
  using Tiles = TilePolicy;
  using Vector = Avx512Vnni;  // for what tiles do not pay for: the packed weights are the same panels
  static constexpr PackLayout layout{16, 1, 2, 64};
  static constexpr int u8_rows[3] = {0, 32, 32};
  static constexpr bool masked_stores = false;
};

}  // namespace tenfold::kernels
