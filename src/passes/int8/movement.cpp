// Operators that only move or select elements work on the bytes: op(DequantizeLinear(x)) ==>
// DequantizeLinear(op(x)).
#include <algorithm>

#include "ops/op.hpp"
#include "passes/int8/quantized.hpp"
#include "passes/pass.hpp"

namespace tenfold::passes {
namespace {

/// Monotonic or position-only in the first input, whatever the element type.
bool moves_bytes(const ir::Node& n) {
  static constexpr std::string_view kOps[] = {
      "Reshape", "Flatten", "Squeeze", "Unsqueeze",    "Transpose",    "Slice",  "Gather",
      "Split",   "Expand",  "Tile",    "DepthToSpace", "SpaceToDepth", "MaxPool"};
  if (std::find(std::begin(kOps), std::end(kOps), n.op) != std::end(kOps))
    return n.op != "MaxPool" || n.outputs.size() == 1;
  return n.op == "Resize" && n.attrs.get_string("mode", "nearest") == "nearest";
}

std::optional<ir::Patch> rewrite(const ir::Graph& g, ir::NodeId id) {
  const ir::Node& n = g.node(id);
  if (!moves_bytes(n)) return std::nullopt;
  const ir::Node* dq = g.producer(n.input(0));
  if (!dq || dq->op != "DequantizeLinear" || g.constant(dq->input(0)) || !dequantized(g, n.input(0)))
    return std::nullopt;
  ir::Patch patch(g);
  std::vector<ir::ValueId> ins = n.inputs;
  ins[0] = dq->input(0);
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
