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
/// Channels run in blocks of 4 * lanes; a rest of up to 2 * lanes in blocks of `lanes`.
[[gnu::always_inline]] constexpr int64_t depthwise_u8_wide_blocks(int64_t channels, int lanes) {
  return channels / (4 * lanes) + (channels % (4 * lanes) > 2 * lanes);
}
[[gnu::always_inline]] constexpr int64_t depthwise_u8_narrow_blocks(int64_t channels, int lanes) {
  const int64_t rest = channels % (4 * lanes);
  return rest > 2 * lanes ? 0 : (rest + lanes - 1) / lanes;
}

}  // namespace tenfold::kernels
