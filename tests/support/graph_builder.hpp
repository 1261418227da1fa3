// Small graphs for tests.
#pragma once

#include "support/evaluate_graph.hpp"

namespace tenfold::test {

using ir::Attributes;
using ir::ValueId;

/// A graph under construction: values by id, constants by content.
class Builder {
 public:
  ir::Graph graph;

  ValueId input(Shape shape, DType dtype = DType::f32) {
    return graph.add_input(graph.unique_name("x"), dtype, std::move(shape));
  }
  ValueId constant(Tensor t) { return graph.add_constant(graph.unique_name("c"), std::move(t)); }
  ValueId floats(Shape shape, std::vector<float> values) {
    return constant(Tensor::from<float>(std::move(shape), values));
  }
  ValueId scalar(float value) { return constant(Tensor::scalar<float>(value)); }
  ValueId ints(std::vector<int64_t> values) {
    return constant(Tensor::from<int64_t>({static_cast<int64_t>(values.size())}, values));
  }
  ValueId random(Shape shape, double lo = -1, double hi = 1) {
    return constant(random_tensor(DType::f32, shape, rng_, lo, hi));
  }
  ValueId op(std::string name, std::vector<ValueId> inputs, Attributes attrs = {}) {
    return multi(name, inputs, attrs, 1)[0];
  }
  std::vector<ValueId> multi(std::string name, std::vector<ValueId> inputs, Attributes attrs,
                             size_t outputs) {
    const ir::NodeId id = graph.add_node(std::move(name), std::move(inputs), std::move(attrs), outputs);
    ops::infer(graph, id);
    return graph.node(id).outputs;
  }
  void output(ValueId id) { graph.outputs.push_back(id); }
  int64_t symbol(const char* name) { return graph.symbol(name); }

 private:
  std::mt19937 rng_{7};
};

}  // namespace tenfold::test
