#include <cmath>

#include "ops/op.hpp"
#include "quant/correct.hpp"

namespace tenfold::quant {

namespace {

/// The convolution of one BatchNormalization: weight [C, 1, 1, ...] and bias [C].
struct Affine {
  Tensor weight, bias;
};

std::optional<Affine> affine(const ir::Graph& g, const ir::Node& n) {
  const Tensor* p[4];
  for (size_t i = 0; i < 4; i++) {
    p[i] = g.constant(n.input(i + 1));
    if (!p[i] || p[i]->dtype() != DType::f32) return std::nullopt;
  }
  const auto& shape = g.value(n.input(0)).shape;
  if (!shape || shape->rank() != 4 || n.attrs.get_int("training_mode", 0) != 0) return std::nullopt;
  const int64_t channels = p[0]->elements();
  const float epsilon = n.attrs.get_float("epsilon", 1e-5f);
  Affine a{Tensor(DType::f32, {channels, 1, 1, 1}), Tensor(DType::f32, {channels})};
  for (int64_t c = 0; c < channels; c++) {
    const double scale = p[0]->data<float>()[c] / std::sqrt(double{p[3]->data<float>()[c]} + epsilon);
    a.weight.mutable_data<float>()[c] = static_cast<float>(scale);
    a.bias.mutable_data<float>()[c] =
        static_cast<float>(p[1]->data<float>()[c] - p[2]->data<float>()[c] * scale);
  }
  return a;
}

}  // namespace

ir::Graph batch_norms_as_convolutions(const ir::Graph& graph, const QuantizeOptions& options) {
  ir::Graph g = graph;
  if (!options.ops.empty() && !options.ops.contains("Conv")) return g;
  for (ir::NodeId id : graph.topological_order()) {
    const ir::Node n = g.node(id);
    if (n.op != "BatchNormalization" || options.exclude.contains(node_label(g, id))) continue;
    auto a = affine(g, n);
    if (!a) continue;
    const std::string label = node_label(g, id);
    const int64_t channels = a->bias.elements();
    const ir::ValueId out = n.output();
    const ir::ValueId w = g.add_constant(g.unique_name(label + "_weight"), std::move(a->weight));
    const ir::ValueId b = g.add_constant(g.unique_name(label + "_bias"), std::move(a->bias));
    g.remove_node(id);
    ops::infer(g, g.add_node_onto("Conv", {n.input(0), w, b}, {out}, {{"group", channels}}, n.name));
  }
  return g;
}

}  // namespace tenfold::quant
