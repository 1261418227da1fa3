// LSTM without peepholes or clipping: the inputs of all steps in one matrix product, then a product with the
// state a step.  Directions are shared out among threads.
#include <algorithm>

#include "plan/steps/pack_key.hpp"
#include "plan/steps/steps.hpp"

namespace tenfold::plan {
namespace {

using kernels::Activation;
using kernels::Binary;

constexpr int64_t kGates = 4;  ///< input, output, forget, cell: the order of the weights

class LstmStep final : public Step {
 public:
  LstmStep(const BuildContext& b, const ir::Node& n)
      : n_(n),
        kernels_(b.kernels),
        steps_(b.shape(n.input(0))[0]),
        batch_(b.shape(n.input(0))[1]),
        input_(b.shape(n.input(0))[2]),
        directions_(b.shape(n.input(2))[0]),
        hidden_(b.shape(n.input(2))[2]),
        backward_(n.attrs.get_string("direction", "forward") == "reverse"),
        parts_(static_cast<int>(std::min<int64_t>(b.threads, directions_))) {
    for (int64_t d = 0; d < directions_; d++) {
      from_input_.push_back(pack(b, 1, d, input_, summed_bias(b, d)));
      from_state_.push_back(pack(b, 2, d, hidden_, {}));
    }
  }
  size_t scratch_bytes() const override {
    return static_cast<size_t>(parts_) * part_floats() * sizeof(float);
  }

  void run(const RunContext& c) const override {
    c.pool->run(parts_, [&](int part) {
      float* scratch = reinterpret_cast<float*>(c.scratch) + static_cast<size_t>(part) * part_floats();
      const Range range = split(directions_, part, parts_);
      for (int64_t d = range.begin; d < range.end; d++) direction(c, d, scratch);
    });
  }

 private:
  int64_t state_floats() const { return batch_ * hidden_; }
  /// Products with the input, the gates of a step, the cell, and a state of zeros or what a step needs
  /// meanwhile.
  size_t part_floats() const {
    return static_cast<size_t>((steps_ + 1) * kGates * state_floats() + 3 * state_floats() + 15) / 16 * 16;
  }

  void direction(const RunContext& c, int64_t d, float* scratch) const {
    const int64_t row = kGates * hidden_, state = state_floats();
    float *products = scratch, *gates = products + steps_ * batch_ * row, *cell = gates + batch_ * row,
          *first = cell + state, *spare = first + state;
    kernels_.gemm_f32({.w = from_input_[static_cast<size_t>(d)].get(),
                       .a = c.at<const float>(n_.input(0)),
                       .lda = input_,
                       .m = steps_ * batch_,
                       .n_end = row,
                       .c = products,
                       .ldc = row});
    initial(c, 5, d, first);
    initial(c, 6, d, cell);
    float* y = c.at<float>(n_.output());
    const float* h = first;
    for (int64_t i = 0; i < steps_; i++) {
      const int64_t t = backward_ || d == 1 ? steps_ - 1 - i : i;
      kernels_.gemm_f32({.w = from_state_[static_cast<size_t>(d)].get(),
                         .a = h,
                         .lda = hidden_,
                         .m = batch_,
                         .n_end = row,
                         .c = gates,
                         .ldc = row,
                         .residual = products + t * batch_ * row,
                         .ld_residual = row});
      float* next = y + (t * directions_ + d) * state;
      update(gates, cell, spare, next);
      h = next;
    }
    final_state(c, 1, d, h);
    final_state(c, 2, d, cell);
  }

  /// cell = forget * cell + input * tanh(candidate), h = output * tanh(cell).
  void update(float* gates, float* cell, float* spare, float* h) const {
    const int64_t row = kGates * hidden_;
    for (int64_t b = 0; b < batch_; b++) {
      float *in = gates + b * row, *out = in + hidden_, *forget = out + hidden_,
            *candidate = forget + hidden_;
      kernels_.unary_f32(in, in, 3 * hidden_, Activation::sigmoid, 0, 0);
      kernels_.unary_f32(candidate, candidate, hidden_, Activation::tanh, 0, 0);
      float *c = cell + b * hidden_, *next = h + b * hidden_;
      combine(Binary::mul, in, candidate, spare);
      combine(Binary::mul, forget, c, c);
      combine(Binary::add, c, spare, c);
      kernels_.unary_f32(c, spare, hidden_, Activation::tanh, 0, 0);
      combine(Binary::mul, out, spare, next);
    }
  }
  void combine(Binary op, const float* a, const float* b, float* to) const {
    kernels_.binary_f32({.op = op, .a = a, .b = b, .c = to, .outer = 1, .inner = hidden_});
  }

  void initial(const RunContext& c, size_t i, int64_t d, float* to) const {
    if (n_.input(i) == ir::kNone)
      std::fill_n(to, state_floats(), 0.0f);
    else
      std::copy_n(c.at<const float>(n_.input(i)) + d * state_floats(), state_floats(), to);
  }
  void final_state(const RunContext& c, size_t i, int64_t d, const float* from) const {
    if (i < n_.outputs.size() && n_.outputs[i] != ir::kNone)
      std::copy_n(from, state_floats(), c.at<float>(n_.outputs[i]) + d * state_floats());
  }

  /// The biases of input and state, which are added to each other, or nothing.
  std::vector<float> summed_bias(const BuildContext& b, int64_t d) const {
    if (n_.input(3) == ir::kNone) return {};
    const int64_t rows = kGates * hidden_;
    const float* from = b.graph.constant(n_.input(3))->data<float>() + d * 2 * rows;
    std::vector<float> sum(from, from + rows);
    for (int64_t i = 0; i < rows; i++) sum[static_cast<size_t>(i)] += from[rows + i];
    return sum;
  }
  std::shared_ptr<const kernels::PackedF32> pack(const BuildContext& b, size_t input, int64_t d,
                                                 int64_t depth, const std::vector<float>& bias) const {
    const int64_t rows = kGates * hidden_;
    const float* w = b.graph.constant(n_.input(input))->data<float>() + d * rows * depth;
    return b.packs.get<kernels::PackedF32>(
        pack_key("lstm_f32", b.graph, n_, {input, 3}, b.kernels.name, input, d), [&] {
          return kernels::pack_gemm_f32(b.kernels.layout, w, rows, 1, depth,
                                        bias.empty() ? nullptr : bias.data());
        });
  }

  const ir::Node& n_;
  const kernels::Kernels& kernels_;
  const int64_t steps_, batch_, input_, directions_, hidden_;
  const bool backward_;
  const int parts_;
  std::vector<std::shared_ptr<const kernels::PackedF32>> from_input_, from_state_;
};

bool has_default_activations(const ir::Node& n) {
  const ir::Attribute* a = n.attrs.find("activations");
  const auto* names = a ? std::get_if<std::vector<std::string>>(a) : nullptr;
  const std::vector<std::string> once{"Sigmoid", "Tanh", "Tanh"};
  if (!names) return !a;
  for (size_t i = 0; i < names->size(); i++)
    if ((*names)[i] != once[i % once.size()]) return false;
  return true;
}

/// No sequence ends before the last step.
bool full_lengths(const BuildContext& b, const ir::Node& n) {
  if (n.input(4) == ir::kNone) return true;
  const Tensor* lengths = b.graph.constant(n.input(4));
  for (int64_t i = 0; lengths && i < lengths->elements(); i++)
    if (lengths->at_int(i) != b.shape(n.input(0))[0]) return false;
  return lengths != nullptr;
}

}  // namespace

std::unique_ptr<Step> make_lstm_f32(const BuildContext& b, ir::NodeId id) {
  const ir::Node& n = b.graph.node(id);
  const bool plain = has_default_activations(n) && n.attrs.get_float("clip", 0) == 0 &&
                     n.attrs.get_int("input_forget", 0) == 0 && n.attrs.get_int("layout", 0) == 0 &&
                     full_lengths(b, n) && n.input(7) == ir::kNone;
  if (!b.kernels.gemm_f32 || !plain) return nullptr;
  for (size_t i : {1u, 2u, 3u})
    if (n.input(i) != ir::kNone && !b.graph.constant(n.input(i))) return nullptr;
  if (b.shape(n.output()).elements() == 0 || b.shape(n.input(0)).elements() == 0) return nullptr;
  return std::make_unique<LstmStep>(b, n);
}

}  // namespace tenfold::plan
