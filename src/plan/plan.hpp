// From a canonical graph and concrete shapes to an immutable list of steps.
#pragma once

#include <functional>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "ops/op.hpp"
#include "plan/timings.hpp"

namespace tenfold::plan {

struct PlanOptions {
  int threads = 1;
  const kernels::Kernels* kernels = nullptr;  ///< the table of the chosen ISA
  std::set<std::string> disabled_passes;
  ThreadPool* pool = nullptr;       ///< packs weights, several steps at a time; null: the caller does
  Timings* timings = nullptr;       ///< choices to follow; null: cost models choose everything
  bool measure = false;             ///< measures on `pool` and enters into `timings` what it lacks
  std::function<bool()> cancelled;  ///< asked between measurements; true throws Error(cancelled)
};

/// One step with what a profiler wants to know.
struct PlannedStep {
  std::vector<ir::NodeId> nodes;  ///< what it computes: one node, or a chain in strips
  const char* kernel = "";
  std::unique_ptr<Step> step;
  std::vector<std::string> timing_keys;  ///< of the entries of Timings that were followed
  size_t state_offset = 0;

  ir::NodeId node() const { return nodes.back(); }
};

/// Work of all nodes of a step, and the bytes that go in and out of it.
ops::Cost cost(const ir::Graph& graph, const PlannedStep& step);
/// Operators of a step: "QConv", or "QConv > QConv" for a chain.
std::string operators(const ir::Graph& graph, const PlannedStep& step);

/// Where a value lives while the plan runs.
struct Location {
  enum class Kind { none, constant, arena, input, output } kind = Kind::none;
  size_t offset = 0;  ///< arena: bytes from its start; input / output: index
};

/// Immutable and shareable between threads; each running context brings its own arena.
struct Plan {
  ir::Graph graph;                  ///< lowered, every shape static
  std::vector<PlannedStep> steps;   ///< in execution order
  std::vector<Location> locations;  ///< by ValueId
  size_t arena_bytes = 0, scratch_bytes = 0, state_bytes = 0;
  Timings choices;  ///< those of PlanOptions::timings that the steps follow
};

/// Lowers `model` for the given input shapes and prepares every step.  Throws unsupported where a shape stays
/// unknown.
std::shared_ptr<const Plan> make_plan(const ir::Graph& model, std::span<const Shape> input_shapes,
                                      const PlanOptions& options, PackCache& packs);

/// The graph that make_plan() executes: specialised, folded, INT8 lowered, fused, channels last.
ir::Graph lower(const ir::Graph& model, std::span<const Shape> input_shapes, const PlanOptions& options);

/// Values that share the bytes of another: Reshape and the like.  The root of each value, by ValueId.
std::vector<ir::ValueId> alias_roots(const ir::Graph& graph);

/// Arena offsets for buffers with lifetimes, largest first, each at the lowest offset where it fits ("greedy
/// by size", Pisarchyk and Lee, Efficient Memory Management for Deep Neural Net Inference, 2020).
struct Buffer {
  size_t bytes;
  int first, last;
  size_t offset = 0;
};
size_t assign_offsets(std::vector<Buffer>& buffers);

}  // namespace tenfold::plan
