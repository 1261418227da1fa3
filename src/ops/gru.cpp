// GRU: gates update, reset, hidden (the order of the weights); linear_before_reset, clipping, both
// directions.
#include "ops/recurrent.hpp"

namespace tenfold::ops {
namespace {

constexpr int64_t kGates = 3;

void infer(InferContext& ctx) { infer_recurrent(ctx, kGates, 1); }

/// One direction; updates state h.
struct Cell {
  RecurrentWeights weights;
  RecurrentActivation gate, hidden;
  float clip;
  bool linear_before_reset;

  float limited(double x) const {
    const double limit = static_cast<double>(clip);
    return static_cast<float>(clip > 0 ? std::min(std::max(x, -limit), limit) : x);
  }

  /// `scratch` holds 3 * hidden values.
  void step(const float* x, std::span<float> h, std::span<float> scratch) const {
    const int64_t n = weights.hidden;
    float *update = scratch.data(), *reset = update + n, *state = reset + n;
    for (int64_t k = 0; k < n; k++) {
      update[k] = gate(limited(weights.from_input(x, k) + weights.from_state(h.data(), k)));
      reset[k] = gate(limited(weights.from_input(x, n + k) + weights.from_state(h.data(), n + k)));
    }
    if (!linear_before_reset)
      for (int64_t k = 0; k < n; k++) state[k] = reset[k] * h[static_cast<size_t>(k)];
    else
      for (int64_t k = 0; k < n; k++)
        state[k] = reset[k] * static_cast<float>(weights.from_state(h.data(), 2 * n + k));
    // From here on reset holds the new hidden values.
    for (int64_t k = 0; k < n; k++) {
      const double from_state =
          linear_before_reset ? static_cast<double>(state[k]) : weights.from_state(state, 2 * n + k);
      reset[k] = hidden(limited(weights.from_input(x, 2 * n + k) + from_state));
    }
    for (int64_t k = 0; k < n; k++) {
      float& to = h[static_cast<size_t>(k)];
      to = (1 - update[k]) * reset[k] + update[k] * to;
    }
  }
};

Cell cell_of(const EvalContext& ctx, const Recurrent& p, int64_t d) {
  return {RecurrentWeights(ctx, p, kGates, d), recurrent_activation(ctx.node, d, 0, 2, "Sigmoid"),
          recurrent_activation(ctx.node, d, 1, 2, "Tanh"), p.clip,
          flag_attr(ctx.node, "linear_before_reset")};
}

void eval(const EvalContext& ctx) {
  const Recurrent p = resolve_recurrent(ctx);
  thread_local std::vector<float> buffer;  // grows to the largest layer, then is reused
  const size_t n = static_cast<size_t>(p.hidden);
  buffer.resize(4 * n);
  const std::span<float> h(buffer.data(), n), scratch(buffer.data() + n, 3 * n);
  std::optional<Cell> cell;
  for_each_sequence(
      ctx, p, h, [&](int64_t d, int64_t) { cell = cell_of(ctx, p, d); },
      [&](const float* x) { cell->step(x, h, scratch); }, [](int64_t, int64_t) {});
}

}  // namespace

extern const OpDef op_gru;
const OpDef op_gru{"GRU", OpKind::other, 3, 6, 2, infer, eval, recurrent_macs};

}  // namespace tenfold::ops
