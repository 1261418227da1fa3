// Runs a graph node by node with the operators' reference evaluation: what the engine is to tests of lower
// layers.
#pragma once

#include <functional>
#include <memory>
#include <span>
#include <vector>

#include "ops/op.hpp"

namespace tenfold::test {

inline std::vector<Tensor> run_reference(const ir::Graph& graph, std::span<const Tensor> feeds) {
  std::vector<Tensor> values(graph.value_count());
  const auto at = [&](ir::ValueId id) -> Tensor& { return values[static_cast<size_t>(id)]; };
  for (size_t i = 0; i < graph.inputs.size(); i++) at(graph.inputs[i]) = feeds[i];
  const auto read = [&](ir::ValueId id) {
    if (id == ir::kNone) return Tensor{};
    return graph.value(id).is_constant() ? graph.value(id).constant : at(id);
  };
  for (ir::NodeId id : graph.topological_order()) {
    const ir::Node& n = graph.node(id);
    std::vector<Tensor> inputs;
    for (ir::ValueId v : n.inputs) inputs.push_back(read(v));
    std::vector<Tensor> results = ops::evaluate(graph, id, inputs);
    for (size_t i = 0; i < n.outputs.size(); i++)
      if (n.outputs[i] != ir::kNone) at(n.outputs[i]) = results[i];
  }
  std::vector<Tensor> outputs;
  for (ir::ValueId v : graph.outputs) outputs.push_back(read(v));
  return outputs;
}

/// A quant::Compile.
inline std::function<std::vector<Tensor>(std::span<const Tensor>)> compile_reference(const ir::Graph& graph) {
  const auto copy = std::make_shared<const ir::Graph>(graph);
  return [copy](std::span<const Tensor> feeds) { return run_reference(*copy, feeds); };
}

}  // namespace tenfold::test
