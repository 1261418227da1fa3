// What a float result goes through before it is stored.
#pragma once

#include <cstdint>

namespace tenfold::kernels {

/// Activation at the end of an FP32 kernel: after bias and residual.
enum class Activation : uint8_t {
  none,
  clamp /* [lo, hi]: Relu, Relu6, Clip */,
  silu,
  hard_swish,
  sigmoid,
  hard_sigmoid /* clamp(lo*x + hi, 0, 1) */,
  gelu,
  gelu_tanh,
  tanh,
  leaky_relu /* lo = slope */,
  elu /* lo = alpha */,
  mish,
  softplus,
  exp,
  erf,
  sqrt,
  reciprocal,
  abs,
  neg,
  log,
  square
};

/// What a float result of an INT8 product goes through, a tile at a time while it is in L1: the sum with
/// fma(float(r), r_scale, offset) of the residual (OutputU8), an activation, a factor for each channel
/// (OutputU8), and for u8 output quantization, as the functions of Kernels do that.
struct FloatTail {
  void (*unary)(const float* in, float* out, int64_t n, Activation f, float lo, float hi) = nullptr;
  void (*quantize)(const float* in, uint8_t* out, int64_t n, float inverse_scale, int zero_point) = nullptr;
  Activation activation = Activation::none;
  float lo = 0, hi = 0;
  float inverse_scale = 1;
  bool residual = false;  ///< the residual joins here, not the byte that results
};

}  // namespace tenfold::kernels
