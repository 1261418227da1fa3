// QuantizeLinear(Instance or GroupNormalization(DequantizeLinear(x)))  ==>  QGroupNormalization.
#include <cmath>

#include "passes/int8/quantized.hpp"
#include "passes/match.hpp"
#include "passes/pass.hpp"

namespace tenfold::passes {
namespace {

/// A parameter for every channel, divided by the output's scale; empty where it is not constant or finite.
std::optional<Tensor> scaled(const ir::Graph& g, ir::ValueId parameter, int64_t channels, float scale) {
  const auto values = constant_floats(g, parameter);
  if (!values || values->empty() || channels % std::ssize(*values) != 0) return std::nullopt;
  const int64_t repeat = channels / std::ssize(*values);  // one for each group before opset 21
  Tensor result(DType::f32, {channels});
  for (int64_t c = 0; c < channels; c++) {
    const float value = (*values)[static_cast<size_t>(c / repeat)] / scale;
    if (!std::isfinite(value)) return std::nullopt;
    result.mutable_data<float>()[c] = value;
  }
  return result;
}

std::optional<ir::Patch> rewrite(const ir::Graph& g, ir::NodeId id) {
  const ir::Node& n = g.node(id);
  if (n.op != "InstanceNormalization" && n.op != "GroupNormalization") return std::nullopt;
  const auto x = dequantized(g, n.input(0));
  const auto requant = requantization(g, n.output());
  const Shape* shape = shape_of(g, n.input(0));
  if (!x || !requant || !shape || !shape->is_static() || shape->rank() < 3 || shape->elements() == 0 ||
      n.attrs.has("activation"))
    return std::nullopt;
  const int64_t channels = (*shape)[1];
  const auto scale = scaled(g, n.input(1), channels, requant->params.scale),
             bias = scaled(g, n.input(2), channels, requant->params.scale);
  const float epsilon = n.attrs.get_float("epsilon", 1e-5f) / (x->params.scale * x->params.scale);
  if (!scale || !bias || !std::isfinite(epsilon)) return std::nullopt;
  ir::Patch patch(g);
  ir::ValueId y = patch.add("QGroupNormalization",
                            {x->value, patch.constant(*scale, "scale"), patch.constant(*bias, "bias")},
                            {{"num_groups", n.attrs.get_int("num_groups", channels)},
                             {"epsilon", epsilon},
                             {"y_zero_point", int64_t{requant->params.zero_point}}},
                            n.name);
  if (requant->clamp) y = patch.add("QLookup", {y}, {{"table", table_tensor(*requant->clamp)}}, n.name);
  patch.replace(requant->result, y);
  return patch;
}

}  // namespace

extern const Pass pass_int8_group_norm;
const Pass pass_int8_group_norm{"int8-group-norm", "normalization of quantized pixels to INT8 kernels",
                                rewrite};

}  // namespace tenfold::passes
