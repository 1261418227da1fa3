// Choice between the ways to run a node or a chain of nodes: by cost models, or as a measurement said.
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
  std::string timing_key = {};  ///< of the entry of Timings that was followed; empty: the cost models' choice
};

/// What the profiler, `inspect` and timings call a chain in strips: strips_u8 or strips_f32.
const char* strips_kernel(const ir::Graph& graph, std::span<const ir::NodeId> chain);
/// The kernel's name in timings of a chain that was measured to run faster layer by layer.
inline constexpr const char* kApart = "apart";

/// The step that the cost models choose for a node, without a step where no kernel applies.
NamedStep default_step(const BuildContext& context, ir::NodeId id);
/// The step that a choice names, or without one where it does not apply to this node or session.
NamedStep chosen_step(const BuildContext& context, ir::NodeId id, const Choice& choice);

/// The step that `timings`, if not null, has for a node on `machine`, or else the cost models.
NamedStep known_step(const BuildContext& context, ir::NodeId id, const Timings* timings,
                     const std::string& machine);

/// The chain in strips where the cost model expects that to pay, else null.
std::unique_ptr<Step> default_strips(const BuildContext& context, std::span<const ir::NodeId> chain);
/// The chain in strips where the choice says so and it is possible, else null.
std::unique_ptr<Step> chosen_strips(const BuildContext& context, std::span<const ir::NodeId> chain,
                                    const Choice& choice);

/// Names a node, or a chain, among those of all models: operator, shapes and what else its time depends on.
/// Empty where there is nothing to choose: all but convolutions and matrix products with constant weights.
std::string timing_key(const ir::Graph& graph, std::span<const ir::NodeId> chain);

/// Kernels and the packing of their weights take at least one element of everything.
bool is_empty(const ir::Graph& graph, const ir::Node& node);

/// The context in which makers share work among `threads` as told, and never decline by cost.
BuildContext shared_as(const BuildContext& context, int threads, Split split);

}  // namespace tenfold::plan
