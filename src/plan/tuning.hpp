// Choice between the ways to run a node, or a chain of nodes, by measuring them.
#pragma once

#include <functional>
#include <span>
#include <string>
#include <vector>

#include "plan/timings.hpp"

namespace tenfold::plan {

/// Where and until when to measure.
struct Tuner {
  ThreadPool& pool;
  const std::string& machine;              ///< what the timings are for
  const std::function<bool()>& cancelled;  ///< asked between nodes; may be empty
};

/// Measures every way to run each node, and each chain of several, in `order` that `timings` has no entry
/// for, on the tuner's pool, and enters the fastest.  Ways are run in turn, with the caches emptied of their
/// weights in between, as the rest of a network does; a way's time is the least of the medians of three (as
/// noise only adds), and ways that fall behind leave early.  The default stays where no other is at least 5 %
/// and half a microsecond faster, so that two equal ways give the same choice on every run; among those that
/// are, every doubling of a node's weights has to save a fifth.  Throws Error(cancelled) when asked to stop;
/// what was measured by then stays in `timings`.
void measure_choices(const BuildContext& context, std::span<const std::vector<ir::NodeId>> order,
                     const Tuner& tuner, Timings& timings);

}  // namespace tenfold::plan
