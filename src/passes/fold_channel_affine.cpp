// Folds BatchNormalization and per-channel constants behind a convolution or matrix product into its weights.
#include "passes/linear.hpp"
#include "passes/match.hpp"
#include "passes/pass.hpp"

namespace tenfold::passes {
namespace {

/// A linear operator and what follows it before the node at hand: nothing, or the Add that holds the bias of
/// a MatMul.
struct Source {
  Linear op;
  ChannelAffine bias;
};

std::optional<Source> source_of(const ir::Graph& graph, ir::ValueId x) {
  if (const auto op = linear_producer(graph, x)) {
    const auto n = static_cast<size_t>(op->channels);
    return Source{*op, {std::vector<double>(n, 1), std::vector<double>(n, 0)}};
  }
  const ir::Node* add = produced_by(graph, x, "Add");
  if (!add) return std::nullopt;
  for (ir::ValueId product : add->inputs) {
    const auto op = used_once(graph, product) ? linear_producer(graph, product) : std::nullopt;
    if (!op || op->node->op != "MatMul") continue;
    const auto bias = affine_node(graph, *add, op->channel_axis, op->channels);
    if (bias && bias->x == product) return Source{*op, bias->affine};
  }
  return std::nullopt;
}

std::optional<ir::Patch> rewrite(const ir::Graph& graph, ir::NodeId id) {
  const ir::Node& node = graph.node(id);
  for (size_t side = 0; side < 2; side++) {
    const ir::ValueId x = node.input(side);
    if (x == ir::kNone || !used_once(graph, x)) continue;
    const auto source = source_of(graph, x);
    if (!source) continue;
    const auto match = affine_node(graph, node, source->op.channel_axis, source->op.channels);
    if (!match || match->x != x) continue;
    // MatMul + Add is already the standard form of a biased product.
    if (source->op.node->op == "MatMul" && !match->affine.scales() && !source->bias.shifts()) continue;
    ChannelAffine combined = match->affine;
    for (size_t c = 0; c < combined.scale.size(); c++)
      combined.shift[c] += combined.scale[c] * source->bias.shift[c];
    ir::Patch patch(graph);
    const ir::ValueId result = apply_after(patch, graph, source->op, combined);
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
    .description =
        "fold BatchNormalization and per-channel scales and shifts into Conv, ConvTranspose, Gemm, MatMul",
    .rewrite = rewrite,
};

}  // namespace tenfold::passes
