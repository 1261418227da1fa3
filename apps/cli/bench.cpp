// tenfold bench: latency of one or more models, interleaved; peers run through the Python package.
#include <unistd.h>

#include "api/model.hpp"
#include "bench_load.hpp"
#include "command.hpp"
#include "cpu/features.hpp"
#include "measure/latency.hpp"
#include "report/table.hpp"

namespace tenfold::cli {
namespace {

struct Arguments {
  std::vector<std::string> models, extents;
  std::string compare, torch;
  int threads = 0;
  double seconds = 10;
  bool layers = false, load = false;
};

/// Peers live in Python packages: the same benchmark, in one process with them.
[[noreturn]] void delegate_to_python(const Arguments& a, const Globals& globals) {
  const char* python = std::getenv("TENFOLD_PYTHON");
  std::vector<std::string> words{python ? python : "python3", "-m", "tenfold", "bench"};
  words.insert(words.end(), a.models.begin(), a.models.end());
  words.insert(words.end(), {"--compare", a.compare, "--threads",
                             std::to_string(a.threads > 0 ? a.threads : cpu::allowed_cpus()), "--seconds",
                             fmt::format("{}", a.seconds)});
  for (const std::string& e : a.extents) words.insert(words.end(), {"--extent", e});
  if (!a.torch.empty()) words.insert(words.end(), {"--torch", a.torch});
  if (a.load) words.emplace_back("--load");
  if (globals.json) words.emplace_back("--json");
  std::vector<char*> argv;
  for (std::string& w : words) argv.push_back(w.data());
  argv.push_back(nullptr);
  execvp(argv[0], argv.data());
  fail(ErrorCode::not_found,
       "cannot start '{}' for --compare; set TENFOLD_PYTHON to a Python with the tenfold package", words[0]);
}

void print_layers(exec::Session& session, const std::vector<Tensor>& feeds) {
  constexpr int kRuns = 20;
  std::vector<exec::StepTime> best = session.profile(feeds);
  for (int i = 0; i < kRuns; i++) {
    const auto times = session.profile(feeds);
    for (size_t s = 0; s < best.size(); s++)
      best[s].microseconds = std::min(best[s].microseconds, times[s].microseconds);
  }
  std::vector<Shape> shapes;
  for (const Tensor& t : feeds) shapes.push_back(t.shape());
  const auto plan = session.plan_for(shapes);
  double total = 0;
  for (const auto& t : best) total += t.microseconds;
  std::sort(best.begin(), best.end(),
            [](const auto& x, const auto& y) { return x.microseconds > y.microseconds; });
  report::Table table({"layer", "operator", "kernel", "output", "us", "share"});
  for (const auto& t : best) {
    const ir::Node& n = plan->graph.node(t.step->node);
    const ir::Value& out = plan->graph.value(n.output());
    table.add({n.name.empty() ? out.name : n.name, n.op, t.step->kernel, to_string(*out.shape),
               fmt::format("{:.1f}", t.microseconds), fmt::format("{:.1f}%", 100 * t.microseconds / total)});
  }
  fmt::print("{}", table.text());
}

Exit run(const Arguments& a, const Globals& globals) {
  if (!a.compare.empty()) delegate_to_python(a, globals);
  if (a.load) {
    bench_load(a.models, {a.threads, a.seconds, a.extents}, globals);
    return kMet;
  }
  std::vector<std::unique_ptr<exec::Session>> sessions;
  std::vector<std::vector<Tensor>> feeds;
  std::vector<std::function<void()>> functions;
  for (const std::string& path : a.models) {
    ir::Graph model = api::load_model(std::filesystem::path(path));
    feeds.push_back(random_feeds(model, a.extents));
    sessions.push_back(
        std::make_unique<exec::Session>(std::move(model), exec::SessionOptions{.threads = a.threads}));
  }
  for (size_t i = 0; i < sessions.size(); i++)
    functions.emplace_back([s = sessions[i].get(), &f = feeds[i]] { s->run(f); });
  const auto runs = measure::measure_interleaved(functions, {.max_seconds = a.seconds}, 3, interrupted);
  nlohmann::json rows = nlohmann::json::array();
  report::Table table({"model", "threads", "min ms", "median", "p90", "p99", "per second", "runs", "stable"});
  for (size_t i = 0; i < runs.size(); i++) {
    const auto s = measure::summarise(runs[i].milliseconds);
    const bool stable = runs[i].stability == measure::Stability::stable;
    table.add({a.models[i], std::to_string(sessions[i]->threads()), fmt::format("{:.3f}", s.min),
               fmt::format("{:.3f}", s.median), fmt::format("{:.3f}", s.p90), fmt::format("{:.3f}", s.p99),
               fmt::format("{:.1f}", s.throughput), std::to_string(s.runs), stable ? "yes" : "no"});
    nlohmann::json row = latency_json(s);
    row.update({{"model", a.models[i]},
                {"threads", sessions[i]->threads()},
                {"isa", sessions[i]->isa_name()},
                {"stable", stable}});
    rows.push_back(std::move(row));
  }
  if (globals.json)
    fmt::print("{}\n", rows.dump(2));
  else
    fmt::print("{}", table.text());
  if (a.layers)
    for (size_t i = 0; i < sessions.size(); i++) print_layers(*sessions[i], feeds[i]);
  return kMet;
}

}  // namespace

void add_bench(CLI::App& app, const Globals& globals, int& exit_code) {
  auto* c = app.add_subcommand("bench", "Measure latency until it is stable; several models run interleaved");
  auto a = std::make_shared<Arguments>();
  c->add_option("models", a->models, "ONNX models")->required();
  c->add_option("--compare", a->compare,
                "Peers to run interleaved: onnxruntime,openvino,torch,torch.compile");
  c->add_option("--torch", a->torch, "The PyTorch module behind the models: file.py:name");
  c->add_option("--threads", a->threads, "Threads (default: all CPUs this process may use)")
      ->check(CLI::Range(0, 1024));
  c->add_option("--seconds", a->seconds, "At most this long for each")
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
  c->add_option("--extent", a->extents, "Value of a symbolic extent, name=value");
  c->add_flag("--load", a->load, "Time from the file to the first result, in fresh processes");
  c->add_flag("--layers", a->layers, "Time of every step, slowest first");
  c->callback([a, &globals, &exit_code] { exit_code = run(*a, globals); });
}

}  // namespace tenfold::cli
