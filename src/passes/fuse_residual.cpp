// Add of a convolution or product and another value becomes its residual input (engine only).
#include "passes/match.hpp"
#include "passes/pass.hpp"

namespace tenfold::passes {
namespace {

using ir::Graph;
using ir::Node;
using ir::ValueId;

constexpr size_t kResidual = 3;  ///< input that Conv and MatMul add before the activation

/// One weight per tap of every channel.  Such kernels are bound by memory and add no residual, and another
/// kernel for them takes 40 times as long.
bool is_depthwise(const Graph& graph, const Node& node) {
  const Shape* w = shape_of(graph, node.input(1));
  return node.op == "Conv" && w && w->rank() > 2 && (*w)[1] == 1 && (*w)[0] == node.attrs.get_int("group", 1);
}

/// A Conv or MatMul that only the Add sees, so that nothing the residual is computed from can depend on it.
const Node* absorbing(const Graph& graph, ValueId id) {
  const Node* node = graph.producer(id);
  if (!node || (node->op != "Conv" && node->op != "MatMul") || !used_once(graph, id) || !is_f32(graph, id) ||
      is_depthwise(graph, *node))
    return nullptr;
  return node->inputs.size() <= kResidual && !node->attrs.has("activation") ? node : nullptr;
}

std::optional<ir::Patch> rewrite(const Graph& graph, ir::NodeId id) {
  const Node& add = graph.node(id);
  if (add.op != "Add" || add.inputs.size() != 2 || add.attrs.has("activation")) return std::nullopt;
  for (size_t side = 0; side < 2; side++) {
    const ValueId residual = add.input(1 - side);
    const Node* node = absorbing(graph, add.input(side));
    if (!node || !same_shape(graph, add.input(side), residual)) continue;
    ir::Patch patch(graph);
    std::vector<ValueId> inputs = node->inputs;
    inputs.resize(kResidual, ir::kNone);
    inputs.push_back(residual);
    patch.replace(add.output(), patch.add(node->op, std::move(inputs), node->attrs, node->name));
    return patch;
  }
  return std::nullopt;
}

}  // namespace

extern const Pass pass_fuse_residual;
const Pass pass_fuse_residual{
    .name = "fuse-residual",
    .description = "Add behind a Conv or MatMul becomes its residual input",
    .rewrite = rewrite,
};

}  // namespace tenfold::passes
