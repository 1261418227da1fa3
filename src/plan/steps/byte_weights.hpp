// Weights of INT8 products as the kernels take them: bytes, and an offset for each output channel.
#pragma once

#include <algorithm>
#include <span>
#include <vector>

#include "tensor/tensor.hpp"

namespace tenfold::plan {

/// s8 weights as they are; s16 weights (ops/requantize.hpp) less an offset that makes those of a channel fit
/// s8.
class ByteWeights {
 public:
  ByteWeights() = default;
  /// `axis`: of the output channels.  They must be applicable().
  ByteWeights(const Tensor& weights, int axis) : bytes_(weights) {
    if (weights.dtype() == DType::s8) return;
    for (const Bounds& b : bounds(weights, axis))
      offsets_.push_back(std::max(0, b.hi - INT8_MAX) + std::min(0, b.lo - INT8_MIN));
    bytes_ = Tensor(DType::s8, weights.shape());
    auto* out = bytes_.mutable_data<int8_t>();
    for_each<int16_t>(weights, axis, [&](int value, size_t channel) {
      *out++ = static_cast<int8_t>(value - offsets_[channel]);
    });
  }

  /// Whether every weight is the difference of two bytes, and those of a channel lie at most 255 apart.
  static bool applicable(const Tensor& weights, int axis) {
    if (weights.dtype() == DType::s8) return true;
    const auto all = bounds(weights, axis);
    return std::ranges::all_of(all, [](const Bounds& b) {
      return b.lo >= -UINT8_MAX && b.hi <= UINT8_MAX && b.hi - b.lo <= UINT8_MAX;
    });
  }

  const int8_t* data() const { return bytes_.data<int8_t>(); }
  /// Sums of the weights, offsets included, by channel of this axis, modulo 2^32 like the accumulators: what
  /// a zero point that is known at run time multiplies.
  std::vector<uint32_t> sums(int axis) const {
    std::vector<uint32_t> all(static_cast<size_t>(bytes_.shape()[axis]));
    for_each<int8_t>(bytes_, axis, [&](int value, size_t channel) {
      all[channel] += static_cast<uint32_t>(value + offset(channel));
    });
    return all;
  }
  int offset(size_t channel) const { return offsets_.empty() ? 0 : offsets_[channel]; }

 private:
  struct Bounds {
    int lo = INT16_MAX, hi = INT16_MIN;
  };

  /// f(value, channel) for all weights in their order.
  template <class T, class F>
  static void for_each(const Tensor& weights, int axis, F&& f) {
    const Shape& shape = weights.shape();
    const int64_t inner = shape.elements(axis + 1, shape.rank());
    const auto* value = weights.data<T>();
    for (int64_t outer = 0; outer < shape.elements(0, axis); outer++)
      for (int64_t channel = 0; channel < shape[axis]; channel++)
        for (int64_t i = 0; i < inner; i++) f(*value++, static_cast<size_t>(channel));
  }
  static std::vector<Bounds> bounds(const Tensor& weights, int axis) {
    std::vector<Bounds> all(static_cast<size_t>(weights.shape()[axis]));
    for_each<int16_t>(weights, axis, [&](int value, size_t channel) {
      all[channel] = {std::min(all[channel].lo, value), std::max(all[channel].hi, value)};
    });
    return all;
  }

  Tensor bytes_;
  std::vector<int> offsets_;  ///< by channel; empty: none
};

/// Initial accumulators for a zero point: less the zero point times the sums of the weights.
inline void fill_initial(std::span<const uint32_t> sums, uint8_t zero_point, int32_t* init) {
  for (const uint32_t sum : sums) *init++ = static_cast<int32_t>(0u - zero_point * sum);
}

}  // namespace tenfold::plan
