// Where things lie in the scratch memory of an INT8 Winograd block: shared by the host code and the kernel.
#pragma once

#include <cstddef>
#include <cstdint>

namespace tenfold::kernels {

/// So many output tiles are transformed, multiplied and transformed back at a time.
struct WinogradBlockU8 {
  int64_t points;    // (tile + 2)^2 matrices
  int64_t tiles;     // at most, per block
  int64_t c;         // input channels, padded to whole vectors of s16
  int64_t v_stride;  // bytes between the matrices of the transformed input
  int64_t m_stride;  // s32 between the matrices of one panel of products

  [[gnu::always_inline]] constexpr WinogradBlockU8(int lanes, int64_t channels, int tile)
      : points(int64_t(tile + 2) * (tile + 2)), c((channels + 2 * lanes - 1) / (2 * lanes) * (2 * lanes)) {
    // Both matrices of a block stay in L2; fewer than 16 tiles would read the weights too often.
    constexpr int64_t kLeast = 16, kMost = 96, kBytes = 384 << 10;
    const int64_t fit = kBytes / (points * (2 * c + 8 * lanes));
    tiles = fit < kLeast ? kLeast : fit > kMost ? kMost : fit;
    v_stride = tiles * c * 2 + 64;  // an odd line on: the matrices do not meet in one cache set
    m_stride = tiles * 2 * lanes + 16;
  }
  [[gnu::always_inline]] constexpr int64_t bytes() const { return points * (v_stride + 4 * m_stride); }
};

}  // namespace tenfold::kernels
