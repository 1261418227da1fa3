// What INT8 convolutions and matrix products share: multipliers, bias, attributes.
#pragma once

#include "passes/int8/quantized.hpp"

namespace tenfold::passes {

/// y = fma(float(acc), multiplier[c], bias[c]), see kernels::PackedU8.
struct LinearParams {
  Tensor multiplier, bias;
};

/// Empty where the bias is no constant of `channels` values (or one), or a multiplier is not finite.
std::optional<LinearParams> linear_params(const ir::Graph& graph, const Quantized& x,
                                          const QuantizedWeights& w, int64_t channels, ir::ValueId bias,
                                          const std::optional<Requantization>& requant);

/// x_zero_point, and y_zero_point and table or output = "f32".
void set_linear_attributes(ir::Attributes& attrs, const Quantized& x,
                           const std::optional<Requantization>& requant);

/// An Add of a constant vector over an axis, the last unless counted from the end, that is the only use of a
/// product with as many `channels` there: where the sum is, and the bias.
struct BiasAdd {
  ir::ValueId sum, bias;
};
std::optional<BiasAdd> bias_add(const ir::Graph& graph, ir::ValueId product, int64_t channels,
                                int from_end = 1);

}  // namespace tenfold::passes
