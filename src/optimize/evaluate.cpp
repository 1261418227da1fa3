#include "exec/session.hpp"
#include "optimize/optimize.hpp"

namespace tenfold::optimize {

std::vector<double> evaluate(const ir::Graph& graph, const measure::Dataset& data,
                             const measure::Metric& metric, int threads,
                             const std::vector<std::vector<Tensor>>* reference,
                             const std::function<void(double)>& progress,
                             const std::function<bool()>& cancelled,
                             std::vector<std::vector<Tensor>>* keep_outputs) {
  if (data.size() == 0) fail(ErrorCode::data, "the evaluation data set is empty");
  exec::Session session(graph, {.threads = threads});
  std::vector<double> scores;
  for (size_t i = 0; i < data.size(); i++) {
    if (cancelled && cancelled())
      fail(ErrorCode::cancelled, "cancelled after {} of {} samples", i, data.size());
    const measure::Sample sample = data.get(i);
    std::vector<Tensor> outputs = session.run(sample.feeds);
    const std::span<const Tensor> expected = reference      ? std::span<const Tensor>((*reference)[i])
                                             : keep_outputs ? std::span<const Tensor>(outputs)
                                                            : std::span<const Tensor>{};
    scores.push_back(metric.score({outputs, expected, sample.label, sample.name}));
    if (keep_outputs) keep_outputs->push_back(std::move(outputs));
    if (progress) progress(static_cast<double>(i + 1) / static_cast<double>(data.size()));
  }
  return scores;
}

}  // namespace tenfold::optimize
