// Operators that only move or select elements work on the bytes: op(DequantizeLinear(x)) ==>
// DequantizeLinear(op(x)).
#include <algorithm>
#include <cmath>

#include "ops/op.hpp"
#include "passes/int8/quantized.hpp"
#include "passes/match.hpp"
#include "passes/pass.hpp"

namespace tenfold::passes {
namespace {

/// Monotonic or position-only in the first input, whatever the element type.
bool moves_bytes(const ir::Node& n) {
  static constexpr std::string_view kOps[] = {
      "Reshape",       "Flatten",   "Squeeze",   "Unsqueeze", "Transpose",    "Slice",        "Gather",
      "Split",         "Expand",    "Tile",      "Pad",       "DepthToSpace", "SpaceToDepth", "MaxPool",
      "GlobalMaxPool", "ReduceMax", "ReduceMin", "ArgMax",    "ArgMin"};
  if (std::find(std::begin(kOps), std::end(kOps), n.op) != std::end(kOps))
    return n.op != "MaxPool" || n.outputs.size() == 1;
  // A crop puts a real number where it reaches beyond the image.
  return n.op == "Resize" && n.attrs.get_string("mode", "nearest") == "nearest" &&
         n.attrs.get_string("coordinate_transformation_mode", "") != "tf_crop_and_resize";
}

/// The byte that stands for what a Pad puts around its input, but for rounding.
std::optional<uint8_t> padding_byte(const ir::Graph& g, const ir::Node& pad, ActivationParams params) {
  const auto value = pad.input(2) == ir::kNone ? std::optional(0.0) : scalar(g, pad.input(2));
  if (!value) return std::nullopt;
  const float real = static_cast<float>(*value);
  const uint8_t byte = quantize(real, params);
  const float off = static_cast<float>(byte - params.zero_point) * params.scale - real;
  return std::fabs(off) <= 1e-4f * params.scale ? std::optional(byte) : std::nullopt;
}

std::optional<ir::Patch> rewrite(const ir::Graph& g, ir::NodeId id) {
  const ir::Node& n = g.node(id);
  if (!moves_bytes(n)) return std::nullopt;
  const ir::Node* dq = g.producer(n.input(0));
  const auto x = dequantized(g, n.input(0));
  if (!dq || !x || g.constant(x->value)) return std::nullopt;
  ir::Patch patch(g);
  std::vector<ir::ValueId> ins = n.inputs;
  ins[0] = x->value;
  if (n.op == "Pad") {
    const auto byte = padding_byte(g, n, x->params);
    if (!byte) return std::nullopt;
    ins.resize(std::max<size_t>(ins.size(), 3), ir::kNone);
    ins[2] = patch.constant(Tensor::from<uint8_t>({}, std::span(&*byte, 1)), "padding");
  }
  if (n.op.starts_with("Arg")) {  // positions, the same for bytes
    patch.replace(n.output(), patch.add(n.op, ins, n.attrs, n.name));
    return patch;
  }
  const auto moved = patch.add_multi(n.op, ins, n.attrs, n.outputs.size(), n.name);
  for (size_t i = 0; i < n.outputs.size(); i++)
    if (n.outputs[i] != ir::kNone)
      patch.replace(n.outputs[i], patch.add("DequantizeLinear", {moved[i], dq->input(1), dq->input(2)},
                                            dq->attrs, dq->name));
  return patch;
}

}  // namespace

extern const Pass pass_int8_movement;
const Pass pass_int8_movement{"int8-movement", "data movement on bytes instead of floats", rewrite};

}  // namespace tenfold::passes
