// The solver: one search over quantization candidates, judged by the task metric and by measured latency.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "measure/dataset.hpp"
#include "measure/latency.hpp"
#include "measure/metric.hpp"
#include "measure/stats.hpp"
#include "quant/quantize.hpp"

namespace tenfold::optimize {

/// What the caller asks for.
struct Goal {
  double max_drop = 0.01;         ///< allowed loss of the metric, in its unit (0.01: one point of accuracy)
  double latency_ms = 0;          ///< target; 0: none, as fast as possible
  double latency_quantile = 0.5;  ///< of which the target speaks: 0.5 is the median, 0.99 the tail
  int threads = 1;
};

struct Progress {
  std::string stage;    ///< "baseline", "calibrating", "int8 percentile", ...
  double fraction = 0;  ///< of the whole search, 0 to 1
};

struct Options {
  size_t calibration_samples = 300;  ///< only the first so many are read
  size_t tuning_samples = 24;        ///< of those, for comparing forms and layers without evaluation data
  uint64_t seed = 0;                 ///< decides the order in which evaluation samples are visited
  bool keep_reference =
      false;  ///< the metric compares with the FP32 outputs (measure::MetricInfo::needs_labels is false)
  measure::StabilityOptions stability{.relative_width = 0.02, .max_seconds = 4};
  std::function<void(const Progress&)> progress;
  std::function<bool()> cancelled;  ///< asked between samples; true throws Error(cancelled)
};

/// One way to deploy the model, with its proof.
struct Candidate {
  std::string name;  ///< "fp32", "int8 mse", "int8 mse, 3 layers fp32"
  ir::Graph graph;
  /// In Result::order; fewer than the data set has where the first ones already proved too large a drop.
  std::vector<double> scores;
  measure::PairedOutcome outcome;  ///< against the baseline
  measure::Certificate certificate = measure::Certificate::missed;
  measure::LatencySummary latency;
  std::vector<double> latencies_ms;  ///< raw timings
  size_t bytes = 0;                  ///< of the ONNX file
  std::vector<quant::NodeRecord> records;
};

enum class Verdict {
  met,              ///< accuracy certified and latency reached
  latency_missed,   ///< accuracy certified, the fastest such candidate is too slow
  accuracy_missed,  ///< no quantized candidate keeps the accuracy: FP32 is what is left, and it misses the
                    ///< latency
  too_little_data,  ///< a faster candidate's drop looks allowed, but the data cannot certify it, and no
                    ///< certified one reaches a latency target
};
std::string_view to_string(Verdict verdict);

struct Result {
  std::vector<Candidate> candidates;  ///< the first is the FP32 baseline, the others from slow to fast
  std::vector<size_t> order;          ///< evaluation samples as they were visited
  size_t chosen = 0;
  Verdict verdict = Verdict::met;
  std::string explanation;    ///< one sentence for people: what was reached, what is missing and why
  size_t samples_wanted = 0;  ///< too_little_data: about how many samples would certify
};

/// Searches the candidates for `model` (canonical FP32 graph).  `metric` judges evaluation samples; the
/// calibration samples choose ranges, corrections and the order of candidates (docs/adr/0006).  The chosen
/// candidate is the fastest whose accuracy is certified, unless that says too_little_data; it is never slower
/// than the baseline.  Errors: data (empty set, NaN, a sample that does not fit), invalid_argument (a
/// quantized model), cancelled.
Result optimize(const ir::Graph& model, const measure::Dataset& evaluation,
                const measure::Dataset& calibration, const measure::Metric& metric, const Goal& goal,
                const Options& options = {});

}  // namespace tenfold::optimize
