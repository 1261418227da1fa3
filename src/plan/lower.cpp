#include <algorithm>

#include "ops/op.hpp"
#include "passes/pass.hpp"
#include "plan/lowering.hpp"
#include "plan/plan.hpp"

namespace tenfold::plan {
namespace {

/// A copy, so that an output neither is nor aliases a value that something else owns.
void copy_output(ir::Graph& graph, size_t index) {
  const ir::ValueId from = graph.outputs[index];
  const ir::NodeId copy = graph.add_node("Identity", {from}, {}, 1, graph.value(from).name + ".copy");
  ops::infer(graph, copy);
  graph.outputs[index] = graph.node(copy).output();
}

}  // namespace

void separate_outputs(ir::Graph& graph) {
  std::vector<ir::ValueId> taken;
  for (size_t i = 0; i < graph.outputs.size(); i++) {
    const ir::ValueId root = alias_roots(graph)[static_cast<size_t>(graph.outputs[i])];
    const bool shared = graph.is_input(root) || graph.value(root).is_constant() ||
                        std::find(taken.begin(), taken.end(), root) != taken.end();
    if (shared)
      copy_output(graph, i);
    else
      taken.push_back(root);
  }
}

ir::Graph lower(const ir::Graph& model, std::span<const Shape> input_shapes, const PlanOptions& options) {
  ir::Graph graph = ops::specialise(model, input_shapes);
  const passes::PassOptions pass_options{.disabled = options.disabled_passes,
                                         .verify = passes::Verify::at_end};
  passes::run(graph, passes::Stage::canonicalise, pass_options);
  passes::run(graph, passes::Stage::int8, pass_options);
  passes::run(graph, passes::Stage::fuse, pass_options);
  graph = assign_layout(graph);
  interleave_images(graph);
  separate_outputs(graph);
  return std::move(graph).compact();
}

}  // namespace tenfold::plan
