// tenfold eval and compare: the task metric of one model, and of two on the same samples.
#include "api/model.hpp"
#include "command.hpp"
#include "optimize/evaluate.hpp"
#include "report/table.hpp"

namespace tenfold::cli {
namespace {

struct Arguments {
  std::vector<std::string> models;
  std::string data, metric, max_drop = "1%";
  int threads = 1;
};

struct Evaluated {
  std::string metric;
  double spread = 1;                        ///< measure::Metric::spread()
  std::vector<std::vector<double>> scores;  ///< by model
};

Evaluated evaluate_all(const Arguments& a, const Globals& globals) {
  Evaluated result;
  std::vector<std::vector<Tensor>> reference;
  for (const std::string& path : a.models) {
    const ir::Graph model = api::load_model(std::filesystem::path(path));
    const auto data = measure::open_dataset(a.data, model);
    const measure::MetricInfo& info = choose_score(a.metric, *data, a.data);
    const auto metric = info.make(model);
    result.metric = info.name;
    result.spread = metric->spread();
    const bool first = result.scores.empty();
    ProgressLine line(globals.quiet);
    optimize::EvaluateOptions options{.threads = a.threads, .cancelled = interrupted};
    options.progress = [&](double f) { line.update(path, f); };
    if (!info.needs_labels && first) options.keep_outputs = &reference;
    if (!info.needs_labels && !first) options.reference = &reference;
    result.scores.push_back(optimize::evaluate(model, *data, *metric, options));
  }
  return result;
}

Exit run_eval(const Arguments& a, const Globals& globals) {
  const Evaluated e = evaluate_all(a, globals);
  const measure::PairedOutcome o = measure::compare_paired(e.scores[0], e.scores[0]);
  if (globals.json)
    print_json(nlohmann::json{{"model", a.models[0]},
                              {"metric", e.metric},
                              {"score", o.baseline},
                              {"samples", o.samples},
                              {"scores", e.scores[0]}});
  else
    fmt::print("{}: {} {:.2f} % on {} samples\n", a.models[0], e.metric, 100 * o.baseline, o.samples);
  return kMet;
}

Exit run_compare(const Arguments& a, const Globals& globals) {
  const double max_drop = parse_fraction(a.max_drop);
  const Evaluated e = evaluate_all(a, globals);
  const measure::PairedOutcome o = measure::compare_paired(e.scores[0], e.scores[1], e.spread);
  const measure::Certificate certificate = measure::certify(o, max_drop);
  if (globals.json) {
    print_json(nlohmann::json{{"metric", e.metric},
                              {"samples", o.samples},
                              {"baseline", o.baseline},
                              {"candidate", o.candidate},
                              {"drop", o.drop},
                              {"drop_confidence_95", {o.confidence.lo, o.confidence.hi}},
                              {"lost", o.lost},
                              {"gained", o.gained},
                              {"max_drop", max_drop},
                              {"certificate", measure::to_string(certificate)}});
  } else {
    report::Table table({"model", e.metric + " %"});
    table.add({a.models[0], fmt::format("{:.2f}", 100 * o.baseline)});
    table.add({a.models[1], fmt::format("{:.2f}", 100 * o.candidate)});
    fmt::print(
        "{}\nDrop {:+.2f} points, 95 % interval [{:+.2f}, {:+.2f}], on {} samples ({} lost, {} gained): {}\n",
        table.text(), 100 * o.drop, 100 * o.confidence.lo, 100 * o.confidence.hi, o.samples, o.lost, o.gained,
        measure::to_string(certificate));
  }
  switch (certificate) {
    case measure::Certificate::certified:
      return kMet;
    case measure::Certificate::too_little_data:
      return kTooLittleData;
    default:
      return kMissed;
  }
}

std::shared_ptr<Arguments> common_options(CLI::App& c, int models) {
  auto a = std::make_shared<Arguments>();
  c.add_option("models", a->models, "ONNX model")->required()->expected(models);
  c.add_option("--data", a->data, "Folder with samples")->required();
  c.add_option("--metric", a->metric, "top1, top5, ctc, cosine, ... (default: what the data set says)");
  c.add_option("--threads", a->threads, "Threads")->check(CLI::Range(0, 1024))->capture_default_str();
  return a;
}

}  // namespace

void add_eval(CLI::App& app, const Globals& globals, int& exit_code) {
  auto* c = app.add_subcommand("eval", "Task metric of a model on a data set");
  const auto a = common_options(*c, 1);
  c->callback([a, &globals, &exit_code] { exit_code = run_eval(*a, globals); });
}

void add_compare(CLI::App& app, const Globals& globals, int& exit_code) {
  auto* c = app.add_subcommand(
      "compare",
      "Drop of the second model against the first, sample by sample, with its confidence interval");
  const auto a = common_options(*c, 2);
  c->add_option("--max-drop", a->max_drop, "Allowed loss: 1% or 0.01 is one point")->capture_default_str();
  c->callback([a, &globals, &exit_code] { exit_code = run_compare(*a, globals); });
}

}  // namespace tenfold::cli
