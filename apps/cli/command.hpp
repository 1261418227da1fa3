// What the commands of the tool share.  Results go to stdout, everything else to stderr.
#pragma once

#include <CLI/CLI.hpp>
#include <functional>
#include <map>
#include <nlohmann/json.hpp>
#include <set>
#include <string>
#include <vector>

#include "exec/session.hpp"
#include "measure/dataset.hpp"
#include "measure/metric.hpp"
#include "measure/stats.hpp"

namespace tenfold::cli {

/// Exit codes, documented in docs/cli.md.
enum Exit { kMet = 0, kError = 1, kUsage = 2, kMissed = 3, kTooLittleData = 4 };

struct Globals {
  bool json = false;   ///< one JSON document on stdout instead of text
  bool quiet = false;  ///< nothing on stderr but errors
};

/// True once the user pressed Ctrl-C; a second time ends the process at once, and so does the first before
/// anyone has asked.
bool interrupted();
void install_interrupt_handler();

/// One progress line on stderr with an estimate of what is left; redrawn in place on a terminal, silent
/// otherwise and under --quiet.
class ProgressLine {
 public:
  explicit ProgressLine(bool quiet);
  ~ProgressLine();
  void update(const std::string& stage, double fraction);

 private:
  bool enabled_;
  double start_;
};

/// "1%" is 0.01, "0.01" is 0.01; "1" could be either and is refused.  Throws invalid_argument.
double parse_fraction(const std::string& text);
/// "p50:50ms": quantile 0.5 and 50; "50ms" or "50" speak of the median.  Throws invalid_argument.
std::pair<double, double> parse_latency(const std::string& text);

/// For an option that counts: a whole number of `least` or more.
CLI::Validator at_least(uint64_t least);

/// The option --extent, for models with symbolic extents.
void add_extents(CLI::App& command, std::vector<std::string>& extents);
/// Values of symbolic extents by name.
using Extents = std::map<std::string, int64_t>;
/// Reads "name=value" each.  Throws invalid_argument where one cannot be read or is given twice.
Extents parse_extents(const std::vector<std::string>& extents);
/// The names of the symbolic extents of the graph's inputs.
std::set<std::string> symbols_of(const ir::Graph& graph);
/// Throws invalid_argument for an extent that is not among `symbols`.
void require_known(const Extents& extents, const std::set<std::string>& symbols);
/// All three for one model.
Extents extents_of(const ir::Graph& graph, const std::vector<std::string>& extents);

/// Shapes of the inputs; a symbolic extent takes its value in `extents` or 1.
std::vector<Shape> input_shapes(const ir::Graph& graph, const Extents& extents);
/// Feeds of these shapes for a model without data: seeded standard normal floats, ones of other types.
std::vector<Tensor> random_feeds(const ir::Graph& graph, const Extents& extents);

/// The metric `name`, or the data set's task where that is empty.  Throws invalid_argument where there is
/// none.
const measure::MetricInfo& choose_metric(const std::string& name, const measure::Dataset& data);
/// The same to score `data`, which was read from `folder`: throws data where it lacks labels that the metric
/// needs.
const measure::MetricInfo& choose_score(const std::string& name, const measure::Dataset& data,
                                        const std::string& folder);

nlohmann::json latency_json(const measure::LatencySummary& s);

/// One document on stdout, indented; what is not UTF-8 (names of files need not be) is replaced.
void print_json(const nlohmann::json& document);

// One function a command: declares it under `app`; its callback stores the exit code.
void add_optimize(CLI::App& app, const Globals& globals, int& exit_code);
void add_quantize(CLI::App& app, const Globals& globals, int& exit_code);
void add_bench(CLI::App& app, const Globals& globals, int& exit_code);
void add_eval(CLI::App& app, const Globals& globals, int& exit_code);
void add_compare(CLI::App& app, const Globals& globals, int& exit_code);
void add_inspect(CLI::App& app, const Globals& globals, int& exit_code);
void add_check(CLI::App& app, const Globals& globals, int& exit_code);
void add_doctor(CLI::App& app, const Globals& globals, int& exit_code);
void add_run(CLI::App& app, const Globals& globals, int& exit_code);

}  // namespace tenfold::cli
