// What passes fold into an operator that computes: an activation behind it.
//
// Attribute `activation` names a unary operator (Relu, Clip, SiLU, HardSwish, Sigmoid, HardSigmoid, Gelu,
// GeluTanh, Tanh, LeakyRelu, Elu, Mish, Softplus, Exp, Erf, Sqrt, Reciprocal, Abs, Neg, Log, Square);
// `activation_lo` and `activation_hi` are the bounds of Clip, `activation_alpha` and `activation_beta` the
// parameters of HardSigmoid, LeakyRelu and Elu under their ONNX defaults.
#pragma once

#include <span>

#include "ir/graph.hpp"
#include "kernels/kernels.hpp"

namespace tenfold::ops {

/// The activation of a node in the form that kernels take.
struct Fusion {
  kernels::Activation kind = kernels::Activation::none;
  float lo = 0, hi = 0;  ///< as GemmF32: bounds, or the parameters alpha and beta

  float operator()(float x) const;
  /// Applies it to every value; the same as calling it, with the choice made once.
  void apply(std::span<float> values) const;
};

/// Reads the activation attributes; none where they are absent.  An unknown name is an invalid_model error.
Fusion fusion_of(const ir::Node& node);
/// Whether `name` is an operator that fusion_of knows.
bool is_fusible_activation(std::string_view name);

}  // namespace tenfold::ops
