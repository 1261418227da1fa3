// Merges consecutive transposes; one that only moves axes of extent 1 is a reshape.
#include <numeric>

#include "passes/match.hpp"
#include "passes/pass.hpp"

namespace tenfold::passes {
namespace {

using ir::Graph;
using ir::Node;
using ir::ValueId;
using Perm = std::vector<int64_t>;

/// True where the axes whose extent is not known to be 1 stay in order.
bool moves_only_ones(const Shape& in, const Perm& perm) {
  int64_t last = -1;
  for (int64_t axis : perm) {
    if (in[static_cast<int>(axis)] == 1) continue;
    if (axis < last) return false;
    last = axis;
  }
  return true;
}

std::optional<ir::Patch> rewrite(const Graph& graph, ir::NodeId id) {
  const Node& node = graph.node(id);
  if (node.op != "Transpose") return std::nullopt;
  const auto perm = permutation(graph, node);
  const Shape* in = shape_of(graph, node.input(0));
  if (!perm || !in) return std::nullopt;
  ir::Patch patch(graph);
  if (const Node* before = produced_by(graph, node.input(0), "Transpose")) {
    const auto first = permutation(graph, *before);
    if (!first) return std::nullopt;
    Perm merged;
    for (int64_t axis : *perm) merged.push_back((*first)[static_cast<size_t>(axis)]);
    patch.replace(node.output(), patch.add("Transpose", {before->input(0)}, {{"perm", merged}}, node.name));
    return patch;
  }
  Perm straight(perm->size());
  std::iota(straight.begin(), straight.end(), 0);
  if (*perm == straight || !moves_only_ones(*in, *perm))
    return std::nullopt;  // straight: eliminate-identity's
  Shape out;
  for (int64_t axis : *perm) out.push_back((*in)[static_cast<int>(axis)]);
  const auto target = reshape_target(*in, out);
  if (!target) return std::nullopt;
  patch.replace(
      node.output(),
      patch.add("Reshape", {node.input(0), patch.constant(*target, node.name + "_shape")}, {}, node.name));
  return patch;
}

}  // namespace

extern const Pass pass_simplify_transpose;
const Pass pass_simplify_transpose{
    .name = "simplify-transpose",
    .description = "merge consecutive transposes; those that only move axes of extent 1 become reshapes",
    .rewrite = rewrite,
};

}  // namespace tenfold::passes
