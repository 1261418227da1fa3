// From ranges and weights to scales, zero points and integers.
#pragma once

#include <optional>
#include <span>
#include <vector>

#include "tensor/tensor.hpp"

namespace tenfold::quant {

/// The interval of values that one quantized tensor has to represent.
struct Range {
  float lo = 0, hi = 0;
  bool operator==(const Range&) const = default;
};
/// The smallest range that holds both.
Range unite(Range a, Range b);

/// Scales stay above this, so that scale, 1 / scale and the product of two scales are normal floats.
inline constexpr float kMinScale = 0x1p-60f;

/// real = (q - zero_point) * scale with q in 0..255.
struct ActivationParams {
  float scale = 1;
  uint8_t zero_point = 0;
};
/// The same values in bytes of its own.
Tensor copy_of(const Tensor& tensor);

/// Asymmetric u8 parameters whose range holds `range` and 0, with 0 exactly representable (padding and ReLU
/// rely on it).  A range that is all zero gets scale 1.
ActivationParams activation_params(Range range);

/// s8 symmetric weights: real = q * scale[c], q in -127..127.
struct QuantizedWeight {
  Tensor data;                ///< s8, the shape of the weight
  std::vector<float> scales;  ///< one per extent of `axis`, or exactly one per tensor
};
/// Quantizes `weight` (f32) per index of `axis`, or as a whole where `axis` is absent.  `min_scales` (empty,
/// or as many as there will be scales) are lower bounds, which keep an int32 bias in range.
QuantizedWeight quantize_weight(const Tensor& weight, std::optional<int> axis,
                                std::span<const float> min_scales = {});

/// int32 bias with scale input_scale * weight_scales[c] (one scale: for all channels).
Tensor quantize_bias(std::span<const float> bias, float input_scale, std::span<const float> weight_scales);
/// The smallest weight scale with which `bias` fits in 31 bits beside the accumulator: half of the int32
/// range.
float min_weight_scale_for_bias(float bias, float input_scale);

}  // namespace tenfold::quant
