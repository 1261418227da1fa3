// Concat of all outputs of one Split, in order and along the same axis, gives back what was split.
#include "passes/match.hpp"
#include "passes/pass.hpp"

namespace tenfold::passes {
namespace {

int64_t axis_of(const ir::Node& node, int64_t fallback, int rank) {
  const int64_t axis = node.attrs.get_int("axis", fallback);
  return axis < 0 ? axis + rank : axis;
}

std::optional<ir::Patch> rewrite(const ir::Graph& graph, ir::NodeId id) {
  const ir::Node& concat = graph.node(id);
  if (concat.op != "Concat" || concat.inputs.empty()) return std::nullopt;
  const ir::Node* split = graph.producer(concat.input(0));
  if (!split || split->op != "Split" || split->outputs != concat.inputs) return std::nullopt;
  const int rank = rank_of(graph, split->input(0));
  if (rank < 0 || axis_of(concat, 0, rank) != axis_of(*split, 0, rank)) return std::nullopt;
  if (!may_replace(graph, concat.output(), split->input(0))) return std::nullopt;
  ir::Patch patch(graph);
  patch.replace(concat.output(), split->input(0));
  return patch;
}

}  // namespace

extern const Pass pass_eliminate_split_concat;
const Pass pass_eliminate_split_concat{
    .name = "eliminate-split-concat",
    .description = "remove a Concat that undoes a Split",
    .rewrite = rewrite,
};

}  // namespace tenfold::passes
