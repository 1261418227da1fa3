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

/// Scores that a test dictates: of `samples` evaluations of each candidate in turn, the first `lost[i]` of
/// candidate i (the last number speaks for all that follow) score 0, the others 1.
class Scripted final : public measure::Metric {
 public:
  Scripted(size_t samples, std::vector<size_t> lost) : samples_(samples), lost_(std::move(lost)) {}
  double score(const measure::Judged&) const override {
    const size_t at = calls_++;
    return at % samples_ < lost_[std::min(at / samples_, lost_.size() - 1)] ? 0 : 1;
  }

 private:
  size_t samples_;
  std::vector<size_t> lost_;
  mutable size_t calls_ = 0;
};

/// Convolutions that are faster in INT8, and lose enough there on pictures with outliers for several rungs.
inline ir::Graph deep_model() {
  quant::test_support::Build b;
  ir::ValueId x = b.input({1, 32, 20, 20});
  for (unsigned i = 0; i < 8; i++)
    x = b.op("Relu", {b.conv(x, 32, 32, "c" + std::to_string(i), i)}, "r" + std::to_string(i));
  b.g.outputs = {x};
  return b.g;
}
inline std::unique_ptr<measure::Dataset> samples_with_outliers(const ir::Graph& g, size_t count) {
  std::vector<measure::Sample> list;
  for (size_t i = 0; i < count; i++) {
    list.push_back(samples(g, 1, static_cast<unsigned>(i))->get(0));
    list.back().feeds[0].mutable_data<float>()[i] = 60;
  }
  return measure::memory_dataset(std::move(list));
}

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
