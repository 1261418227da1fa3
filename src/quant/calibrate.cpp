#include "quant/calibrate.hpp"

#include <algorithm>
#include <cmath>

#include "ops/op.hpp"
#include "tensor/shape_fit.hpp"

namespace tenfold::quant {

namespace {

/// Bytes of a value for one sample; a value whose shape stays unknown counts as if it were large.
size_t expected_bytes(const ir::Graph& graph, const std::string& name) {
  constexpr size_t kUnknown = size_t{8} << 20;
  const ir::ValueId id = find_value(graph, name);
  if (id == ir::kNone) return kUnknown;
  const ir::Value& v = graph.value(id);
  if (!v.shape || !v.shape->is_static()) return kUnknown;
  return static_cast<size_t>(v.shape->elements()) * size_of(v.dtype);
}

/// Splits `names` so that one run hands out at most `limit` bytes (at least one value a run).
std::vector<std::vector<std::string>> split_by_bytes(const ir::Graph& graph, std::span<const Tensor> feeds,
                                                     const std::vector<std::string>& names, size_t limit) {
  std::vector<Shape> shapes;
  for (const Tensor& feed : feeds) shapes.push_back(feed.shape());
  const ir::Graph concrete = ops::specialise(graph, shapes);
  std::vector<std::vector<std::string>> parts;
  size_t used = limit + 1;
  for (const std::string& name : names) {
    const size_t bytes = expected_bytes(concrete, name);
    if (used + bytes > limit) {
      parts.emplace_back();
      used = 0;
    }
    parts.back().push_back(name);
    used += bytes;
  }
  return parts;
}

void observe(Statistics& statistics, const Tensor& tensor, const std::string& name, size_t sample) {
  if (tensor.dtype() != DType::f32)
    fail(ErrorCode::data, "calibration: tensor '{}' of sample {} has type {}, expected f32", name, sample,
         to_string(tensor.dtype()));
  if (statistics.observe(tensor.span<float>())) return;
  const auto values = tensor.span<float>();
  const auto bad = std::find_if(values.begin(), values.end(), [](float v) { return !std::isfinite(v); });
  fail(ErrorCode::data,
       "calibration: tensor '{}' has {} at element {} for sample {}; remove the sample or mend its "
       "preprocessing",
       name, std::isnan(*bad) ? "NaN" : "infinity", bad - values.begin(), sample);
}

}  // namespace

ir::ValueId find_value(const ir::Graph& graph, std::string_view name) {
  for (size_t i = 0; i < graph.value_count(); i++) {
    const auto id = static_cast<ir::ValueId>(i);
    if (graph.value(id).name == name) return id;
  }
  return ir::kNone;
}

void check_feeds(const ir::Graph& graph, std::span<const Tensor> feeds, size_t sample) {
  if (feeds.size() != graph.inputs.size())
    fail(ErrorCode::data, "sample {} has {} tensors, the model has {} inputs", sample, feeds.size(),
         graph.inputs.size());
  for (size_t i = 0; i < feeds.size(); i++) {
    const ir::Value& input = graph.value(graph.inputs[i]);
    if (feeds[i].dtype() != input.dtype)
      fail(ErrorCode::data, "sample {}: input '{}' wants {}, the sample has {}", sample, input.name,
           to_string(input.dtype), to_string(feeds[i].dtype()));
    // Nothing would be measured.  Other extents may be 0, such as the length of an empty history.
    if (feeds[i].shape().rank() > 0 && feeds[i].shape()[0] == 0)
      fail(ErrorCode::data, "sample {}: input '{}' has batch 0 (shape {})", sample, input.name,
           to_string(feeds[i].shape()));
    if (input.shape && !fits(feeds[i].shape(), *input.shape))
      fail(ErrorCode::data, "sample {}: input '{}' wants shape {}, the sample has {}", sample, input.name,
           ir::to_text(graph, *input.shape), to_string(feeds[i].shape()));
  }
}

CalibrationTable Calibration::table(Method method, double percent) const {
  CalibrationTable table;
  for (const auto& [name, statistics] : values) {
    ensure(method == Method::minmax || statistics.has_histogram(), "method {} needs histograms",
           to_string(method));
    table[name] = statistics.range(method, percent);
  }
  return table;
}

Calibration calibrate(const ir::Graph& graph, const Compile& compile, FeedStream& stream,
                      const std::vector<std::string>& values, const CalibrationOptions& options) {
  Calibration result;
  std::vector<std::string> activations;
  std::vector<std::pair<size_t, std::string>> inputs;
  for (const std::string& name : values) {
    if (!result.values.emplace(name, Statistics(options.histogram)).second) continue;
    const ir::ValueId id = find_value(graph, name);
    ensure(id != ir::kNone, "calibration of '{}', which the graph does not have", name);
    const auto input = std::find(graph.inputs.begin(), graph.inputs.end(), id);
    if (input == graph.inputs.end())
      activations.push_back(name);
    else
      inputs.emplace_back(input - graph.inputs.begin(), name);
  }

  std::vector<Tensor> feeds;
  stream.reset();
  if (!stream.next(feeds))
    fail(ErrorCode::data, "the calibration data set is empty: give at least one sample");
  check_feeds(graph, feeds, 0);
  auto parts = split_by_bytes(graph, feeds, activations, options.max_output_bytes);
  if (parts.empty()) parts.emplace_back();

  for (size_t part = 0; part < parts.size(); part++) {
    ir::Graph observed = graph;
    observed.outputs.clear();
    for (const std::string& name : parts[part]) observed.outputs.push_back(find_value(observed, name));
    observed.remove_dead();
    const Runner run = parts[part].empty() ? Runner{} : compile(observed);
    stream.reset();
    for (size_t sample = 0; (options.max_samples == 0 || sample < options.max_samples) && stream.next(feeds);
         sample++) {
      check_feeds(graph, feeds, sample);
      if (part == 0) {
        for (const auto& [index, name] : inputs) observe(result.values.at(name), feeds[index], name, sample);
        result.samples++;
      }
      if (run) {
        const std::vector<Tensor> results = run(feeds);
        for (size_t i = 0; i < results.size(); i++)
          observe(result.values.at(parts[part][i]), results[i], parts[part][i], sample);
      }
      if (options.progress) options.progress(part * result.samples + sample + 1, parts.size());
      if (options.cancelled && options.cancelled()) fail(ErrorCode::cancelled, "calibration was cancelled");
    }
  }
  return result;
}

}  // namespace tenfold::quant
