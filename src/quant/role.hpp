// What quantization makes of each operator.
#pragma once

#include <string_view>

namespace tenfold::quant {

/// How an operator takes part in an int8 network.
enum class Role {
  none,     ///< FP32 only
  compute,  ///< s8 weights; starts int8 regions
  combine,  ///< Add, Mul of two activations, or of one and a constant
  concat,
  average,   ///< weighted sums of pixels or channels, normalization: the result has its own range
  movement,  ///< result values are input values: same scale and zero point
  table,     ///< of one activation: 256 entries, for each channel where constants differ
};
Role role_of(std::string_view op);

}  // namespace tenfold::quant
