// Evaluates nodes whose inputs are all constant.
#include <algorithm>

#include "ops/op.hpp"
#include "passes/match.hpp"
#include "passes/pass.hpp"

namespace tenfold::passes {
namespace {

/// Folding may not blow a model up (ConstantOfShape, Expand), nor spend seconds in reference loops.
constexpr size_t kMaxGrowth = size_t{64} << 20;
constexpr double kMaxMacs = 2e8;

/// Operators that must stay: a DequantizeLinear of constant weights carries the quantization that planning
/// looks for, random ones differ from run to run.
bool stays(const ir::Node& node) { return node.op == "DequantizeLinear" || node.op.starts_with("Random"); }

bool worth_folding(const ir::Graph& graph, ir::NodeId id) {
  size_t in = 0, out = 0;
  const ir::Node& node = graph.node(id);
  for (ir::ValueId v : node.inputs)
    if (v != ir::kNone) in += graph.constant(v)->bytes();
  for (ir::ValueId v : node.outputs) {
    if (v == ir::kNone) continue;
    const Shape* shape = shape_of(graph, v);
    if (!shape || !shape->is_static() || graph.is_output(v)) return false;
    out += static_cast<size_t>(shape->elements()) * size_of(graph.value(v).dtype);
  }
  return out <= in + kMaxGrowth && ops::cost(graph, id).macs <= kMaxMacs;
}

std::optional<ir::Patch> rewrite(const ir::Graph& graph, ir::NodeId id) {
  const ir::Node& node = graph.node(id);
  if (node.inputs.empty() || stays(node)) return std::nullopt;
  std::vector<Tensor> inputs;
  for (ir::ValueId v : node.inputs) {
    if (v != ir::kNone && !graph.constant(v)) return std::nullopt;
    inputs.push_back(v == ir::kNone ? Tensor() : *graph.constant(v));
    if (inputs.back().dtype() == DType::string) return std::nullopt;
  }
  const ops::OpDef* op = ops::find(node.op);
  if (!op || !op->eval) return std::nullopt;
  if (!worth_folding(graph, id)) return std::nullopt;
  std::vector<Tensor> results;
  try {
    results = ops::evaluate(graph, id, inputs);
  } catch (const Error&) {
    return std::nullopt;  // a node that fails is reported where it runs, if it ever does
  }
  ir::Patch patch(graph);
  for (size_t i = 0; i < results.size(); i++) {
    const ir::ValueId out = node.output(i);
    if (out != ir::kNone) patch.replace(out, patch.constant(std::move(results[i]), graph.value(out).name));
  }
  return patch;
}

}  // namespace

extern const Pass pass_fold_constants;
const Pass pass_fold_constants{
    .name = "fold-constants",
    .description = "evaluate nodes whose inputs are all constant",
    .rewrite = rewrite,
};

}  // namespace tenfold::passes
