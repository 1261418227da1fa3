// Gives every reshape its plainest form: one Reshape with a constant target, straight from where the elements come.
#include <algorithm>

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

/// A Reshape target that turns `in` into `out`: extents as numbers, 0 where a symbol is copied from the same position, -1 for the one
/// that is left.  [?n, 12, 64] from [?n, 768] is [0, 12, 64].
std::optional<std::vector<int64_t>> target(const Shape& in, const Shape& out) {
  std::vector<int64_t> result;
  bool computed = false;
  for (int i = 0; i < out.rank(); i++) {
    if (out[i] == 0) return std::nullopt;  // would read as "copy"
    if (!is_symbol(out[i])) result.push_back(out[i]);
    else if (i < in.rank() && in[i] == out[i]) result.push_back(0);
    else if (std::exchange(computed, true)) return std::nullopt;
    else result.push_back(-1);
  }
  return result;
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
  const auto extents = target(*in, *out);
  if (!extents) return std::nullopt;
  const Tensor shape = Tensor::from<int64_t>({static_cast<int64_t>(extents->size())}, *extents);
  patch.replace(node.output(), patch.add("Reshape", {source, patch.constant(shape, node.name + "_shape")}, {}, node.name));
  return patch;
}

}  // namespace

extern const Pass pass_simplify_reshape;
const Pass pass_simplify_reshape{
    .name = "simplify-reshape",
    .description = "merge consecutive reshapes; Flatten, Squeeze and Unsqueeze become Reshape with a constant target",
    .rewrite = rewrite,
};

}  // namespace tenfold::passes
