// Folds BatchNormalization and per-channel constants in front of a convolution into its weights.
#include <algorithm>
#include <cmath>

#include "passes/linear.hpp"
#include "passes/match.hpp"
#include "passes/pass.hpp"

namespace tenfold::passes {
namespace {

using ir::Graph;
using ir::Node;
using ir::ValueId;

/// Padding adds zeros behind the affine map, so a shift cannot move through it.
bool is_padded(const Node& conv) {
  const auto pads = conv.attrs.get_ints("pads");
  const std::string automatic = conv.attrs.get_string("auto_pad", "NOTSET");
  return std::any_of(pads.begin(), pads.end(), [](int64_t p) { return p != 0; }) ||
         automatic.starts_with("SAME");
}

/// Weights times the scale of their input channel, and what the shifts add to every output channel.
struct Folded {
  Tensor weights;
  std::vector<double> bias;
};
Folded fold(const Tensor& w, int64_t groups, const ChannelAffine& affine) {
  const int64_t outputs = w.shape()[0], inputs = w.shape()[1], taps = w.shape().elements(2, w.shape().rank());
  Folded result{Tensor(DType::f32, w.shape()), std::vector<double>(static_cast<size_t>(outputs), 0)};
  const float* from = w.data<float>();
  float* to = result.weights.mutable_data<float>();
  for (int64_t m = 0, at = 0; m < outputs; m++)
    for (int64_t c = 0; c < inputs; c++) {
      const auto channel = static_cast<size_t>(m / (outputs / groups) * inputs + c);
      for (int64_t k = 0; k < taps; k++, at++) {
        to[at] = static_cast<float>(from[at] * affine.scale[channel]);
        result.bias[static_cast<size_t>(m)] += from[at] * affine.shift[channel];
      }
    }
  return result;
}

/// What is in front of the convolution.  Where padding blocks the shift of x * s + t, it becomes (x + t / s)
/// * s: `rest` is then t / s, which stays behind as an Add.
struct Front {
  ValueId x;
  ChannelAffine affine;
  std::vector<double> rest;
};
std::optional<Front> front(const Graph& graph, const Node& conv, int64_t channels) {
  const Node* before = graph.producer(conv.input(0));
  if (!before || !used_once(graph, conv.input(0))) return std::nullopt;
  auto last = affine_node(graph, *before, 1, channels);
  if (!last) return std::nullopt;
  if (!last->affine.shifts() || !is_padded(conv)) return Front{last->x, std::move(last->affine), {}};
  const Node* earlier = graph.producer(last->x);
  if (before->op != "Add" || !earlier || earlier->op != "Mul" || !used_once(graph, last->x))
    return std::nullopt;
  const auto scale = affine_node(graph, *earlier, 1, channels);
  if (!scale) return std::nullopt;
  Front result{scale->x, scale->affine, last->affine.shift};
  for (size_t c = 0; c < result.rest.size(); c++) {
    // A small scale would make the intermediate values large.
    if (std::fabs(scale->affine.scale[c]) < 1e-3) return std::nullopt;
    result.rest[c] /= scale->affine.scale[c];
  }
  return result;
}

std::optional<ir::Patch> rewrite(const Graph& graph, ir::NodeId id) {
  const Node& conv = graph.node(id);
  if (conv.op != "Conv" || conv.inputs.size() > 3 || conv.attrs.has("activation")) return std::nullopt;
  const Tensor* w = graph.constant(conv.input(1));
  if (!w || w->dtype() != DType::f32 || w->shape().rank() < 3) return std::nullopt;
  const int64_t groups = conv.attrs.get_int("group", 1), outputs = w->shape()[0];
  if (groups < 1 || outputs % groups != 0) return std::nullopt;
  const auto match = front(graph, conv, w->shape()[1] * groups);
  if (!match) return std::nullopt;

  Folded folded = fold(*w, groups, match->affine);
  if (conv.input(2) != ir::kNone) {
    const auto old = constant_vector(graph, conv.input(2), outputs);
    if (!old) return std::nullopt;
    for (size_t m = 0; m < old->size(); m++) folded.bias[m] += (*old)[m];
  }
  ir::Patch patch(graph);
  ValueId x = match->x;
  if (!match->rest.empty()) {
    Shape shape{w->shape()[1] * groups};
    for (int i = 2; i < w->shape().rank(); i++) shape.push_back(1);
    const ValueId rest = patch.constant(f32_vector(match->rest).reshaped(shape), conv.name + "_shift");
    x = patch.add("Add", {x, rest}, {}, conv.name + "_shifted");
  }
  std::vector<ValueId> inputs{x, patch.constant(std::move(folded.weights), graph.value(conv.input(1)).name)};
  if (std::any_of(folded.bias.begin(), folded.bias.end(), [](double b) { return b != 0; }))
    inputs.push_back(patch.constant(f32_vector(folded.bias), conv.name + "_bias"));
  patch.replace(conv.output(), patch.add("Conv", std::move(inputs), conv.attrs, conv.name));
  return patch;
}

}  // namespace

extern const Pass pass_fold_affine_into_conv;
const Pass pass_fold_affine_into_conv{
    .name = "fold-affine-into-conv",
    .description = "fold scales, and shifts where nothing is padded, in front of a Conv into its weights",
    .rewrite = rewrite,
};

}  // namespace tenfold::passes
