// The epilogue of QConv and QMatMul, from the node's attributes.
#pragma once

#include "ops/fusion.hpp"
#include "plan/step.hpp"
#include "plan/steps/byte_weights.hpp"

namespace tenfold::plan {

/// Attributes in the form that kernels::OutputU8 takes; the graph owns the tables.
struct EpilogueU8 {
  EpilogueU8(const kernels::Kernels& kernels, const ir::Node& node)
      : f32_output(node.attrs.get_string("output", "u8") == "f32"),
        zero_point(static_cast<int>(node.attrs.get_int("y_zero_point", 0))),
        residual_zero_point(static_cast<int>(node.attrs.get_int("residual_zero_point", 0))),
        q_scale(node.attrs.get_float("q_scale", 0)),
        r_scale(node.attrs.get_float("r_scale", 0)),
        offset(node.attrs.get_float("offset", 0)),
        residual(node.op == "QConvDynamic" ? ir::kNone : node.input(4)) {
    if (const Tensor* t = node.attrs.get_tensor("table")) table = t->data<uint8_t>();
    if (const Tensor* t = node.attrs.get_tensor("residual_table")) residual_table = t->data<uint8_t>();
    if (!has_tail(node)) return;
    const ops::Fusion f = ops::fusion_of(node);
    tail = {kernels.unary_f32,
            kernels.quantize_u8,
            f.kind,
            f.lo,
            f.hi,
            1 / node.attrs.get_float("y_scale", 1),
            node.attrs.get_int("float_residual", 0) != 0};
    if (const Tensor* t = node.attrs.get_tensor("factors")) factors = t->data<float>();
  }

  /// A float result goes through a residual, an activation, factors or a scale that its multipliers do not
  /// contain.
  static bool has_tail(const ir::Node& node) {
    return node.attrs.has("activation") || node.attrs.has("factors") || node.attrs.has("y_scale") ||
           node.attrs.has("float_residual");
  }

  /// Points the output at element `index` of the result, which is of channel `channel`, and the residual at
  /// the same element.
  void apply(kernels::OutputU8& g, const RunContext& c, ir::ValueId output, int64_t index, ptrdiff_t ld,
             int64_t channel = 0) const {
    g.ldc = ld;
    if (tail) g.tail = &*tail, g.factors = factors ? factors + channel : nullptr;
    if (residual != ir::kNone) {
      g.residual = c.at<uint8_t>(residual) + index;
      g.ld_residual = ld;
      g.q_scale = q_scale;
      g.r_scale = r_scale;
      g.offset = offset;
      g.residual_zero_point = residual_zero_point;
      g.residual_table = residual_table;
    }
    if (f32_output) {
      g.c_f32 = c.at<float>(output) + index;
      return;
    }
    g.c = c.at<uint8_t>(output) + index;
    g.zero_point = zero_point;
    g.table = table;
  }

  bool f32_output;
  int zero_point, residual_zero_point;
  float q_scale, r_scale, offset;
  ir::ValueId residual;
  const uint8_t* table = nullptr;
  const uint8_t* residual_table = nullptr;
  std::optional<kernels::FloatTail> tail;
  const float* factors = nullptr;
};

/// Multiplier, bias and weight offset of every channel of a QConv or QMatMul.
inline std::vector<kernels::QuantizedChannel> quantized_channels(const ir::Graph& g, const ir::Node& n,
                                                                 const ByteWeights& weights = {}) {
  const auto m = g.constant(n.input(2))->span<float>(), b = g.constant(n.input(3))->span<float>();
  std::vector<kernels::QuantizedChannel> channels(m.size());
  for (size_t i = 0; i < channels.size(); i++) channels[i] = {m[i], b[i], weights.offset(i)};
  return channels;
}

/// True if weights, multipliers and biases are constants that can be packed; `axis` is that of the output
/// channels.
inline bool has_packable_weights(const ir::Graph& g, const ir::Node& n, int axis) {
  const Tensor* w = g.constant(n.input(1));
  return w && g.constant(n.input(2)) && g.constant(n.input(3)) && ByteWeights::applicable(*w, axis);
}

}  // namespace tenfold::plan
