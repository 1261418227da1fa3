// Folds BatchNormalization and per-channel constants behind a convolution or matrix product into its weights.
#include "passes/linear.hpp"
#include "passes/match.hpp"
#include "passes/pass.hpp"

namespace tenfold::passes {
namespace {

std::optional<ir::Patch> rewrite(const ir::Graph& graph, ir::NodeId id) {
  const ir::Node& node = graph.node(id);
  for (size_t side = 0; side < 2; side++) {
    const ir::ValueId x = node.input(side);
    if (x == ir::kNone || !used_once(graph, x)) continue;
    const auto op = linear_producer(graph, x);
    if (!op) continue;
    const auto match = affine_node(graph, node, op->channel_axis, op->channels);
    if (!match || match->x != x) continue;
    // MatMul + Add is already the standard form of a biased product.
    if (op->node->op == "MatMul" && !match->affine.scales()) continue;
    ir::Patch patch(graph);
    const ir::ValueId result = apply_after(patch, graph, *op, match->affine);
    if (result == ir::kNone) continue;
    patch.replace(node.output(), result);
    return patch;
  }
  return std::nullopt;
}

}  // namespace

extern const Pass pass_fold_channel_affine;
const Pass pass_fold_channel_affine{
    .name = "fold-channel-affine",
    .description = "fold BatchNormalization and per-channel scales and shifts into Conv, ConvTranspose, Gemm, MatMul",
    .rewrite = rewrite,
};

}  // namespace tenfold::passes
