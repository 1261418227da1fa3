// The end of every INT8 operator: what happens between an exact accumulator and the stored value.
//
// Attributes: x_zero_point, y_zero_point; `output` ("u8" or "f32"); `float_residual` (the residual is added
// to the float as r * r_scale + offset, not to the byte), `activation` (ops/fusion.hpp) and `factors` (f32
// [n], one a channel), applied to the float in that order, and `y_scale` (1), by which it is divided to be a
// byte; `table`, 256 bytes applied to the requantized one; with a residual: q_scale, r_scale, offset,
// residual_zero_point, `residual_table`. Formulas: GemmU8 in kernels/kernels.hpp.
#pragma once

#include "ops/fusion.hpp"
#include "ops/quantization.hpp"

namespace tenfold::ops {

/// The u8 tensor of 256 entries in attribute `name`, or nullptr; invalid_model if it is anything else.
const uint8_t* table_attr(const ir::Node& node, std::string_view name);
/// A zero point of u8 values.
inline int zero_point_attr(const ir::Node& node, std::string_view name) {
  return static_cast<int>(int_attr(node, name, 0, 0, 255));
}

/// Attribute `output`; invalid_model if it is neither "u8" nor "f32".
bool f32_output(const ir::Node& node);

class Requantizer {
 public:
  explicit Requantizer(const ir::Node& node);

  bool f32() const { return f32_; }
  /// An accumulator as a float.
  static float real(int32_t sum, float multiplier, float bias) {
    return std::fmaf(static_cast<float>(sum), multiplier, bias);
  }
  bool adds_to_float() const { return adds_to_float_; }
  /// The f32 output of channel n from the accumulator as a float and a residual that joins it.
  float finished(float real, const uint8_t* residual, int64_t n) const {
    if (residual) real += std::fmaf(static_cast<float>(*residual), r_scale_, offset_);
    real = fusion_(real);
    return factors_ ? real * factors_[n] : real;
  }
  /// The u8 output from the f32 one, before a residual.
  uint8_t byte(float finished) const {
    const uint8_t q = quantize<uint8_t>(finished * inverse_scale_, zero_point_);
    return table_ ? table_[q] : q;
  }
  /// How many factors there are; -1 for none.
  int64_t factor_count() const { return factor_count_; }
  /// Adds a residual byte.
  uint8_t add(uint8_t q, uint8_t residual) const {
    const float r = std::fmaf(static_cast<float>(residual), r_scale_, offset_);
    const uint8_t sum =
        quantize<uint8_t>(std::fmaf(static_cast<float>(q), q_scale_, r), residual_zero_point_);
    return residual_table_ ? residual_table_[sum] : sum;
  }

 private:
  bool f32_ = false, adds_to_float_ = false;
  int zero_point_ = 0, residual_zero_point_ = 0;
  const uint8_t *table_ = nullptr, *residual_table_ = nullptr;
  float q_scale_ = 0, r_scale_ = 0, offset_ = 0, inverse_scale_ = 1;
  Fusion fusion_;
  const float* factors_ = nullptr;
  int64_t factor_count_ = -1;
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
    const uint8_t* residual = residual_ ? residual_ + at : nullptr;
    const bool early = requantizer_.adds_to_float();
    const float real =
        requantizer_.finished(Requantizer::real(static_cast<int32_t>(sum), multiplier_[n], bias_[n]),
                              early ? residual : nullptr, n);
    if (requantizer_.f32()) {
      real_[at] = real;
      return;
    }
    const uint8_t q = requantizer_.byte(real);
    bytes_[at] = residual && !early ? requantizer_.add(q, *residual) : q;
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
