// tenfold quantize: post-training quantization without the search.
#include "quant/quantize.hpp"
#include "api/model.hpp"
#include "command.hpp"
#include "exec/native_compile.hpp"
#include "onnx/onnx.hpp"
#include "quant/calibrate.hpp"

namespace tenfold::cli {
namespace {

struct Arguments {
  std::string model, out, calibration, method = "minmax";
  std::vector<std::string> exclude, ops;
  bool dynamic = false, per_tensor = false;
  int opset = 17;
  size_t samples = 300;
};

quant::QuantizeResult quantize(const Arguments& a, const ir::Graph& model, const Globals& globals) {
  const quant::QuantizeOptions options{.per_channel = !a.per_tensor,
                                       .exclude = {a.exclude.begin(), a.exclude.end()},
                                       .ops = {a.ops.begin(), a.ops.end()}};
  if (a.dynamic) return quant::quantize_dynamic(model, options);
  if (a.calibration.empty())
    fail(ErrorCode::invalid_argument, "static quantization needs --calibration; --dynamic needs no data");
  const quant::Method method = quant::method_from_string(a.method);
  const auto data = measure::open_dataset(a.calibration, model);
  measure::DatasetFeeds feeds(*data);
  ProgressLine line(globals.quiet);
  const size_t limit = std::min(a.samples, data->size());
  quant::CalibrationOptions calibration{
      .histogram = method != quant::Method::minmax, .max_samples = limit, .cancelled = interrupted};
  calibration.progress = [&](size_t done, size_t passes) {
    line.update("calibrating",
                static_cast<double>(done) / static_cast<double>(limit * std::max<size_t>(1, passes)));
  };
  return quant::quantize_static(model,
                                quant::calibrate(model, exec::native_compile(0), feeds,
                                                 quant::calibration_values(model, options), calibration)
                                    .table(method),
                                options);
}

Exit run(const Arguments& a, const Globals& globals) {
  const ir::Graph model = api::load_model(std::filesystem::path(a.model));
  api::check_target(a.out, a.opset);
  const quant::QuantizeResult result = quantize(a, model, globals);
  onnx::save(result.graph, a.out, {.opset = a.opset});
  size_t int8 = 0;
  for (const auto& r : result.records) int8 += r.quantized;
  if (globals.json) {
    nlohmann::json nodes = nlohmann::json::array();
    for (const auto& r : result.records)
      nodes.push_back({{"node", r.node}, {"op", r.op}, {"int8", r.quantized}, {"reason", r.reason}});
    print_json(nlohmann::json{{"out", a.out}, {"int8", int8}, {"nodes", nodes}});
  } else {
    fmt::print("{}: {} of {} operators in INT8\n", a.out, int8, result.records.size());
    for (const auto& r : result.records)
      if (!r.quantized) fmt::print("  fp32: {} '{}': {}\n", r.op, r.node, r.reason);
  }
  return kMet;
}

}  // namespace

void add_quantize(CLI::App& app, const Globals& globals, int& exit_code) {
  auto* c = app.add_subcommand("quantize", "Quantize a model to INT8 (standard ONNX QDQ)");
  auto a = std::make_shared<Arguments>();
  c->add_option("model", a->model, "ONNX model")->required();
  c->add_option("-o,--out", a->out, "Quantized ONNX model to write")->required();
  c->add_option("--calibration", a->calibration, "Folder with calibration samples");
  c->add_option("--method", a->method, "minmax, percentile, entropy or mse")->capture_default_str();
  c->add_option("--samples", a->samples, "Read at most this many")->check(at_least(1))->capture_default_str();
  c->add_option("--exclude", a->exclude, "Node to keep in FP32 (repeatable)")->allow_extra_args(false);
  c->add_option("--ops", a->ops, "Quantize only these operators, Conv,MatMul for example")
      ->delimiter(',')
      ->transform([](std::string op) { return CLI::detail::trim(op); })
      ->allow_extra_args(false);
  c->add_option("--opset", a->opset, "Operator set of the result: 13 or 17 to 21")->capture_default_str();
  auto* dynamic =
      c->add_flag("--dynamic", a->dynamic, "Quantize matrix products at run time instead: needs no data");
  dynamic->excludes("--calibration")->excludes("--method")->excludes("--samples");
  c->add_flag("--per-tensor", a->per_tensor, "One scale per weight tensor instead of one per output channel");
  c->callback([a, &globals, &exit_code] { exit_code = run(*a, globals); });
}

}  // namespace tenfold::cli
