// LSTM: gates input, output, forget, cell (the order of the weights); peepholes, clipping, both directions.
#include "ops/recurrent.hpp"

namespace tenfold::ops {
namespace {

constexpr int64_t kGates = 4;

void infer(InferContext& ctx) { infer_recurrent(ctx, kGates, 2); }

/// One direction; updates states h and c.
struct Cell {
  RecurrentWeights weights;
  const float* peephole;  ///< input, output, forget; or null
  RecurrentActivation gate, cell, output;
  float clip;
  bool input_forget;

  double limited(double x) const {
    return clip > 0 ? std::min(std::max(x, -static_cast<double>(clip)), static_cast<double>(clip)) : x;
  }

  /// `gates` holds 4 * hidden values of scratch.
  void step(const float* x, std::span<float> h, std::span<float> c, std::span<double> gates) const {
    const int64_t n = weights.hidden;
    for (int64_t row = 0; row < kGates * n; row++)
      gates[static_cast<size_t>(row)] = weights.from_input(x, row) + weights.from_state(h.data(), row);
    const auto pre = [&](int64_t g, int64_t k) { return gates[static_cast<size_t>(g * n + k)]; };
    const auto peep = [&](int64_t g, int64_t k, float state) {
      return peephole ? static_cast<double>(peephole[g * n + k]) * static_cast<double>(state) : 0.0;
    };
    for (int64_t k = 0; k < n; k++) {
      float& state = c[static_cast<size_t>(k)];
      const float i = gate(static_cast<float>(limited(pre(0, k) + peep(0, k, state))));
      const float f = input_forget ? 1 - i : gate(static_cast<float>(limited(pre(2, k) + peep(2, k, state))));
      state = f * state + i * cell(static_cast<float>(limited(pre(3, k))));
      const float o = gate(static_cast<float>(limited(pre(1, k) + peep(1, k, state))));
      h[static_cast<size_t>(k)] = o * output(state);
    }
  }
};

Cell cell_of(const EvalContext& ctx, const Recurrent& p, int64_t d) {
  const auto f = [&](int64_t i, std::string_view fallback) {
    return recurrent_activation(ctx.node, d, i, 3, fallback);
  };
  return {RecurrentWeights(ctx, p, kGates, d),
          ctx.has_input(7) ? ctx.in(7).as<float>() + d * 3 * p.hidden : nullptr,
          f(0, "Sigmoid"),
          f(1, "Tanh"),
          f(2, "Tanh"),
          p.clip,
          flag_attr(ctx.node, "input_forget")};
}

void eval(const EvalContext& ctx) {
  const Recurrent p = resolve_recurrent(ctx);
  thread_local std::vector<float> states;  // grow to the largest layer, then are reused
  thread_local std::vector<double> gates;
  const size_t n = static_cast<size_t>(p.hidden);
  states.resize(2 * n);
  gates.resize(kGates * n);
  const std::span<float> h(states.data(), n), c(states.data() + n, n);
  std::optional<Cell> cell;
  for_each_sequence(
      ctx, p, h,
      [&](int64_t d, int64_t b) {
        cell = cell_of(ctx, p, d);
        load_state(ctx, 6, p.state_at(d, b), c);
      },
      [&](const float* x) { cell->step(x, h, c, gates); },
      [&](int64_t d, int64_t b) { store_state(ctx, 2, p.state_at(d, b), c); });
}

}  // namespace

extern const OpDef op_lstm;
const OpDef op_lstm{"LSTM", OpKind::other, 3, 8, 3, infer, eval, recurrent_macs};

}  // namespace tenfold::ops
