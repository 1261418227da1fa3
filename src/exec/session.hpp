// Runs a model: plans per input shape, contexts with arenas, threads.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "ir/graph.hpp"
#include "plan/plan.hpp"

namespace tenfold::exec {

/// Where the choice between kernels, and between ways to share work among threads, comes from.
enum class Tuning {
  off,      ///< cost models alone
  cached,   ///< what the model carries or this user's cache of timings knows, else the cost models
  measure,  ///< this user's cache, and what it does not know is measured (seconds) and kept there
};

/// The metadata entry of a model that carries timings, as plan::Timings::text() writes them.
inline constexpr const char* kTimingsMetadata = "tenfold.timings";

struct SessionOptions {
  int threads = 0;  ///< 0: as many as affinity and cgroup quota allow
  std::string isa;  ///< empty: TENFOLD_ISA, else the best of this CPU
  std::set<std::string> disabled_passes;
  Tuning tuning = Tuning::cached;
  std::function<bool()> cancelled;  ///< asked while tuning measures; true throws Error(cancelled)
  size_t max_plans =
      8;  ///< plans kept for different input shapes, at least 1; the least recently used goes first
};

/// The kernels of an ISA; an empty name means TENFOLD_ISA or else the best of this CPU.  Throws
/// invalid_argument for an unknown name, unsupported where this machine or build lacks it.
const kernels::Kernels& kernel_table(const std::string& isa);

/// Time of one step in one run.
struct StepTime {
  const plan::PlannedStep* step;  ///< of plan_for(), and valid while that plan is
  double microseconds;
};

/// A model ready to run.  run() may be called from several threads; calls are serialised.
class Session {
 public:
  /// `model` is a canonical graph (onnx::load, quant::...).  Throws what planning throws where all input
  /// shapes are static.
  explicit Session(ir::Graph model, const SessionOptions& options = {});
  ~Session();

  const ir::Graph& model() const { return model_; }
  int threads() const;
  const char* isa_name() const;

  /// Feeds in the order of model().inputs; results in the order of model().outputs, freshly allocated.
  /// Throws invalid_argument where count, dtype or shape do not fit the model, naming the input.
  std::vector<Tensor> run(std::span<const Tensor> feeds);
  /// The same into memory of the caller: allocates nothing once the shapes have been seen, but where an
  /// operator without a kernel runs by its reference evaluation.  `outputs` must
  /// have the dtypes and shapes of output_shapes().  Where other operators read an output of bytes, there
  /// must be kTensorSlack readable bytes behind it.
  void run(std::span<const TensorView> feeds, std::span<const TensorView> outputs);
  /// Shapes of the outputs for given input shapes (plans for them if needed).
  std::vector<Shape> output_shapes(std::span<const Shape> input_shapes);
  /// The plan for given input shapes, for inspection.
  std::shared_ptr<const plan::Plan> plan_for(std::span<const Shape> input_shapes);
  /// The measured choices that the plans kept now (see max_plans) follow: what makes them again on another
  /// such machine.
  plan::Timings choices() const;
  /// Runs once and times every step.
  std::vector<StepTime> profile(std::span<const Tensor> feeds);

 private:
  struct Context;
  struct State;
  Context& context_for(std::span<const Shape> input_shapes);
  void check_feeds(std::span<const TensorView> feeds) const;
  ir::Graph model_;
  std::unique_ptr<State> state_;
};

}  // namespace tenfold::exec
