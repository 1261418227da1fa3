// The exact statistics of quantized normalization, and what they make of a channel.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>

namespace tenfold::ops {

/// Sums of bytes and of their squares over one group, exact in any order.
struct ByteSums {
  int64_t count = 0, sum = 0, squares = 0;
};

/// y = fma(x, factor, shift) normalizes a byte and applies a channel's scale and bias.
struct ByteAffine {
  float factor, shift;
};
inline ByteAffine normalizing(const ByteSums& s, float epsilon, float scale, float bias) {
  const double n = static_cast<double>(s.count), mean = static_cast<double>(s.sum) / n;
  const double variance = std::max(0.0, static_cast<double>(s.squares) / n - mean * mean);
  const double factor = static_cast<double>(scale) / std::sqrt(variance + static_cast<double>(epsilon));
  return {static_cast<float>(factor), static_cast<float>(static_cast<double>(bias) - mean * factor)};
}

}  // namespace tenfold::ops
