// What LSTM and GRU share: shapes, directions, activations, steps over a sequence.
#pragma once

#include "ops/checks.hpp"

namespace tenfold::ops {

/// Inputs x [seq, batch, input], w [directions, gates * hidden, input], r [directions, gates * hidden,
/// hidden], b [directions, 2 * gates * hidden], sequence_lens [batch], initial_h [directions, batch, hidden];
/// outputs y [seq, directions, batch, hidden], y_h like initial_h.  Attribute layout 1 moves the batch to the
/// front of x, y and states.
struct Recurrent {
  int64_t sequence = 0, batch = 0, input = 0, directions = 1, hidden = 0;
  bool batch_first = false;
  float clip = 0;  ///< 0: none
  bool reversed(int64_t direction) const { return backward || direction == 1; }
  bool backward = false;

  int64_t x_at(int64_t step, int64_t b) const {
    return (batch_first ? b * sequence + step : step * batch + b) * input;
  }
  int64_t y_at(int64_t step, int64_t d, int64_t b) const {
    return (batch_first ? (b * sequence + step) * directions + d : (step * directions + d) * batch + b) *
           hidden;
  }
  int64_t state_at(int64_t d, int64_t b) const {
    return (batch_first ? b * directions + d : d * batch + b) * hidden;
  }
};

/// One of the activations that ONNX lists for these operators.
struct RecurrentActivation {
  float (*function)(float x, float alpha, float beta);
  float alpha, beta;
  float operator()(float x) const { return function(x, alpha, beta); }
};

/// Infers the outputs of an operator with `gates` gates whose last `states` outputs are states.
void infer_recurrent(InferContext& ctx, int64_t gates, size_t states);
Recurrent resolve_recurrent(const EvalContext& ctx);
/// Activation `index` of a direction out of attribute `activations` (`per_direction` names each), or the
/// default.
RecurrentActivation recurrent_activation(const ir::Node& node, int64_t direction, int64_t index,
                                         int64_t per_direction, std::string_view fallback);
double recurrent_macs(const ir::Graph& graph, const ir::Node& node);

/// One direction of the parameters, and one sequence's state.
struct RecurrentWeights {
  const float *w, *r, *b;  ///< b may be null
  int64_t input, hidden, gates;
  RecurrentWeights(const EvalContext& ctx, const Recurrent& p, int64_t gates, int64_t direction);
  /// x W of row `row` plus its bias.
  double from_input(const float* x, int64_t row) const;
  /// h R of row `row` plus its bias.
  double from_state(const float* h, int64_t row) const;
};

/// The state that a sequence starts from (input `i`), copied to `to`; zeros where it is omitted.
void load_state(const EvalContext& ctx, size_t i, int64_t at, std::span<float> to);
/// Stores a state to output `i` where that is wanted.
void store_state(const EvalContext& ctx, size_t i, int64_t at, std::span<const float> from);

/// Runs step(x, h) over every sequence of every direction: h is the state to be updated and is stored as the
/// step's output.  begin(direction, batch) and end(direction, batch) bracket a sequence.
template <class Begin, class Step, class End>
void for_each_sequence(const EvalContext& ctx, const Recurrent& p, std::span<float> h, Begin&& begin,
                       Step&& step, End&& end) {
  float* y = !ctx.outputs.empty() ? ctx.out().as<float>() : nullptr;
  for (int64_t d = 0; d < p.directions; d++)
    for (int64_t b = 0; b < p.batch; b++) {
      const int64_t given = ctx.has_input(4) ? index_at(ctx.in(4), b) : p.sequence;
      if (given < 0 || given > p.sequence)
        invalid(ctx.node, "sequence_lens has {}, the sequence {} steps", given, p.sequence);
      load_state(ctx, 5, p.state_at(d, b), h);
      begin(d, b);
      for (int64_t i = 0; i < p.sequence; i++) {
        const int64_t t = i < given && p.reversed(d) ? given - 1 - i : i;
        if (i < given) step(ctx.in(0).as<float>() + p.x_at(t, b));
        if (!y) continue;
        float* to = y + p.y_at(t, d, b);
        if (i < given)
          std::copy(h.begin(), h.end(), to);
        else
          std::fill_n(to, p.hidden, 0.0f);
      }
      store_state(ctx, 1, p.state_at(d, b), h);
      end(d, b);
    }
}

}  // namespace tenfold::ops
