// Scores of one model over a data set.
#pragma once

#include <functional>
#include <span>
#include <vector>

#include "measure/dataset.hpp"
#include "measure/metric.hpp"

namespace tenfold::optimize {

struct EvaluateOptions {
  int threads = 1;
  std::span<const size_t> order;  ///< which samples, in which order; empty: all, as the data set has them
  /// FP32 outputs by sample index, for metrics that compare with them; null where the metric has labels.
  const std::vector<std::vector<Tensor>>* reference = nullptr;
  /// Where the outputs go, by sample index; they then are their own reference.  May be null.
  std::vector<std::vector<Tensor>>* keep_outputs = nullptr;
  std::function<void(double)> progress;  ///< fraction done
  std::function<bool()> cancelled;       ///< asked before every sample; true throws Error(cancelled)
  /// Asked with the scores so far after 128, 256, 512, ... samples; true ends the evaluation there.
  std::function<bool(std::span<const double>)> hopeless;
};

/// One score a sample, in `options.order`; fewer where `options.hopeless` ended it.  Errors: data (no sample,
/// or one that does not fit), cancelled.
std::vector<double> evaluate(const ir::Graph& graph, const measure::Dataset& data,
                             const measure::Metric& metric, const EvaluateOptions& options = {});

/// The indices below `size` in an order that `seed` decides, so that any number of them from the beginning is
/// a fair sample even where the data set is sorted.
std::vector<size_t> shuffled(size_t size, uint64_t seed);

}  // namespace tenfold::optimize
