// What the commands of the tool share.  Results go to stdout, everything else to stderr.
#pragma once

#include <CLI/CLI.hpp>
#include <functional>
#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "exec/session.hpp"
#include "measure/dataset.hpp"
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
/// Values of symbolic extents, "name=value" each.  Throws invalid_argument where one cannot be read or is of
/// no input of the graph, or given twice.
std::map<std::string, int64_t> parse_extents(const ir::Graph& graph, const std::vector<std::string>& extents);

/// Shapes of the inputs; a symbolic extent takes `extents` ("name=value") or 1.
std::vector<Shape> input_shapes(const ir::Graph& graph, const std::vector<std::string>& extents);
/// Feeds of these shapes for a model without data: seeded standard normal floats, ones of other types.
std::vector<Tensor> random_feeds(const ir::Graph& graph, const std::vector<std::string>& extents);

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
