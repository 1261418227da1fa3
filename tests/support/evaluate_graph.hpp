// Runs a whole graph through reference evaluation: what passes are judged by.
#pragma once

#include <random>
#include <vector>

#include "ops/op.hpp"

namespace tenfold::test {

/// The outputs of `graph` for `inputs` (in the order of graph.inputs), node by node.
inline std::vector<Tensor> evaluate_graph(const ir::Graph& graph, std::span<const Tensor> inputs) {
  std::vector<Tensor> values(graph.value_count());
  for (size_t id = 0; id < values.size(); id++)
    values[id] = graph.value(static_cast<ir::ValueId>(id)).constant;
  for (size_t i = 0; i < inputs.size(); i++) values[static_cast<size_t>(graph.inputs[i])] = inputs[i];
  for (ir::NodeId id : graph.topological_order()) {
    const ir::Node& node = graph.node(id);
    std::vector<Tensor> in;
    for (ir::ValueId v : node.inputs)
      in.push_back(v == ir::kNone ? Tensor() : values[static_cast<size_t>(v)]);
    std::vector<Tensor> out = ops::evaluate(graph, id, in);
    for (size_t i = 0; i < node.outputs.size(); i++)
      if (node.outputs[i] != ir::kNone) values[static_cast<size_t>(node.outputs[i])] = std::move(out[i]);
  }
  std::vector<Tensor> outputs;
  for (ir::ValueId id : graph.outputs) outputs.push_back(values[static_cast<size_t>(id)]);
  return outputs;
}

/// Uniform floats in [lo, hi), or integers of that range.
inline Tensor random_tensor(DType dtype, const Shape& shape, std::mt19937& rng, double lo = -2,
                            double hi = 2) {
  std::uniform_real_distribution<double> uniform(lo, hi);
  Tensor t(dtype, shape);
  dispatch(dtype, [&](auto tag) {
    using T = decltype(tag);
    for (int64_t i = 0; i < t.elements(); i++) t.mutable_data<T>()[i] = static_cast<T>(uniform(rng));
  });
  return t;
}

}  // namespace tenfold::test
