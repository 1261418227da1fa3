// Quantization and the search, with Python iterables as data and any callable as metric.
#include <nanobind/stl/function.h>
#include <nanobind/stl/map.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/vector.h>

#include "api/model.hpp"
#include "arrays.hpp"
#include "base/sha256.hpp"
#include "base/temporary_file.hpp"
#include "cpu/features.hpp"
#include "exec/native_compile.hpp"
#include "onnx/onnx.hpp"
#include "optimize/optimize.hpp"
#include "quant/calibrate.hpp"
#include "quant/quantize.hpp"
#include "report/optimize_report.hpp"

namespace tenfold::python {
namespace {

/// An own copy: what the library keeps must not hold Python objects, which need the GIL to die.
Tensor copied(const Array& array) {
  const Tensor borrowed = borrow(array);
  Tensor tensor(borrowed.dtype(), borrowed.shape());
  if (tensor.bytes() > 0) std::memcpy(tensor.mutable_raw(), borrowed.raw(), tensor.bytes());
  return tensor;
}

/// Feeds in graph-input order from a dict by name.
std::vector<Tensor> feeds_from(const ir::Graph& graph, const nb::dict& feed) {
  std::vector<Tensor> feeds;
  for (ir::ValueId id : graph.inputs) {
    const std::string& name = graph.value(id).name;
    if (!feed.contains(name.c_str())) fail(ErrorCode::data, "a sample has no array for input '{}'", name);
    Array array;
    if (!nb::try_cast(feed[name.c_str()], array))
      fail(ErrorCode::data, "the sample for input '{}' is no contiguous array", name);
    feeds.push_back(copied(array));
  }
  for (const auto& [key, value] : feed) {
    const auto named = [&](ir::ValueId id) { return key.equal(nb::str(graph.value(id).name.c_str())); };
    if (std::ranges::none_of(graph.inputs, named))
      fail(ErrorCode::data, "a sample has an array for {}, which is no input of the model",
           nb::repr(key).c_str());
  }
  return feeds;
}

/// A stream over whatever `make` returns; each reset starts a new iterator.
class PythonFeeds final : public quant::FeedStream {
 public:
  PythonFeeds(const ir::Graph& graph, nb::callable make) : graph_(graph), make_(std::move(make)) {}
  bool next(std::vector<Tensor>& feeds) override {
    const nb::gil_scoped_acquire gil;
    if (!iterator_.is_valid()) iterator_ = make_();
    nb::object item = nb::steal(PyIter_Next(iterator_.ptr()));
    if (PyErr_Occurred()) throw nb::python_error();
    if (!item.is_valid()) return false;
    feeds = feeds_from(graph_, nb::cast<nb::dict>(item));
    return true;
  }
  void reset() override {
    const nb::gil_scoped_acquire gil;
    iterator_ = nb::object();
  }

 private:
  const ir::Graph& graph_;
  nb::callable make_;
  nb::object iterator_;
};

/// metric(outputs: list of arrays, index of the sample) -> float.
class PythonMetric final : public measure::Metric {
 public:
  explicit PythonMetric(nb::callable f) : f_(std::move(f)) {}
  double score(const measure::Judged& judged) const override {
    const nb::gil_scoped_acquire gil;
    nb::list outputs;
    for (const Tensor& t : judged.outputs) outputs.append(lend(t));
    return nb::cast<double>(f_(outputs, std::stoul(std::string(judged.sample))));
  }

 private:
  nb::callable f_;
};

std::unique_ptr<measure::Dataset> dataset_from(const ir::Graph& graph, const nb::list& feeds) {
  std::vector<measure::Sample> samples;
  for (nb::handle feed : feeds)
    samples.push_back({feeds_from(graph, nb::cast<nb::dict>(feed)), "", std::to_string(samples.size())});
  return measure::memory_dataset(std::move(samples));
}

size_t quantize_static(const std::string& model, const std::string& out, nb::callable make,
                       const std::string& method, bool per_channel, const std::vector<std::string>& exclude,
                       int opset) {
  const ir::Graph graph = api::load_model(std::filesystem::path(model));
  const quant::QuantizeOptions options{.per_channel = per_channel,
                                       .exclude = {exclude.begin(), exclude.end()}};
  const quant::Method chosen = quant::method_from_string(method);
  api::check_target(out, opset);
  PythonFeeds feeds(graph, std::move(make));
  const nb::gil_scoped_release release;
  const quant::CalibrationOptions calibration{.histogram = chosen != quant::Method::minmax,
                                              .cancelled = deliver_signals};
  const auto table = quant::calibrate(graph, exec::native_compile(0), feeds,
                                      quant::calibration_values(graph, options), calibration)
                         .table(chosen);
  const quant::QuantizeResult result = quant::quantize_static(graph, table, options);
  onnx::save(result.graph, out, {.opset = opset});
  return static_cast<size_t>(
      std::count_if(result.records.begin(), result.records.end(), [](const auto& r) { return r.quantized; }));
}

size_t quantize_dynamic(const std::string& model, const std::string& out, bool per_channel,
                        const std::vector<std::string>& exclude, int opset) {
  const nb::gil_scoped_release release;
  api::check_target(out, opset);
  const quant::QuantizeResult result =
      quant::quantize_dynamic(api::load_model(std::filesystem::path(model)),
                              {.per_channel = per_channel, .exclude = {exclude.begin(), exclude.end()}});
  onnx::save(result.graph, out, {.opset = opset});
  return static_cast<size_t>(
      std::count_if(result.records.begin(), result.records.end(), [](const auto& r) { return r.quantized; }));
}

/// Returns report.json's text, which calls the model `name`; the artifact lies in `out`.
std::string optimize_model(const std::string& model, const std::string& name, const nb::list& evaluation,
                           const nb::list& calibration, nb::callable metric, double max_drop,
                           double latency_ms, int threads, const std::string& out) {
  const std::filesystem::path folder(out);
  refuse_overwriting(model, folder / "model.onnx");
  const ir::Graph graph = api::load_model(std::filesystem::path(model));
  prepare_output_folder(folder, {"model.onnx", "report.json"});
  const auto data = dataset_from(graph, evaluation), ranges = dataset_from(graph, calibration);
  const PythonMetric judge(std::move(metric));
  const nb::gil_scoped_release release;
  const optimize::Goal goal{
      .max_drop = max_drop, .latency_ms = latency_ms, .threads = threads > 0 ? threads : cpu::allowed_cpus()};
  const optimize::Result result =
      optimize::optimize(graph, *data, *ranges, judge, goal, {.cancelled = deliver_signals});
  const std::string report =
      report::optimize_json(result, goal, {name, "python", "python", "python", sha256_of_file(model)});
  onnx::save(result.candidates[result.chosen].graph, folder / "model.onnx");
  write_file_atomically(folder / "report.json", report);
  return report;
}

}  // namespace

void bind_optimize(nb::module_& m) {
  m.def("quantize_static", &quantize_static, nb::arg("model"), nb::arg("out"), nb::arg("make_feeds"),
        nb::arg("method"), nb::arg("per_channel"), nb::arg("exclude"), nb::arg("opset"));
  m.def("quantize_dynamic", &quantize_dynamic, nb::arg("model"), nb::arg("out"), nb::arg("per_channel"),
        nb::arg("exclude"), nb::arg("opset"));
  m.def("optimize", &optimize_model, nb::arg("model"), nb::arg("name"), nb::arg("evaluation"),
        nb::arg("calibration"), nb::arg("metric"), nb::arg("max_drop"), nb::arg("latency_ms"),
        nb::arg("threads"), nb::arg("out"));
}

}  // namespace tenfold::python
