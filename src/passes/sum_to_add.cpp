// A Sum of several tensors becomes Adds, which kernels take into their epilogues.
#include "passes/match.hpp"
#include "passes/pass.hpp"

namespace tenfold::passes {
namespace {

std::optional<ir::Patch> rewrite(const ir::Graph& graph, ir::NodeId id) {
  const ir::Node& node = graph.node(id);
  if (node.op != "Sum" || node.inputs.size() < 2) return std::nullopt;
  ir::Patch patch(graph);
  ir::ValueId sum = node.input(0);
  for (size_t i = 1; i < node.inputs.size(); i++) sum = patch.add("Add", {sum, node.input(i)}, {}, node.name);
  patch.replace(node.output(), sum);
  return patch;
}

}  // namespace

extern const Pass pass_sum_to_add;
const Pass pass_sum_to_add{"sum-to-add", "a Sum of several tensors to Adds", rewrite};

}  // namespace tenfold::passes
