// What the graph may hold between passes and plan, and no ONNX file does: refused in both directions.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <string_view>

namespace tenfold::onnx {

/// Operators of lowered INT8 graphs.
inline constexpr auto kEngineOperators = std::to_array<std::string_view>(
    {"QAdd", "QAveragePool", "QChannelLookup", "QConv", "QConvDynamic", "QGlobalAveragePool",
     "QGroupNormalization", "QLookup", "QMatMul", "QMatMulDynamic", "QMul", "QResize", "QuantizeImage"});
/// What passes fold into an operator.
inline constexpr std::array<std::string_view, 4> kEngineAttributes{"activation", "activation_hi",
                                                                   "activation_lo", "channels_last"};

/// How many inputs of an operator a file may hold: bias and residual of the engine come behind them.
inline size_t max_file_inputs(std::string_view op) {
  return op == "Conv" ? 3 : op == "MatMul" ? 2 : SIZE_MAX;
}
inline bool is_engine_operator(std::string_view op) {
  return std::find(kEngineOperators.begin(), kEngineOperators.end(), op) != kEngineOperators.end();
}
inline bool is_engine_attribute(std::string_view name) {
  return std::find(kEngineAttributes.begin(), kEngineAttributes.end(), name) != kEngineAttributes.end();
}

}  // namespace tenfold::onnx
