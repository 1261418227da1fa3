// Timing loops: one function, or several interleaved so that all meet the same noise.
#pragma once

#include <functional>
#include <span>
#include <vector>

#include "measure/stats.hpp"

namespace tenfold::measure {

struct LatencyRun {
  std::vector<double> milliseconds;  ///< in the order they were made
  Stability stability = Stability::running;
};

/// Calls every function in turn, round after round, until all are stable (or the time given to each is used
/// up), after `warmup` unmeasured rounds.  The order turns with each round, so that no function always runs
/// in another's wake. `cancelled` (may be empty) is asked between rounds; true throws Error(cancelled).
std::vector<LatencyRun> measure_interleaved(std::span<const std::function<void()>> functions,
                                            const StabilityOptions& options = {}, size_t warmup = 3,
                                            const std::function<bool()>& cancelled = {});
/// The same for one.
LatencyRun measure_latency(const std::function<void()>& function, const StabilityOptions& options = {},
                           size_t warmup = 3, const std::function<bool()>& cancelled = {});

}  // namespace tenfold::measure
