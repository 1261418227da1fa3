// tenfold bench --load: from a file to the first result, each time in a process of its own.
#include "bench_load.hpp"

#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <fstream>

#include "api/model.hpp"
#include "onnx/onnx.hpp"
#include "report/table.hpp"

namespace tenfold::cli {
namespace {

using Clock = std::chrono::steady_clock;

constexpr size_t kMinRuns = 5;

/// What one process reports.
struct Load {
  double create_ms = 0, first_result_ms = 0, peak_mb = 0;
  ErrorCode code{};
  char error[512] = "";  ///< why there is no time; the message travels with it, so that it is told once
};

/// A field of /proc/self/status in MB; 0 where there is none.
double status_mb(std::string_view field) {
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);)
    if (line.starts_with(field)) return std::strtod(line.c_str() + field.size() + 1, nullptr) * 1024 / 1e6;
  return 0;
}

double ms_since(Clock::time_point start) {
  return std::chrono::duration<double, std::milli>(Clock::now() - start).count();
}

Load load_here(const std::string& path, const LoadOptions& options) {
  std::ofstream("/proc/self/clear_refs") << "5";  // the peak starts again from here
  const double before = status_mb("VmRSS");
  Load load;
  const auto start = Clock::now();
  exec::Session session(api::load_model(std::filesystem::path(path)), {.threads = options.threads});
  load.create_ms = ms_since(start);
  const std::vector<Tensor> feeds = random_feeds(session.model(), options.extents);
  const auto run = Clock::now();
  session.run(feeds);
  load.first_result_ms = load.create_ms + ms_since(run);
  load.peak_mb = status_mb("VmHWM") - before;
  return load;
}

void tell(Load& load, ErrorCode code, std::string_view message) {
  load.code = code;
  load.error[message.copy(load.error, sizeof load.error - 1)] = 0;
}

/// load_here() in a child, so that every session finds the allocator and the threads of a new process.
Load load_in_child(const std::string& path, const LoadOptions& options) {
  int ends[2];
  if (::pipe(ends) != 0) fail(ErrorCode::io, "no pipe to a child process");
  const pid_t child = ::fork();
  if (child < 0) fail(ErrorCode::io, "no child process");
  Load load;
  if (child == 0) {
    try {
      load = load_here(path, options);
    } catch (const Error& e) {
      tell(load, e.code(), e.what());
    } catch (const std::exception& e) {
      tell(load, ErrorCode::unsupported, e.what());
    }
    ::_exit(::write(ends[1], &load, sizeof load) == static_cast<ssize_t>(sizeof load) ? kMet : kError);
  }
  ::close(ends[1]);
  ssize_t got = 0;
  do got = ::read(ends[0], &load, sizeof load);
  while (got < 0 && errno == EINTR);  // Ctrl-C: the child's time still counts, the caller ends the rounds
  ::close(ends[0]);
  while (::waitpid(child, nullptr, 0) < 0 && errno == EINTR) continue;
  if (got != static_cast<ssize_t>(sizeof load))
    tell(load, ErrorCode::invalid_model, "the process that loaded it ended early (out of memory?)");
  const std::string_view error = load.error;
  if (!error.empty()) fail(load.code, "{}{}", error.starts_with(path) ? "" : path + ": ", error);
  return load;
}

Load medians(std::span<const Load> loads) {
  const auto median = [&](double Load::*field) {
    std::vector<double> values;
    for (const Load& l : loads) values.push_back(l.*field);
    return measure::summarise(values).median;
  };
  return {median(&Load::create_ms), median(&Load::first_result_ms), median(&Load::peak_mb)};
}

/// Throws for an extent that no model has.  Models are only parsed, which leaves to the processes that are
/// measured an allocator as good as new.
void check_extents(const std::vector<std::string>& models, const Extents& extents) {
  if (extents.empty()) return;
  std::set<std::string> symbols;
  for (const std::string& path : models) symbols.merge(symbols_of(onnx::load(std::filesystem::path(path))));
  require_known(extents, symbols);
}

}  // namespace

void bench_load(const std::vector<std::string>& models, const LoadOptions& options, const Globals& globals) {
  check_extents(models, options.extents);
  std::vector<std::vector<Load>> loads(models.size());
  const auto start = Clock::now();
  const double budget_ms = 1e3 * options.seconds * static_cast<double>(models.size());
  while (loads.back().size() < kMinRuns || ms_since(start) < budget_ms) {
    for (size_t i = 0; i < models.size(); i++) {
      if (interrupted()) fail(ErrorCode::cancelled, "interrupted");
      loads[i].push_back(load_in_child(models[i], options));
    }
  }
  nlohmann::json rows = nlohmann::json::array();
  report::Table table({"model", "create ms", "first result ms", "peak MB", "runs"});
  for (size_t i = 0; i < models.size(); i++) {
    const Load m = medians(loads[i]);
    table.add({models[i], fmt::format("{:.2f}", m.create_ms), fmt::format("{:.2f}", m.first_result_ms),
               fmt::format("{:.1f}", m.peak_mb), std::to_string(loads[i].size())});
    rows.push_back({{"model", models[i]},
                    {"create_ms", m.create_ms},
                    {"first_result_ms", m.first_result_ms},
                    {"peak_mb", m.peak_mb},
                    {"runs", loads[i].size()}});
  }
  if (globals.json)
    print_json(rows);
  else
    fmt::print("{}", table.text());
}

}  // namespace tenfold::cli
