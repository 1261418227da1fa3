// What the INT8 lowering passes ask of Q/DQ patterns.
#pragma once

#include <array>
#include <optional>
#include <vector>

#include "ir/graph.hpp"
#include "ir/patch.hpp"

namespace tenfold::passes {

/// Per-tensor parameters of a u8 activation: real = (q - zero_point) * scale.
struct ActivationParams {
  float scale;
  int zero_point;
  bool operator==(const ActivationParams&) const = default;
};

/// A real-valued tensor that is DequantizeLinear of the u8 tensor `value`.
struct Quantized {
  ir::ValueId value;
  ActivationParams params;
};
/// Empty unless `real` is a per-tensor DequantizeLinear of a u8 tensor with constant parameters.
std::optional<Quantized> dequantized(const ir::Graph& graph, ir::ValueId real);

/// Parameters of a QuantizeLinear to u8 with constant per-tensor parameters.
std::optional<ActivationParams> quantize_params(const ir::Graph& graph, const ir::Node& node);

/// w - zero point for constants w and zero point (s8 or u8; one, or one for each index of `axis`; null: 0):
/// s8, or s16 where a difference does not fit.  Empty for other types and shapes.
std::optional<Tensor> centred_weights(const Tensor& w, const Tensor* zero, int64_t axis);

/// A constant weight tensor, its zero points subtracted, with one scale (per tensor) or one for each index of
/// an axis.
struct QuantizedWeights {
  Tensor data;  ///< s8 or s16, see centred_weights()
  std::vector<float> scales;
  int64_t axis;
  float scale(int64_t channel) const {
    return scales.size() == 1 ? scales[0] : scales[static_cast<size_t>(channel)];
  }
};
std::optional<QuantizedWeights> quantized_weights(const ir::Graph& graph, ir::ValueId real);

/// The values of a constant, or of DequantizeLinear of constants (quantized biases); empty otherwise.
std::optional<std::vector<float>> constant_floats(const ir::Graph& graph, ir::ValueId real);

using Table = std::array<uint8_t, 256>;
Tensor table_tensor(const Table& table);
/// b after a.
Table compose(const Table& a, const Table& b);
/// real -> u8 as QuantizeLinear defines it.
uint8_t quantize(float real, ActivationParams params);

/// Bounds of a Relu or of a Clip with constant limits.
std::optional<std::pair<float, float>> clamp_bounds(const ir::Graph& graph, const ir::Node& node);

/// What follows the result of an operator: an optional Relu or Clip and then QuantizeLinear, each the only
/// consumer.
struct Requantization {
  ActivationParams params;
  ir::ValueId result;          ///< output of the QuantizeLinear
  std::optional<Table> clamp;  ///< where the clamp is narrower than the u8 range
};
std::optional<Requantization> requantization(const ir::Graph& graph, ir::ValueId real);

/// Attributes of an operator that takes bytes less x_zero_point to bytes with y_zero_point by `scale`, the
/// input's scale by the output's; false where that is not finite.
bool set_scaling(ir::Attributes& attrs, const ActivationParams& x, const ActivationParams& y);

}  // namespace tenfold::passes
