// AMX tiles in software, with the interface of TileInstructions (kernels/isa/vec_amx.hpp).
//
// Traps where the CPU raises #UD or #GP: use without a configuration, shapes that do not go together.  What
// lies outside a tile's shape is zero, as in the CPU.
#pragma once

#include "kernels/isa/vec_amx.hpp"

namespace tenfold::kernels {

struct TileModel {
  using Config = TileConfig;
  struct State {
    TileConfig config;
    bool configured = false;
    u8 tile[8][16][64];
  };
  static State& state() {
    static thread_local State s;
    return s;
  }
  static void require(bool ok) {
    if (!ok) __builtin_trap();
  }

  static void configure(const TileConfig& c) {
    State& s = state();
    // Stricter than the CPU: tiles must have been released by whoever had them.
    require(!s.configured && c.palette == 1 && c.start_row == 0);
    for (u8 zero : c.reserved) require(zero == 0);
    for (int i = 0; i < 16; ++i)
      require(i < 8 ? c.rows[i] <= 16 && c.colsb[i] <= 64 : c.rows[i] == 0 && c.colsb[i] == 0);
    s.config = c;
    s.configured = true;
    std::memset(s.tile, 0, sizeof s.tile);
  }
  static void release() { state().configured = false; }

  template <int T>
  static void load(const void* p, ptrdiff_t stride) {
    load(T, p, stride);
  }
  template <int T>
  static void store(void* p, ptrdiff_t stride) {
    store(T, p, stride);
  }
  template <int C, int A, int B>
  static void dot() {
    static_assert(C != A && C != B && A != B);
    dot(C, A, B);
  }

 private:
  static void require_shape(const State& s, int t) {
    require(s.configured && s.config.rows[t] && s.config.colsb[t]);
  }
  static void load(int t, const void* p, ptrdiff_t stride) {
    State& s = state();
    require_shape(s, t);
    std::memset(s.tile[t], 0, sizeof s.tile[t]);
    for (int r = 0; r < s.config.rows[t]; ++r)
      std::memcpy(s.tile[t][r], static_cast<const u8*>(p) + r * stride, s.config.colsb[t]);
  }
  static void store(int t, void* p, ptrdiff_t stride) {
    State& s = state();
    require_shape(s, t);
    for (int r = 0; r < s.config.rows[t]; ++r)
      std::memcpy(static_cast<u8*>(p) + r * stride, s.tile[t][r], s.config.colsb[t]);
  }
  static void dot(int c, int a, int b) {
    State& s = state();
    const TileConfig& f = s.config;
    for (int t : {c, a, b}) require_shape(s, t);
    require(f.rows[c] == f.rows[a] && f.colsb[c] == f.colsb[b] && f.colsb[a] == 4 * f.rows[b] &&
            f.colsb[c] % 4 == 0);
    for (int m = 0; m < f.rows[c]; ++m)
      for (int n = 0; n < f.colsb[c]; n += 4) {
        u32 sum;  // wraps, does not saturate
        std::memcpy(&sum, &s.tile[c][m][n], 4);
        for (int k = 0; k < f.rows[b]; ++k)
          for (int i = 0; i < 4; ++i) sum += u32(i32(s.tile[a][m][4 * k + i]) * i32(s8(s.tile[b][k][n + i])));
        std::memcpy(&s.tile[c][m][n], &sum, 4);
      }
  }
};

}  // namespace tenfold::kernels
