// Task metrics: one score per sample, so that two models can be compared sample by sample.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "ir/graph.hpp"
#include "tensor/tensor.hpp"

namespace tenfold::measure {

/// What a metric sees of one sample.
struct Judged {
  std::span<const Tensor> outputs;  ///< of the model, in graph-output order, batch 1
  std::span<const Tensor>
      reference;            ///< of the FP32 model on the same sample; empty if the metric needs none
  std::string_view label;   ///< as it stands in the data set
  std::string_view sample;  ///< name of the sample, for messages
};

class Metric {
 public:
  virtual ~Metric() = default;
  /// Higher is better; 1 is perfect.  Throws Error(data) naming the sample where label or outputs do not fit.
  virtual double score(const Judged& judged) const = 0;
  /// How far apart two scores can lie, which is what a sample costs that is lost altogether.
  virtual double spread() const { return 1; }
  /// What the model says about the sample, for people: the text read, the class found; empty if there is no
  /// such thing.
  virtual std::string describe(std::span<const Tensor> outputs) const;
};

/// One metric that users can name.
struct MetricInfo {
  const char* name;
  const char* description;  ///< one line
  bool needs_labels;        ///< else it compares with the FP32 model
  /// `graph`: the model, whose outputs and metadata say how to read the result; throws invalid_argument if it
  /// does not fit.
  std::unique_ptr<Metric> (*make)(const ir::Graph& graph);
};
std::span<const MetricInfo> metrics();
/// Throws invalid_argument for an unknown name, listing the known ones.
const MetricInfo& find_metric(std::string_view name);

/// Largest |a - b| over the range of the finite values of b; infinite where only one of the two is finite, or
/// both are not and differ.
double relative_difference(const Tensor& a, const Tensor& b);

/// Greedy CTC decoding of class scores [1, steps, classes] or [steps, classes]: best class per step, repeats
/// merged, class 0 (blank) dropped, class i is alphabet[i - 1].
std::string ctc_decode(const Tensor& scores, std::span<const std::string> alphabet);
/// The alphabet in metadata `character` (one entry per line) for a model with `classes` outputs.  PaddleOCR
/// adds a space behind the last entry where `classes` has room for it.
std::vector<std::string> ctc_alphabet(const ir::Graph& graph, int64_t classes);
/// Levenshtein distance in Unicode code points.
size_t edit_distance(std::string_view a, std::string_view b);
/// The `k` best classes, best first; ties go to the lower index.  NaN is no score: a broken model has fewer
/// classes, or none.
std::vector<int64_t> top_classes(const Tensor& scores, int64_t k);

}  // namespace tenfold::measure
