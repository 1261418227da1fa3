// A BatchNormalization that no convolution takes in is a depthwise 1x1 convolution, whose kernel applies the
// activation behind it in the same pass over memory.
#include "passes/linear.hpp"
#include "passes/match.hpp"
#include "passes/pass.hpp"

namespace tenfold::passes {
namespace {

std::optional<ir::Patch> rewrite(const ir::Graph& graph, ir::NodeId id) {
  const ir::Node& node = graph.node(id);
  const Shape* x = node.op == "BatchNormalization" ? shape_of(graph, node.input(0)) : nullptr;
  if (!x || x->rank() < 3 || x->rank() > 5 || is_symbol((*x)[1]) || node.attrs.has("activation"))
    return std::nullopt;
  const int64_t channels = (*x)[1];
  const auto affine = affine_node(graph, node, 1, channels);
  if (!affine) return std::nullopt;
  Shape kernel({channels, 1});
  for (int i = 2; i < x->rank(); i++) kernel.push_back(1);
  Tensor weights(DType::f32, kernel), bias(DType::f32, {channels});
  for (int64_t c = 0; c < channels; c++) {
    weights.mutable_data<float>()[c] = static_cast<float>(affine->affine.scale[static_cast<size_t>(c)]);
    bias.mutable_data<float>()[c] = static_cast<float>(affine->affine.shift[static_cast<size_t>(c)]);
  }
  ir::Patch patch(graph);
  const ir::ValueId y = patch.add(
      "Conv",
      {affine->x, patch.constant(weights, node.name + "_scale"), patch.constant(bias, node.name + "_shift")},
      {{"group", channels}}, node.name);
  patch.replace(node.output(), y);
  return patch;
}

}  // namespace

extern const Pass pass_batch_norm_to_conv;
const Pass pass_batch_norm_to_conv{"batch-norm-to-conv", "batch normalization to a depthwise 1x1 convolution",
                                   rewrite};

}  // namespace tenfold::passes
