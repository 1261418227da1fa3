// Constants that no INT8 kernel took are dequantized once, not at every run.
#include "ops/op.hpp"
#include "passes/pass.hpp"

namespace tenfold::passes {
namespace {

std::optional<ir::Patch> rewrite(const ir::Graph& g, ir::NodeId id) {
  const ir::Node& n = g.node(id);
  if (n.op != "DequantizeLinear") return std::nullopt;
  std::vector<Tensor> inputs;
  for (ir::ValueId v : n.inputs) {
    if (v != ir::kNone && !g.constant(v)) return std::nullopt;
    inputs.push_back(v == ir::kNone ? Tensor() : *g.constant(v));
  }
  ir::Patch patch(g);
  patch.replace(n.output(),
                patch.constant(ops::evaluate(g, id, inputs)[0], g.value(n.output()).name + ".real"));
  return patch;
}

}  // namespace

extern const Pass pass_dequantize_constants;
const Pass pass_dequantize_constants{"dequantize-constants", "remaining quantized constants to FP32",
                                     rewrite};

}  // namespace tenfold::passes
