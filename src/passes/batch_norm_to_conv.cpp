// A BatchNormalization that no convolution takes in is a depthwise 1x1 convolution, whose kernel applies the
// activation behind it in the same pass over memory.
#include "passes/linear.hpp"
#include "passes/pass.hpp"

namespace tenfold::passes {
namespace {

std::optional<ir::Patch> rewrite(const ir::Graph& graph, ir::NodeId id) {
  const ir::Node& node = graph.node(id);
  const auto conv = depthwise_affine(graph, node);
  if (!conv || node.attrs.has("activation")) return std::nullopt;
  ir::Patch patch(graph);
  const ir::ValueId y = patch.add("Conv",
                                  {node.input(0), patch.constant(conv->weights, node.name + "_scale"),
                                   patch.constant(conv->bias, node.name + "_shift")},
                                  {{"group", conv->bias.elements()}}, node.name);
  patch.replace(node.output(), y);
  return patch;
}

}  // namespace

extern const Pass pass_batch_norm_to_conv;
const Pass pass_batch_norm_to_conv{"batch-norm-to-conv", "batch normalization to a depthwise 1x1 convolution",
                                   rewrite};

}  // namespace tenfold::passes
