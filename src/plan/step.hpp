// A step: one node of the lowered graph, prepared for one machine and one set of shapes.
#pragma once

#include <algorithm>
#include <memory>
#include <span>
#include <string_view>

#include "base/math.hpp"
#include "base/thread_pool.hpp"
#include "ir/graph.hpp"
#include "kernels/kernels.hpp"
#include "plan/pack_cache.hpp"

namespace tenfold::plan {

/// What a step sees while it runs.
struct RunContext {
  void* const* pointers;  ///< address of every value of the lowered graph, by ValueId
  std::byte* scratch;     ///< 64-byte aligned; at least scratch_bytes() of every step, shared by all steps
  std::byte* state;  ///< this step's own state_bytes(), 64-byte aligned, zero at first, kept between runs
  ThreadPool* pool;

  template <class T>
  T* at(ir::ValueId id) const {
    return static_cast<T*>(pointers[id]);
  }
};

/// Immutable after construction and shared by all contexts of a plan; run() allocates nothing (reference
/// evaluations may) and does not throw for any data (an operator whose data can be invalid, such as Gather,
/// throws Error before it stores anything).
class Step {
 public:
  virtual ~Step() = default;
  virtual void run(const RunContext& context) const = 0;
  virtual size_t scratch_bytes() const { return 0; }
  virtual size_t state_bytes() const { return 0; }

  /// Packed weights that are worth fetching before the step runs; empty where there are none.
  virtual std::span<const std::byte> weights() const { return {}; }
  /// Names the weights that come next in the order of execution, to be brought into the second-level cache
  /// while the step runs.  Before the first run.
  virtual void fetch_ahead(std::span<const std::byte>) {}
};

/// The scratch of one of several threads takes whole cache lines, so that none is shared.
inline size_t whole_lines(size_t bytes) { return round_up(bytes, size_t{64}); }

/// What threads share out in a matrix product.
enum class Split { automatic, rows, channels };

/// What a step is built from.  The graph outlives the step.
struct BuildContext {
  const ir::Graph& graph;
  const kernels::Kernels& kernels;
  int threads;
  PackCache& packs;
  Split split = Split::automatic;
  bool by_cost = true;  ///< makers decline where their cost model prefers another; else only where they must

  const Shape& shape(ir::ValueId id) const { return *graph.value(id).shape; }
};

/// One way to run an operator: `make` returns null where it does not apply to the node.
struct StepMaker {
  const char* op;      ///< operator name, or "*" for any
  const char* kernel;  ///< what the profiler and `inspect` call it
  std::unique_ptr<Step> (*make)(const BuildContext& context, ir::NodeId id);
};

/// All makers, best first for every operator, the reference evaluation last (steps.inc).
std::span<const StepMaker> step_makers();

}  // namespace tenfold::plan
