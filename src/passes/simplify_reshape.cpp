// Gives every reshape its plainest form: one Reshape with a constant target, straight from where the elements
// come.
#include "passes/match.hpp"
#include "passes/pass.hpp"

namespace tenfold::passes {
namespace {

using ir::Graph;
using ir::Node;
using ir::ValueId;

/// Operators that keep the elements in order.
bool is_reshape(const Node* node) {
  if (!node) return false;
  return node->op == "Reshape" || node->op == "Flatten" || node->op == "Squeeze" || node->op == "Unsqueeze";
}

std::optional<ir::Patch> rewrite(const Graph& graph, ir::NodeId id) {
  const Node& node = graph.node(id);
  if (!is_reshape(&node)) return std::nullopt;
  const Shape* out = shape_of(graph, node.output());
  ValueId source = node.input(0);
  while (is_reshape(graph.producer(source))) source = graph.producer(source)->input(0);
  const Shape* in = shape_of(graph, source);
  if (!in || !out || graph.constant(source)) return std::nullopt;
  ir::Patch patch(graph);
  if (*in == *out && may_replace(graph, node.output(), source)) {
    patch.replace(node.output(), source);
    return patch;
  }
  if (source == node.input(0) && node.op == "Reshape" && graph.constant(node.input(1))) return std::nullopt;
  const auto target = reshape_target(*in, *out);
  if (!target) return std::nullopt;
  patch.replace(node.output(),
                patch.add("Reshape", {source, patch.constant(*target, node.name + "_shape")}, {}, node.name));
  return patch;
}

}  // namespace

extern const Pass pass_simplify_reshape;
const Pass pass_simplify_reshape{
    .name = "simplify-reshape",
    .description =
        "merge consecutive reshapes; Flatten, Squeeze and Unsqueeze become Reshape with a constant target",
    .rewrite = rewrite,
};

}  // namespace tenfold::passes
