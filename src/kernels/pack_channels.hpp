// What every packing of INT8 weights needs: their memory, the parameters of channels, rows of weights by
// channel.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstring>
#include <vector>

#include "base/math.hpp"
#include "kernels/pack_quads.hpp"

namespace tenfold::kernels {

inline constexpr int64_t kAlign = 64;
inline constexpr int64_t kSlack = 128;  // vector loads and prefetches may look past the end

inline std::byte* allocate_packed(PackedBytes& storage, int64_t bytes) {
  storage = PackedBytes(size_t(checked_add(bytes, kSlack)));
  return storage.data();
}

inline void put_params(const PackLayout& layout, std::byte* params, int64_t vector, int lane, int32_t init,
                       QuantizedChannel q) {
  std::byte* at = params + (vector * 3 * layout.lanes + lane) * 4;
  std::memcpy(at, &init, 4);
  std::memcpy(at + 4 * layout.lanes, &q.multiplier, 4);
  std::memcpy(at + 8 * layout.lanes, &q.bias, 4);
}

/// -x_zero_point * sum(weights + offset), modulo 2^32 like the accumulators.
inline int32_t initial_accumulator(const s8* weights, int64_t count, int x_zero_point, int offset = 0) {
  if (x_zero_point == 0) return 0;
  constexpr int64_t kBlock = 128;  // sums of 128 weights fit 16 bits, which vectorise twice as wide as 32
  uint32_t sum = uint32_t(count) * uint32_t(offset);
  for (int64_t i = 0; i < count; i += kBlock) {
    int16_t block = 0;
    const int64_t end = std::min(count, i + kBlock);
    for (int64_t j = i; j < end; ++j) block = int16_t(block + weights[j]);
    sum += uint32_t(int32_t(block));
  }
  return int32_t(0u - uint32_t(x_zero_point) * sum);
}

/// Whether |acc * multiplier + bias| stays below 2^31 for every input, so that the conversion to s32 is
/// exact.
inline bool conversion_is_safe(const s8* weights, int64_t count, int x_zero_point, QuantizedChannel q) {
  const auto safe = [&](int64_t sum) {
    const double offsets = double(count) * std::abs(q.weight_offset);
    const double acc =
        std::min((double(sum) + offsets) * std::max(x_zero_point, 255 - x_zero_point), 2147483648.0);
    return acc * std::abs(double(q.multiplier)) + std::abs(double(q.bias)) < 2147480000.0;
  };
  if (safe(128 * count)) return true;  // nearly always, and without reading the weights
  int64_t sum = 0;
  for (int64_t i = 0; i < count; ++i) sum += std::abs(int(weights[i]));
  return safe(sum);
}

/// How the weights of a channel lie.
enum class Order {
  rows,         ///< [n][taps][k], as they are packed
  taps_inside,  ///< [n][k][taps]
  columns,      ///< [taps * k][n]
};

/// The weights of one GEMM as rows of [taps][k] by channel, taken four channels at a time and in order.
class WeightRows {
 public:
  WeightRows(Order order, const s8* weights, int64_t n, int64_t depth, int64_t taps)
      : order_(order),
        weights_(weights),
        n_(n),
        depth_(depth),
        taps_(taps),
        turned_(order == Order::rows ? 0 : size_t(kColumns * depth)),
        zeros_(n % 4 ? size_t(depth) : 0) {}

  /// Rows of channels [c, c + count); zeros behind the last channel.
  void get(int64_t c, int count, const s8* (&rows)[4]) {
    if (order_ == Order::columns && c % kColumns == 0)
      transpose_columns(weights_ + c, weights_ + n_ * depth_, depth_, n_, std::min(kColumns, n_ - c),
                        turned_.data());
    for (int i = 0; i < count; ++i) rows[i] = c + i < n_ ? row(c + i) : zeros_.data();
  }

 private:
  static constexpr int64_t kColumns = 16;  ///< a line of bytes that one transposition takes

  const s8* row(int64_t c) {
    if (order_ == Order::rows) return weights_ + c * depth_;
    s8* turned = turned_.data() + c % kColumns * depth_;
    if (order_ == Order::taps_inside) transpose_s8(weights_ + c * depth_, depth_ / taps_, taps_, turned);
    return turned;
  }

  const Order order_;
  const s8* weights_;
  const int64_t n_, depth_, taps_;
  std::vector<s8> turned_, zeros_;
};

}  // namespace tenfold::kernels
