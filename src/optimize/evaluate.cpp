#include "optimize/evaluate.hpp"

#include <numeric>
#include <random>

#include "exec/session.hpp"
#include "quant/calibrate.hpp"

namespace tenfold::optimize {
namespace {

constexpr size_t kFirstLook = 128;

/// FP32 outputs to compare sample `index` with; none where the metric reads labels.
std::span<const Tensor> expected(const EvaluateOptions& options, size_t index,
                                 const std::vector<Tensor>& outputs) {
  if (options.reference) return options.reference->at(index);
  if (options.keep_outputs) return outputs;
  return {};
}

}  // namespace

std::vector<double> evaluate(const ir::Graph& graph, const measure::Dataset& data,
                             const measure::Metric& metric, const EvaluateOptions& options) {
  if (data.size() == 0) fail(ErrorCode::data, "the evaluation data set is empty: give at least one sample");
  const size_t count = options.order.empty() ? data.size() : options.order.size();
  if (options.keep_outputs) options.keep_outputs->resize(data.size());
  exec::Session session(graph, {.threads = options.threads});
  std::vector<double> scores;
  size_t look = kFirstLook;
  for (size_t i = 0; i < count; i++) {
    if (options.cancelled && options.cancelled())
      fail(ErrorCode::cancelled, "cancelled after {} of {} samples", i, count);
    const size_t index = options.order.empty() ? i : options.order[i];
    const measure::Sample sample = data.get(index);
    quant::check_feeds(graph, sample.feeds, index);
    std::vector<Tensor> outputs = session.run(sample.feeds);
    scores.push_back(metric.score({outputs, expected(options, index, outputs), sample.label, sample.name}));
    if (options.keep_outputs) options.keep_outputs->at(index) = std::move(outputs);
    if (options.progress) options.progress(static_cast<double>(i + 1) / static_cast<double>(count));
    if (!options.hopeless || scores.size() != look) continue;
    if (options.hopeless(scores)) break;
    look *= 2;
  }
  return scores;
}

std::vector<size_t> shuffled(size_t size, uint64_t seed) {
  std::vector<size_t> order(size);
  std::iota(order.begin(), order.end(), size_t{0});
  // By hand: std::shuffle may differ between standard libraries.
  std::mt19937_64 random(seed);
  for (size_t i = size; i > 1; i--) std::swap(order[i - 1], order[random() % i]);
  return order;
}

}  // namespace tenfold::optimize
