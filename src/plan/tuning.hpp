// Choice between the ways to run a node by measuring them.
#pragma once

#include <memory>
#include <span>
#include <string>

#include "plan/timings.hpp"

namespace tenfold::plan {

/// A step with the name of its kernel.
struct NamedStep {
  std::unique_ptr<Step> step;
  const char* kernel = nullptr;
};

/// The step that the cost models choose for a node, without a step where no kernel applies.
NamedStep default_step(const BuildContext& context, ir::NodeId id);
/// The step that a choice names, or without one where it does not apply to this node or session.
NamedStep chosen_step(const BuildContext& context, ir::NodeId id, const Choice& choice);

/// Names a node among those of all models: operator, shapes and what else its time depends on.  Empty where
/// there is nothing to choose: all but convolutions and matrix products with constant weights.
std::string timing_key(const ir::Graph& graph, const ir::Node& node);

/// Measures every way to run each of `nodes` that `timings` has no entry for, on `pool`, and enters the
/// fastest.  Ways are run in turn, with the caches emptied of their weights in between, as the rest of a
/// network does; a way's time is the least of the medians of three (as noise only adds), and ways that fall
/// behind leave early.  The default stays where the best is not at least 5 % and half a microsecond faster,
/// so that two equal ways give the same choice on every run.
void measure_choices(const BuildContext& context, std::span<const ir::NodeId> nodes, ThreadPool& pool,
                     const std::string& machine, Timings& timings);

}  // namespace tenfold::plan
