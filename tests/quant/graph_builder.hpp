// Small networks in a few words, and what tests ask of quantized graphs.
#pragma once

#include <gtest/gtest.h>

#include <cmath>
#include <map>
#include <random>

#include "quant/quantize.hpp"
#include "support/reference_runner.hpp"

namespace tenfold::quant::test_support {

inline Tensor random_tensor(Shape shape, unsigned seed, float scale = 1.0f) {
  std::mt19937 random(seed);
  std::uniform_real_distribution<float> d(-scale, scale);
  Tensor t(DType::f32, std::move(shape));
  for (int64_t i = 0; i < t.elements(); i++) t.mutable_data<float>()[i] = d(random);
  return t;
}

/// Builds graphs; every node is named after its result.
struct Build {
  ir::Graph g;
  ir::ValueId input(Shape shape) { return g.add_input("x", DType::f32, std::move(shape)); }
  ir::ValueId constant(const std::string& name, Tensor t) { return g.add_constant(name, std::move(t)); }
  ir::ValueId op(std::string type, std::vector<ir::ValueId> inputs, const std::string& name,
                 ir::Attributes attrs = {}) {
    const auto id = g.add_node(std::move(type), std::move(inputs), std::move(attrs), 1, name);
    ops::infer(g, id);
    return g.node(id).output();
  }
  ir::ValueId conv(ir::ValueId x, int64_t in, int64_t out, const std::string& name, unsigned seed) {
    const ir::ValueId w = constant(name + ".w", random_tensor({out, in, 3, 3}, seed));
    const ir::ValueId b = constant(name + ".b", random_tensor({out}, seed + 100));
    return op("Conv", {x, w, b}, name, {{"pads", std::vector<int64_t>{1, 1, 1, 1}}});
  }
};

/// Four random samples for a graph of one input.
inline std::vector<std::vector<Tensor>> samples_for(const ir::Graph& g) {
  std::vector<std::vector<Tensor>> samples;
  for (unsigned i = 0; i < 4; i++) samples.push_back({random_tensor(*g.value(g.inputs[0]).shape, 1000 + i)});
  return samples;
}

struct Compared {
  std::vector<float> expected, actual;
  double cosine() const {
    double ab = 0, aa = 0, bb = 0;
    for (size_t i = 0; i < expected.size(); i++) {
      ab += double{expected[i]} * actual[i];
      aa += double{expected[i]} * expected[i];
      bb += double{actual[i]} * actual[i];
    }
    return ab / std::sqrt(aa * bb);
  }
  double mean_difference() const {
    double sum = 0;
    for (size_t i = 0; i < expected.size(); i++)
      sum += (double{actual[i]} - expected[i]) / static_cast<double>(expected.size());
    return sum;
  }
};

/// The first outputs of both graphs over samples_for().
inline Compared compare(const ir::Graph& a, const ir::Graph& b) {
  Compared c;
  for (const auto& s : samples_for(a)) {
    const Tensor x = test::run_reference(a, s)[0], y = test::run_reference(b, s)[0];
    for (float v : x.span<float>()) c.expected.push_back(v);
    for (float v : y.span<float>()) c.actual.push_back(v);
  }
  return c;
}

inline std::map<std::string, int> count_ops(const ir::Graph& g) {
  std::map<std::string, int> n;
  for (ir::NodeId id : g.topological_order()) n[g.node(id).op]++;
  return n;
}

inline const NodeRecord& record(const QuantizeResult& r, std::string_view node) {
  for (const NodeRecord& x : r.records)
    if (x.node == node) return x;
  throw std::runtime_error("no record of " + std::string(node));
}

/// The first node that reads the value of that name.
inline const ir::Node& consumer(const ir::Graph& g, std::string_view value) {
  return g.node(g.value(find_value(g, value)).consumers.at(0));
}

}  // namespace tenfold::quant::test_support
