#include "measure/latency.hpp"

#include <chrono>

#include "base/error.hpp"

namespace tenfold::measure {

namespace {
using Clock = std::chrono::steady_clock;
double milliseconds_since(Clock::time_point start) {
  return std::chrono::duration<double, std::milli>(Clock::now() - start).count();
}
/// judge() sorts what it is given; asking it each time the runs have grown by this share keeps that cheap.
constexpr double kGrowth = 1.1;
}  // namespace

std::vector<LatencyRun> measure_interleaved(std::span<const std::function<void()>> functions,
                                            const StabilityOptions& options, size_t warmup,
                                            const std::function<bool()>& cancelled) {
  std::vector<LatencyRun> runs(functions.size());
  const auto check = [&] {
    if (cancelled && cancelled()) fail(ErrorCode::cancelled, "the benchmark was cancelled");
  };
  for (size_t i = 0; i < warmup; i++) {
    check();
    for (const auto& f : functions) f();
  }
  std::vector<double> spent(functions.size(), 0.0);
  size_t next_judgement = options.min_runs;
  for (size_t round = 0; !functions.empty(); round++) {
    check();
    for (size_t i = 0; i < functions.size(); i++) {
      const size_t f = (i + round) % functions.size();
      const auto start = Clock::now();
      functions[f]();
      const double ms = milliseconds_since(start);
      runs[f].milliseconds.push_back(ms);
      spent[f] += ms / 1000;
    }
    bool time_is_up = false;
    for (double s : spent) time_is_up = time_is_up || s >= options.max_seconds;
    if (round + 1 < next_judgement && round + 1 < options.max_runs && !time_is_up) continue;
    next_judgement = static_cast<size_t>(static_cast<double>(round + 1) * kGrowth) + 1;
    bool done = true;
    for (size_t f = 0; f < functions.size(); f++) {
      runs[f].stability = judge(runs[f].milliseconds, spent[f], options);
      done = done && runs[f].stability != Stability::running;
    }
    if (done || time_is_up) break;
  }
  for (LatencyRun& run : runs)
    if (run.stability == Stability::running) run.stability = Stability::limited;
  return runs;
}

LatencyRun measure_latency(const std::function<void()>& function, const StabilityOptions& options,
                           size_t warmup, const std::function<bool()>& cancelled) {
  return std::move(measure_interleaved(std::span(&function, 1), options, warmup, cancelled).front());
}

}  // namespace tenfold::measure
