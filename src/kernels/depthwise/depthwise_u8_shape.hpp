// What packing and the depthwise kernels agree on.
#pragma once

#include <cstdint>

namespace tenfold::kernels {

/// Output columns per pass over a row, so that the interleaved input stays in L1.
constexpr int kDepthwiseU8Columns = 28;

/// Output rows that the fast kernel computes at once, or 0 where there is no fast kernel.
[[gnu::always_inline]] constexpr int depthwise_u8_rows(int kernel, int stride) {
  if (stride < 1 || stride > 2) return 0;
  switch (kernel) {
    case 3:
      return stride == 1 ? 2 : 1;
    case 5:
      return stride == 1 ? 4 : 2;
    case 7:
      return stride == 1 ? 2 : 1;
    default:
      return 0;
  }
}
/// Groups of four input rows that these output rows touch.
[[gnu::always_inline]] constexpr int depthwise_u8_groups(int kernel, int stride, int rows) {
  return ((rows - 1) * stride + kernel + 3) / 4;
}
/// Channels run in blocks of 4 * lanes, one column a vector of bytes.  What is left, if no more than half of
/// that, shares a vector with its neighbours: two columns, or four of no more than a quarter, 16 bytes at
/// least.  This is how many, or 0 where nothing is left.
[[gnu::always_inline]] constexpr int depthwise_u8_rest_columns(int64_t channels, int lanes) {
  const int64_t rest = channels % (4 * lanes);
  return rest == 0 || rest > 2 * lanes ? 0 : rest > lanes || lanes < 16 ? 2 : 4;
}
[[gnu::always_inline]] constexpr int64_t depthwise_u8_wide_blocks(int64_t channels, int lanes) {
  return channels / (4 * lanes) + (channels % (4 * lanes) > 2 * lanes);
}
/// Columns that the scratch holds of each remainder of their index by the stride: those of a pass, what the
/// kernel reaches beyond, and what the last step computes and drops.
[[gnu::always_inline]] constexpr int depthwise_u8_scratch_columns(int kernel) {
  return kDepthwiseU8Columns + 16 + kernel;
}

}  // namespace tenfold::kernels
