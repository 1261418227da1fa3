// Merges consecutive transposes; one that only moves axes of extent 1 is a reshape; one between reshapes may be plain.
#include <numeric>

#include "passes/match.hpp"
#include "passes/pass.hpp"

namespace tenfold::passes {
namespace {

using ir::Graph;
using ir::Node;
using ir::ValueId;
using Perm = std::vector<int64_t>;

/// The permutation of a Transpose (reversing, where absent), or nothing while the rank is unknown.
std::optional<Perm> permutation(const Graph& graph, const Node& node) {
  Perm perm = node.attrs.get_ints("perm");
  const int rank = rank_of(graph, node.input(0));
  if (rank < 0 || (!perm.empty() && static_cast<int>(perm.size()) != rank)) return std::nullopt;
  if (perm.empty())
    for (int64_t i = rank; i-- > 0;) perm.push_back(i);
  return perm;
}

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

/// A Reshape target for that case: -1 for the only symbol, or 0 where it stays in place.
std::optional<Perm> reshape_target(const Shape& in, const Perm& perm) {
  Perm target;
  int computed = 0;
  for (size_t i = 0; i < perm.size(); i++) {
    const int64_t extent = in[static_cast<int>(perm[i])];
    if (extent == 0) return std::nullopt;
    if (!is_symbol(extent)) target.push_back(extent);
    else if (perm[i] == static_cast<int64_t>(i)) target.push_back(0);
    else if (computed++) return std::nullopt;
    else target.push_back(-1);
  }
  return target;
}

/// Reshape(Transpose(Reshape(x))) that merges leading axes, swaps the last two, and separates the axes again: one Transpose.
std::optional<ir::Patch> unmerged(const Graph& graph, const Node& node) {
  const Node* swap = produced_by(graph, node.input(0), "Transpose");
  const Node* merge = swap ? produced_by(graph, swap->input(0), "Reshape") : nullptr;
  if (!merge || !used_once(graph, node.input(0)) || permutation(graph, *swap) != Perm{0, 2, 1}) return std::nullopt;
  const ValueId x = merge->input(0);
  const Shape *in = shape_of(graph, x), *merged = shape_of(graph, merge->output()), *out = shape_of(graph, node.output());
  if (!in || !merged || !out || in->rank() < 3 || out->rank() != in->rank()) return std::nullopt;
  const int last = in->rank() - 1;
  if ((*merged)[1] != (*in)[last - 1] || (*merged)[2] != (*in)[last]) return std::nullopt;
  if ((*out)[last] != (*in)[last - 1] || (*out)[last - 1] != (*in)[last]) return std::nullopt;
  Perm perm(static_cast<size_t>(in->rank()));
  std::iota(perm.begin(), perm.end(), 0);
  for (int i = 0; i < last - 1; i++)
    if ((*out)[i] != (*in)[i]) return std::nullopt;
  std::swap(perm[perm.size() - 2], perm[perm.size() - 1]);
  ir::Patch patch(graph);
  patch.replace(node.output(), patch.add("Transpose", {x}, {{"perm", perm}}, node.name));
  return patch;
}

std::optional<ir::Patch> rewrite(const Graph& graph, ir::NodeId id) {
  const Node& node = graph.node(id);
  if (node.op == "Reshape") return unmerged(graph, node);
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
  if (*perm == straight || !moves_only_ones(*in, *perm)) return std::nullopt;  // straight: eliminate-identity's
  const auto target = reshape_target(*in, *perm);
  if (!target) return std::nullopt;
  const Tensor shape = Tensor::from<int64_t>({static_cast<int64_t>(target->size())}, *target);
  patch.replace(node.output(), patch.add("Reshape", {node.input(0), patch.constant(shape, node.name + "_shape")}, {}, node.name));
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
