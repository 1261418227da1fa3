// tenfold run: one sample of a data set through a model, and what the model says about it.
#include "api/model.hpp"
#include "command.hpp"
#include "quant/calibrate.hpp"

namespace tenfold::cli {
namespace {

struct Arguments {
  std::string model, data, metric;
  size_t index = 0;
};

Exit run(const Arguments& a, const Globals& globals) {
  const ir::Graph model = api::load_model(std::filesystem::path(a.model));
  const auto data = measure::open_dataset(a.data, model);
  if (a.index >= data->size())
    fail(ErrorCode::invalid_argument, "sample {} of a data set of {}", a.index, data->size());
  const measure::MetricInfo& metric = choose_metric(a.metric, *data);
  if (!metric.needs_labels)
    fail(ErrorCode::invalid_argument,
         "metric '{}' compares with the FP32 model and cannot say what one result means: give another one",
         metric.name);
  const measure::Sample sample = data->get(a.index);
  quant::check_feeds(model, sample.feeds, a.index);
  exec::Session session(model, {.threads = 1});
  const std::string result = metric.make(model)->describe(session.run(sample.feeds));
  if (globals.json)
    print_json(nlohmann::json{{"sample", sample.name}, {"label", sample.label}, {"result", result}});
  else
    fmt::print("{}: \"{}\" (label \"{}\")\n", sample.name, result, sample.label);
  return kMet;
}

}  // namespace

void add_run(CLI::App& app, const Globals& globals, int& exit_code) {
  auto* c = app.add_subcommand("run", "Run one sample of a data set and print what the model says about it");
  auto a = std::make_shared<Arguments>();
  c->add_option("model", a->model, "ONNX model")->required();
  c->add_option("--data", a->data, "Folder with samples")->required();
  c->add_option("--index", a->index, "Which sample")->check(at_least(0))->capture_default_str();
  c->add_option("--metric", a->metric, "How to read the result (default: what the data set says)");
  c->callback([a, &globals, &exit_code] { exit_code = run(*a, globals); });
}

}  // namespace tenfold::cli
