#include <algorithm>

#include "ops/op.hpp"
#include "quant/correct.hpp"

namespace tenfold::quant {

namespace {

bool is_uniform(const Tensor& t) {
  if (t.dtype() != DType::f32 || t.elements() < 2) return false;
  const auto values = t.span<float>();
  return std::all_of(values.begin(), values.end(), [&](float v) { return v == values.front(); });
}

/// Whether `x` alone gives the result its shape, so that the constant beside it may have any.
bool keeps_shape(const ir::Graph& g, const ir::Node& n, ir::ValueId x) {
  const auto &from = g.value(x).shape, &to = g.value(n.output()).shape;
  return from && to && *from == *to;
}

}  // namespace

ir::Graph uniform_constants_as_scalars(const ir::Graph& graph) {
  ir::Graph g = graph;
  for (ir::NodeId id : graph.topological_order()) {
    const ir::Node n = g.node(id);
    if (n.op != "Add" && n.op != "Mul" && n.op != "Sub" && n.op != "Div") continue;
    for (size_t i : {size_t{0}, size_t{1}}) {
      const ir::ValueId x = n.input(1 - i);
      const Tensor* c = g.constant(n.input(i));
      if (!c || !is_uniform(*c) || g.constant(x) || !keeps_shape(g, n, x)) continue;
      // Behind a matrix product the vector is a bias, which int8 kernels add before they round.
      const ir::Node* before = g.producer(x);
      if (before && before->op == "MatMul") continue;
      const std::string name = g.unique_name(g.value(n.input(i)).name + "_scalar");
      g.set_input(id, i, g.add_constant(name, Tensor::scalar(c->span<float>().front())));
    }
  }
  return g;
}

}  // namespace tenfold::quant
