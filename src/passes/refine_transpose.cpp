// Transposes on the finest axes: merging reshapes move behind them, splitting ones in front.  So [n, c, h, w]
// → [n, c, hw] → [n, hw, c] is recognised as channels last, and heads that were merged with the batch come
// apart again.
#include <algorithm>

#include "ops/op.hpp"
#include "passes/match.hpp"
#include "passes/pass.hpp"

namespace tenfold::passes {
namespace {

using ir::Graph;
using ir::Node;
using ir::ValueId;

/// For every coarse axis the number of fine ones that make it up; nothing where `fine` does not refine
/// `coarse`.
using Groups = std::vector<size_t>;

/// Fine axes from `at` on (in steps of `step`) whose product is `extent`; 0 if there are none.
size_t run_length(int64_t extent, const Shape& fine, int at, int end, int step) {
  int64_t product = 1;
  for (size_t n = 1; at != end; at += step, n++) {
    if (fine[at] == extent && product == 1) return n;
    if (is_symbol(fine[at]) || is_symbol(extent) || fine[at] == 0) return 0;
    product *= fine[at];
    if (product == extent) return n;
    if (product > extent) return 0;
  }
  return 0;
}

/// Matched from both ends; one axis in between, a product with a symbol, may be left: it takes the fine axes
/// that are left.
std::optional<Groups> refinement(const Shape& coarse, const Shape& fine) {
  Groups groups(static_cast<size_t>(coarse.rank()), 0);
  int first = 0, last = coarse.rank(), begin = 0, end = fine.rank();
  for (; first < last; first++) {
    const size_t n = run_length(coarse[first], fine, begin, end, 1);
    if (n == 0) break;
    groups[static_cast<size_t>(first)] = n;
    begin += static_cast<int>(n);
  }
  for (; last > first; last--) {
    const size_t n = run_length(coarse[last - 1], fine, end - 1, begin - 1, -1);
    if (n == 0) break;
    groups[static_cast<size_t>(last - 1)] = n;
    end -= static_cast<int>(n);
  }
  if (last - first > 1 || (last == first) != (begin == end) || begin > end) return std::nullopt;
  if (last - first == 1) groups[static_cast<size_t>(first)] = static_cast<size_t>(end - begin);
  const bool refines = std::any_of(groups.begin(), groups.end(), [](size_t n) { return n > 1; });
  return refines && fine.rank() <= ops::kMaxRank ? std::optional(groups) : std::nullopt;
}

/// Where each group begins.
std::vector<size_t> starts(const Groups& groups) {
  std::vector<size_t> result(groups.size(), 0);
  for (size_t i = 1; i < groups.size(); i++) result[i] = result[i - 1] + groups[i - 1];
  return result;
}

/// Transpose(Reshape(x)) that merges: the same elements move if x is transposed by groups, and merged
/// afterwards.
std::optional<ir::Patch> merge_later(const Graph& graph, const Node& transpose) {
  const Node* merge = produced_by(graph, transpose.input(0), "Reshape");
  const auto perm = permutation(graph, transpose);
  if (!merge || !perm || !used_once(graph, transpose.input(0))) return std::nullopt;
  const Shape *fine = shape_of(graph, merge->input(0)), *coarse = shape_of(graph, merge->output()),
              *out = shape_of(graph, transpose.output());
  const auto groups = fine && coarse && out ? refinement(*coarse, *fine) : std::nullopt;
  if (!groups) return std::nullopt;
  const auto start = starts(*groups);
  std::vector<int64_t> moved;
  Shape between;
  for (int64_t axis : *perm)
    for (size_t k = 0; k < (*groups)[static_cast<size_t>(axis)]; k++) {
      moved.push_back(static_cast<int64_t>(start[static_cast<size_t>(axis)] + k));
      between.push_back((*fine)[static_cast<int>(moved.back())]);
    }
  const auto target = reshape_target(between, *out);
  if (!target) return std::nullopt;
  ir::Patch patch(graph);
  const ValueId transposed = patch.add("Transpose", {merge->input(0)}, {{"perm", moved}}, transpose.name);
  patch.replace(
      transpose.output(),
      patch.add("Reshape", {transposed, patch.constant(*target, merge->name + "_shape")}, {}, merge->name));
  return patch;
}

/// Reshape(Transpose(x)) that splits: x is split in the same places, then transposed by groups.
std::optional<ir::Patch> split_earlier(const Graph& graph, const Node& split) {
  const Node* transpose = produced_by(graph, split.input(0), "Transpose");
  const auto perm = transpose ? permutation(graph, *transpose) : std::nullopt;
  if (!perm || !used_once(graph, split.input(0))) return std::nullopt;
  const Shape *in = shape_of(graph, transpose->input(0)), *coarse = shape_of(graph, transpose->output()),
              *fine = shape_of(graph, split.output());
  const auto groups = in && coarse && fine ? refinement(*coarse, *fine) : std::nullopt;
  if (!groups) return std::nullopt;
  const auto start = starts(*groups);
  std::vector<size_t> source(perm->size());  // axis of the Transpose's output that its input's axis becomes
  for (size_t i = 0; i < perm->size(); i++) source[static_cast<size_t>((*perm)[i])] = i;
  Shape between;
  std::vector<int64_t> moved(static_cast<size_t>(fine->rank()));
  for (size_t axis : source)
    for (size_t k = 0; k < (*groups)[axis]; k++) {
      moved[start[axis] + k] = between.rank();
      between.push_back((*fine)[static_cast<int>(start[axis] + k)]);
    }
  const auto target = reshape_target(*in, between);
  if (!target) return std::nullopt;
  ir::Patch patch(graph);
  const ValueId reshaped = patch.add(
      "Reshape", {transpose->input(0), patch.constant(*target, split.name + "_shape")}, {}, split.name);
  patch.replace(split.output(), patch.add("Transpose", {reshaped}, {{"perm", moved}}, transpose->name));
  return patch;
}

std::optional<ir::Patch> rewrite(const Graph& graph, ir::NodeId id) {
  const Node& node = graph.node(id);
  if (node.op == "Transpose") return merge_later(graph, node);
  return node.op == "Reshape" ? split_earlier(graph, node) : std::nullopt;
}

}  // namespace

extern const Pass pass_refine_transpose;
const Pass pass_refine_transpose{
    .name = "refine-transpose",
    .description = "merging reshapes move behind transposes, splitting ones in front of them",
    .rewrite = rewrite,
};

}  // namespace tenfold::passes
