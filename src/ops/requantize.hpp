// The end of every INT8 operator: what happens between an exact accumulator and the stored value.
//
// Attributes: x_zero_point, y_zero_point; `output` ("u8" or "f32"); `table`, 256 bytes applied to the
// requantized one; with a residual: q_scale, r_scale, offset, residual_zero_point, `residual_table`.
// Formulas: GemmU8 in kernels/kernels.hpp.
#pragma once

#include "ops/quantization.hpp"

namespace tenfold::ops {

/// The u8 tensor of 256 entries in attribute `name`, or nullptr; invalid_model if it is anything else.
const uint8_t* table_attr(const ir::Node& node, std::string_view name);
/// A zero point of u8 values.
inline int zero_point_attr(const ir::Node& node, std::string_view name) {
  return static_cast<int>(int_attr(node, name, 0, 0, 255));
}

class Requantizer {
 public:
  explicit Requantizer(const ir::Node& node);

  bool f32() const { return f32_; }
  /// The f32 output of an accumulator.
  static float real(int32_t sum, float multiplier, float bias) {
    return std::fmaf(static_cast<float>(sum), multiplier, bias);
  }
  /// The u8 output, before a residual.
  uint8_t byte(int32_t sum, float multiplier, float bias) const {
    const uint8_t q = quantize<uint8_t>(real(sum, multiplier, bias), zero_point_);
    return table_ ? table_[q] : q;
  }
  /// Adds a residual byte.
  uint8_t add(uint8_t q, uint8_t residual) const {
    const float r = std::fmaf(static_cast<float>(residual), r_scale_, offset_);
    const uint8_t sum =
        quantize<uint8_t>(std::fmaf(static_cast<float>(q), q_scale_, r), residual_zero_point_);
    return residual_table_ ? residual_table_[sum] : sum;
  }

 private:
  bool f32_ = false;
  int zero_point_ = 0, residual_zero_point_ = 0;
  const uint8_t *table_ = nullptr, *residual_table_ = nullptr;
  float q_scale_ = 0, r_scale_ = 0, offset_ = 0;
};

/// Checks types and shapes of an operator with inputs x u8, w s8 or s16, multiplier f32 [n], bias f32 [n],
/// residual u8 of shape `y` (optional), reads the attributes once so that nonsense in them is found, and sets
/// the output.
void infer_requantized(InferContext& ctx, int64_t n, const std::optional<Shape>& y);

/// The same for an operator whose activation was quantized at run time: no residual but scale f32 and zero
/// point u8 (optional, 0) of x, one value each, and f32 output.
void infer_dynamic(InferContext& ctx, int64_t n, const std::optional<Shape>& y);

/// Stores accumulators of channel n at element `at`: the output type and the residual are the node's.
class RequantizedOutput {
 public:
  explicit RequantizedOutput(const EvalContext& ctx);
  void store(int64_t at, int64_t n, uint32_t sum) const {
    const int32_t acc = static_cast<int32_t>(sum);
    if (requantizer_.f32()) {
      real_[at] = Requantizer::real(acc, multiplier_[n], bias_[n]);
      return;
    }
    const uint8_t q = requantizer_.byte(acc, multiplier_[n], bias_[n]);
    bytes_[at] = residual_ ? requantizer_.add(q, residual_[at]) : q;
  }

 private:
  Requantizer requantizer_;
  const float *multiplier_, *bias_;
  const uint8_t* residual_;
  uint8_t* bytes_;
  float* real_;
};

/// f(weights) with the type of input 1: s8, or s16 where differences of two bytes do not fit s8 (asymmetric
/// weights).
template <class F>
void with_weights(const EvalContext& ctx, F&& f) {
  if (ctx.in(1).dtype == DType::s16)
    f(ctx.in(1).as<int16_t>());
  else
    f(ctx.in(1).as<int8_t>());
}

}  // namespace tenfold::ops
