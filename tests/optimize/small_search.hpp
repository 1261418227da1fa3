// A small network with samples and a metric, for tests of the search.
#pragma once

#include "measure/dataset.hpp"
#include "measure/metric.hpp"
#include "ops/op.hpp"
#include "quant/graph_builder.hpp"

namespace tenfold::test {

/// Random samples for a graph of one input; the label of each is its number.
inline std::unique_ptr<measure::Dataset> samples(const ir::Graph& g, size_t count, unsigned seed) {
  std::vector<measure::Sample> list;
  for (size_t i = 0; i < count; i++) {
    const auto number = static_cast<unsigned>(i);
    list.push_back({{quant::test_support::random_tensor(*g.value(g.inputs[0]).shape, seed * 10000 + number)},
                    std::to_string(i),
                    std::to_string(i)});
  }
  return measure::memory_dataset(std::move(list));
}

/// Whether the output's largest value stands at the place that the FP32 model gives (measure::top_classes).
class SameClass final : public measure::Metric {
 public:
  double score(const measure::Judged& j) const override {
    if (j.reference.empty()) return 1;
    return measure::top_classes(j.outputs[0], 1) == measure::top_classes(j.reference[0], 1) ? 1 : 0;
  }
};

/// Two convolutions and a pooled output of eight classes.
struct SmallSearch {
  SmallSearch() {
    quant::test_support::Build b;
    const auto c1 = b.op("Relu", {b.conv(b.input({1, 3, 8, 8}), 3, 16, "c1", 1)}, "r1");
    const auto c2 = b.op("Relu", {b.conv(c1, 16, 8, "c2", 2)}, "r2");
    b.g.outputs = {b.op("GlobalAveragePool", {c2}, "pool")};
    model = b.g;
  }
  ir::Graph model;
  SameClass metric;
};

}  // namespace tenfold::test
