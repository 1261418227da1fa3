// tenfold optimize: the main job.
#include <filesystem>

#include "api/model.hpp"
#include "base/sha256.hpp"
#include "base/temporary_file.hpp"
#include "command.hpp"
#include "cpu/features.hpp"
#include "onnx/onnx.hpp"
#include "optimize/optimize.hpp"
#include "report/optimize_report.hpp"

namespace tenfold::cli {
namespace {

struct Arguments {
  std::string model, data, calibration, metric, max_drop = "1%", latency, out;
  int threads = 0;
  size_t calibration_samples = 300;
};

Exit exit_code_of(optimize::Verdict v) {
  switch (v) {
    case optimize::Verdict::met:
      return kMet;
    case optimize::Verdict::too_little_data:
      return kTooLittleData;
    default:
      return kMissed;
  }
}

Exit run(const Arguments& a, const Globals& globals) {
  optimize::Goal goal{.max_drop = parse_fraction(a.max_drop),
                      .threads = a.threads > 0 ? a.threads : cpu::allowed_cpus()};
  if (!a.latency.empty()) std::tie(goal.latency_quantile, goal.latency_ms) = parse_latency(a.latency);
  const std::filesystem::path out(a.out);
  refuse_overwriting(a.model, out / "model.onnx");
  const ir::Graph model = api::load_model(std::filesystem::path(a.model));
  const auto evaluation = measure::open_dataset(a.data, model),
             calibration = measure::open_dataset(a.calibration, model);
  const measure::MetricInfo& info = choose_score(a.metric, *evaluation, a.data);
  prepare_output_folder(out, {"model.onnx", "report.json"});
  optimize::Result result;
  {
    ProgressLine line(globals.quiet);
    optimize::Options options{.calibration_samples = a.calibration_samples,
                              .keep_reference = !info.needs_labels};
    options.progress = [&](const optimize::Progress& p) { line.update(p.stage, p.fraction); };
    options.cancelled = interrupted;
    result = optimize::optimize(model, *evaluation, *calibration, *info.make(model), goal, options);
  }
  const std::string json = report::optimize_json(
      result, goal, {a.model, a.data, a.calibration, info.name, sha256_of_file(a.model)});
  onnx::save(result.candidates[result.chosen].graph, out / "model.onnx");
  write_file_atomically(out / "report.json", json);
  fmt::print("{}", globals.json ? json : report::optimize_text(result, goal));
  if (!globals.json)
    fmt::print("Wrote {} and {}\n", (out / "model.onnx").string(), (out / "report.json").string());
  return exit_code_of(result.verdict);
}

}  // namespace

void add_optimize(CLI::App& app, const Globals& globals, int& exit_code) {
  auto* c = app.add_subcommand("optimize",
                               "Find the fastest form of a model within an accuracy budget and prove it");
  auto a = std::make_shared<Arguments>();
  c->add_option("model", a->model, "ONNX model")->required();
  c->add_option("--data", a->data, "Folder with evaluation samples and labels")->required();
  c->add_option("--calibration", a->calibration, "Folder with calibration samples, disjoint from --data")
      ->required();
  c->add_option("--metric", a->metric, "top1, top5, ctc, cosine, ... (default: what the data set says)");
  c->add_option("--max-drop", a->max_drop, "Allowed loss of the metric: 1% or 0.01 is one point")
      ->capture_default_str();
  c->add_option("--latency", a->latency, "Target, as p50:50ms");
  c->add_option("--threads", a->threads, "Threads to run with (default: all CPUs this process may use)")
      ->check(CLI::Range(0, 1024));
  c->add_option("--calibration-samples", a->calibration_samples, "Read at most this many")
      ->check(at_least(1))
      ->capture_default_str();
  c->add_option("-o,--out", a->out, "Folder for model.onnx and report.json")->required();
  c->callback([a, &globals, &exit_code] { exit_code = run(*a, globals); });
}

}  // namespace tenfold::cli
