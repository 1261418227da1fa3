// tenfold bench: latency of one or more models, interleaved; peers run through the Python package.
#include <unistd.h>

#include <cmath>
#include <functional>

#include "api/model.hpp"
#include "base/temporary_file.hpp"
#include "bench_load.hpp"
#include "command.hpp"
#include "cpu/features.hpp"
#include "measure/latency.hpp"
#include "measure/peaks.hpp"
#include "ops/op.hpp"
#include "report/table.hpp"

namespace tenfold::cli {
namespace {

struct Arguments {
  std::vector<std::string> models, extents;
  std::string compare, torch;
  int threads = 0;
  double seconds = 10;
  bool layers = false, load = false, tune = false;
};

/// Peers live in Python packages: the same benchmark, in one process with them.
[[noreturn]] void delegate_to_python(const Arguments& a, const Globals& globals) {
  const char* python = std::getenv("TENFOLD_PYTHON");
  constexpr const char* kScript =
      "import sys\n"
      "try: from tenfold.__main__ import main\n"
      "except ModuleNotFoundError as error:\n"
      "  sys.exit(f'tenfold: {error}: set TENFOLD_PYTHON to a Python with the tenfold package')\n"
      "sys.exit(main())";
  std::vector<std::string> words{python ? python : "python3", "-c", kScript, "bench"};
  words.insert(words.end(), a.models.begin(), a.models.end());
  words.insert(words.end(), {"--compare", a.compare, "--threads",
                             std::to_string(a.threads > 0 ? a.threads : cpu::allowed_cpus()), "--seconds",
                             fmt::format("{}", a.seconds)});
  for (const std::string& e : a.extents) words.insert(words.end(), {"--extent", e});
  if (!a.torch.empty()) words.insert(words.end(), {"--torch", a.torch});
  if (a.load) words.emplace_back("--load");
  if (a.tune) words.emplace_back("--tune");
  if (globals.json) words.emplace_back("--json");
  std::vector<char*> argv;
  for (std::string& w : words) argv.push_back(w.data());
  argv.push_back(nullptr);
  execvp(argv[0], argv.data());
  fail(ErrorCode::not_found,
       "cannot start '{}' for --compare; set TENFOLD_PYTHON to a Python with the tenfold package", words[0]);
}

/// The least time that a step can take: its multiply-adds at the peak of the cores, or its bytes at what they
/// read from the second-level cache, whichever is more.
double limit_microseconds(const ops::Cost& cost, bool int8, const measure::Peaks& peaks, int threads) {
  const double gmacs = int8 ? peaks.int8_gmacs : peaks.fp32_gmacs;
  const double arithmetic = gmacs > 0 ? cost.macs / gmacs : 0;
  const double memory = peaks.cached_gbytes > 0 ? cost.bytes / peaks.cached_gbytes : 0;
  return std::max(arithmetic, memory) / 1000 / threads;
}

/// A step beside its limit.
struct Layer {
  std::string name, operators, kernel, output;
  double microseconds, limit;
};

/// Best of several runs; those first that lose most time against their limit.
std::vector<Layer> measure_layers(exec::Session& session, const std::vector<Tensor>& feeds,
                                  const measure::Peaks& peaks) {
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
  std::vector<Layer> layers;
  for (const exec::StepTime& t : best) {
    const ir::Node& n = plan->graph.node(t.step->node());
    const ir::Value& out = plan->graph.value(n.output());
    const bool int8 = std::string_view(t.step->kernel).ends_with("_u8");
    layers.push_back({n.name.empty() ? out.name : n.name, plan::operators(plan->graph, *t.step),
                      t.step->kernel, to_string(*out.shape), t.microseconds,
                      limit_microseconds(plan::cost(plan->graph, *t.step), int8, peaks, session.threads())});
  }
  std::ranges::sort(layers, std::greater(), [](const Layer& l) { return l.microseconds - l.limit; });
  return layers;
}

void print_layers(const std::vector<Layer>& layers, const measure::Peaks& peaks) {
  double total = 0;
  for (const Layer& l : layers) total += l.microseconds;
  report::Table table({"layer", "operator", "kernel", "output", "us", "share", "limit us", "of limit"});
  for (const Layer& l : layers)
    table.add({l.name, l.operators, l.kernel, l.output, fmt::format("{:.1f}", l.microseconds),
               fmt::format("{:.1f}%", 100 * l.microseconds / total), fmt::format("{:.1f}", l.limit),
               fmt::format("{:.0f}%", 100 * l.limit / l.microseconds)});
  fmt::print("One core: INT8 {:.0f} GMAC/s, FP32 {:.0f} GMAC/s, second-level cache {:.0f} GB/s\n",
             peaks.int8_gmacs, peaks.fp32_gmacs, peaks.cached_gbytes);
  fmt::print("{}", table.text());
}

nlohmann::json layers_json(const std::vector<Layer>& layers) {
  nlohmann::json rows = nlohmann::json::array();
  for (const Layer& l : layers)
    rows.push_back({{"layer", l.name},
                    {"operators", l.operators},
                    {"kernel", l.kernel},
                    {"output", l.output},
                    {"us", l.microseconds},
                    {"limit_us", l.limit}});
  return rows;
}

/// A session keeps silent where the cache of timings cannot be written: only time is lost.  Who asked for
/// tuning should know.
void check_timings_file() {
  const std::filesystem::path file = plan::timings_file();
  if (file.empty()) return;
  try {
    prepare_output_folder(std::filesystem::absolute(file).parent_path(), {file.filename().native()});
  } catch (const Error& e) {
    fmt::print(stderr, "tenfold: what is measured will not be remembered: {}\n", e.what());
  }
}

Exit run(const Arguments& a, const Globals& globals) {
  if (!a.compare.empty()) delegate_to_python(a, globals);
  if (a.load) {
    bench_load(a.models, {a.threads, a.seconds, parse_extents(a.extents)}, globals);
    return kMet;
  }
  if (a.tune) check_timings_file();
  std::vector<std::unique_ptr<exec::Session>> sessions;
  std::vector<std::vector<Tensor>> feeds;
  std::vector<std::function<void()>> functions;
  const Extents extents = parse_extents(a.extents);
  std::set<std::string> symbols;
  for (const std::string& path : a.models) {
    ir::Graph model = api::load_model(std::filesystem::path(path));
    symbols.merge(symbols_of(model));
    feeds.push_back(random_feeds(model, extents));
    sessions.push_back(std::make_unique<exec::Session>(
        std::move(model),
        exec::SessionOptions{.threads = a.threads,
                             .tuning = a.tune ? exec::Tuning::measure : exec::Tuning::cached,
                             .cancelled = interrupted}));
  }
  require_known(extents, symbols);
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
  if (!globals.json) fmt::print("{}", table.text());
  if (a.layers) {
    const measure::Peaks peaks = measure::measure_peaks(exec::kernel_table(""));
    for (size_t i = 0; i < sessions.size(); i++) {
      const std::vector<Layer> layers = measure_layers(*sessions[i], feeds[i], peaks);
      if (globals.json)
        rows[i]["layers"] = layers_json(layers);
      else
        print_layers(layers, peaks);
    }
  }
  if (globals.json) print_json(rows);
  return kMet;
}

}  // namespace

void add_bench(CLI::App& app, const Globals& globals, int& exit_code) {
  auto* c = app.add_subcommand("bench", "Measure latency until it is stable; several models run interleaved");
  auto a = std::make_shared<Arguments>();
  c->add_option("models", a->models, "ONNX models")->required();
  c->add_option("--compare", a->compare,
                "Peers to run interleaved: onnxruntime,openvino,torch,torch.compile");
  c->add_option("--torch", a->torch, "The PyTorch module behind the models, for torch peers: file.py:name")
      ->needs("--compare");
  c->add_option("--threads", a->threads, "Threads (default: all CPUs this process may use)")
      ->check(CLI::Range(0, 1024));
  c->add_option("--seconds", a->seconds, "At most this long for each")
      ->check([](const std::string& text) {
        const double value = std::strtod(text.c_str(), nullptr);
        return value > 0 && std::isfinite(value) ? std::string() : text + " is not a number above 0";
      })
      ->capture_default_str();
  add_extents(*c, a->extents);
  c->add_flag("--load", a->load, "Time from the file to the first result, in fresh processes");
  c->add_flag("--tune", a->tune, "Measure first which kernels run each layer fastest, and remember it");
  auto* layers =
      c->add_flag("--layers", a->layers, "Time of every step beside its limit, the largest loss first");
  layers->excludes("--load")->excludes("--compare");
  c->get_option("--tune")->excludes("--load");
  c->callback([a, &globals, &exit_code] { exit_code = run(*a, globals); });
}

}  // namespace tenfold::cli
