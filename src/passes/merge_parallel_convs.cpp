// The sum of two convolutions of one value is one convolution with the sum of their weights, where the window
// of one lies within that of the other; a scale and shift of the same value is a convolution of one tap.
// Networks trained with parallel branches (RepVGG, Ding et al. 2021; MobileOne; PP-LCNetV3) are often
// exported with them.
#include <algorithm>

#include "ops/window.hpp"
#include "passes/linear.hpp"
#include "passes/match.hpp"
#include "passes/pass.hpp"

namespace tenfold::passes {
namespace {

using ir::Graph;
using ir::Node;
using ir::ValueId;

struct Conv {
  const Node* node;
  const Tensor* weights;
  std::vector<double> bias;
  ops::Window window;
  int64_t groups;
};

std::optional<Conv> conv_behind(const Graph& graph, ValueId id) {
  const Node* node = produced_by(graph, id, "Conv");
  if (!node || !used_once(graph, id) || node->inputs.size() > 3 || node->attrs.has("activation"))
    return std::nullopt;
  const Tensor* w = graph.constant(node->input(1));
  if (!w || !is_f32(graph, node->input(1)) || w->shape().rank() < 3) return std::nullopt;
  const Shape& shape = w->shape();
  std::vector<int64_t> kernel;
  for (int i = 2; i < shape.rank(); i++) kernel.push_back(shape[i]);
  Conv conv{node, w, std::vector<double>(static_cast<size_t>(shape[0]), 0), ops::read_window(*node, kernel),
            node->attrs.get_int("group", 1)};
  if (conv.window.auto_pad != ops::Window::AutoPad::notset) return std::nullopt;
  if (node->input(2) == ir::kNone) return conv;
  const auto bias = constant_vector(graph, node->input(2), shape[0]);
  if (!bias) return std::nullopt;
  conv.bias = *bias;
  return conv;
}

/// What is added to a convolution of `x`: weights [outputs][inputs of a group][taps], whose first tap lies
/// where the tap `offset` of the convolution does.
struct Branch {
  Tensor weights;
  std::vector<double> bias;
  ops::Extents3 kernel, offset;
};

/// The other convolution, if it moves as `outer` does and its window lies within that of `outer`.
std::optional<Branch> conv_within(const Conv& outer, const Conv& inner) {
  const ops::Window &o = outer.window, &i = inner.window;
  if (inner.node->input(0) != outer.node->input(0) || inner.groups != outer.groups ||
      i.spatial != o.spatial || i.stride != o.stride ||
      inner.weights->shape()[0] != outer.weights->shape()[0])
    return std::nullopt;
  Branch branch{*inner.weights, inner.bias, i.kernel, {}};
  for (size_t a = 0; a < o.kernel.size(); a++) {
    if (i.kernel[a] > 1 && i.dilation[a] != o.dilation[a]) return std::nullopt;
    const int64_t shift = o.pad_begin[a] - i.pad_begin[a];
    if (shift < 0 || shift % o.dilation[a] != 0) return std::nullopt;
    branch.offset[a] = shift / o.dilation[a];
    if (branch.offset[a] + i.kernel[a] > o.kernel[a]) return std::nullopt;
  }
  return branch;
}

/// A scale and shift of every channel of the convolution's own input.
std::optional<Branch> affine_within(const Graph& graph, const Conv& conv, ValueId id) {
  const Shape& shape = conv.weights->shape();
  const int64_t channels = shape[0], inputs = shape[1];
  const Node* node = graph.producer(id);
  if (!node || !used_once(graph, id) || inputs * conv.groups != channels) return std::nullopt;
  const auto affine = affine_node(graph, *node, 1, channels);
  if (!affine || affine->x != conv.node->input(0)) return std::nullopt;
  Branch branch{Tensor(DType::f32, Shape{channels, inputs}), affine->affine.shift, {1, 1, 1}, {}};
  const ops::Window& w = conv.window;
  for (size_t a = 0; a < w.kernel.size(); a++) {
    if (w.stride[a] != 1 || w.pad_begin[a] % w.dilation[a] != 0) return std::nullopt;
    branch.offset[a] = w.pad_begin[a] / w.dilation[a];
    if (branch.offset[a] >= w.kernel[a]) return std::nullopt;
  }
  float* to = branch.weights.mutable_data<float>();
  std::fill_n(to, channels * inputs, 0.0f);
  for (int64_t c = 0; c < channels; c++)
    to[c * inputs + c % inputs] = static_cast<float>(affine->affine.scale[static_cast<size_t>(c)]);
  return branch;
}

/// The weights of the convolution plus those of the branch at their place.
Tensor sum(const Conv& conv, const Branch& branch) {
  Tensor weights = Tensor::from<float>(conv.weights->shape(), conv.weights->span<float>());
  const ops::Extents3 &outer = conv.window.kernel, &inner = branch.kernel, &first = branch.offset;
  float* to = weights.mutable_data<float>();
  const float* from = branch.weights.data<float>();
  const int64_t filters = conv.weights->shape()[0] * conv.weights->shape()[1];
  for (int64_t f = 0; f < filters; f++)
    for (int64_t z = 0; z < inner[0]; z++)
      for (int64_t y = 0; y < inner[1]; y++)
        for (int64_t x = 0; x < inner[2]; x++)
          to[((f * outer[0] + first[0] + z) * outer[1] + first[1] + y) * outer[2] + first[2] + x] += *from++;
  return weights;
}

std::optional<ir::Patch> rewrite(const Graph& graph, ir::NodeId id) {
  const Node& add = graph.node(id);
  if (add.op != "Add" || add.attrs.has("activation") || !same_shape(graph, add.input(0), add.input(1)))
    return std::nullopt;
  for (size_t side = 0; side < 2; side++) {
    const auto conv = conv_behind(graph, add.input(side));
    if (!conv) continue;
    const ValueId other = add.input(1 - side);
    const auto inner = conv_behind(graph, other);
    const auto branch = inner ? conv_within(*conv, *inner) : affine_within(graph, *conv, other);
    if (!branch) continue;
    std::vector<double> bias = conv->bias;
    for (size_t c = 0; c < bias.size(); c++) bias[c] += branch->bias[c];
    ir::Patch patch(graph);
    const std::string& name = conv->node->name;
    std::vector<ValueId> inputs{conv->node->input(0), patch.constant(sum(*conv, *branch), name + "_weights")};
    if (std::any_of(bias.begin(), bias.end(), [](double b) { return b != 0; }))
      inputs.push_back(patch.constant(f32_vector(bias), name + "_bias"));
    patch.replace(add.output(), patch.add("Conv", std::move(inputs), conv->node->attrs, name));
    return patch;
  }
  return std::nullopt;
}

}  // namespace

extern const Pass pass_merge_parallel_convs;
const Pass pass_merge_parallel_convs{
    .name = "merge-parallel-convs",
    .description = "sums of convolutions of one value become one convolution",
    .rewrite = rewrite,
};

}  // namespace tenfold::passes
