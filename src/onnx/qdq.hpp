// Helpers of the rules that make QuantizeLinear and DequantizeLinear nodes.
#pragma once

#include "onnx/node_import.hpp"

namespace tenfold::onnx {

/// Zeros of `dtype` in the shape of `scale`; kNone while that shape is not known.
ir::ValueId zero_point(NodeImport& n, DType dtype, ir::ValueId scale);

/// A quantized operand of a QLinear operator: tensor, scale, zero point at consecutive inputs from `at` on.
ir::ValueId dequantize(NodeImport& n, size_t at, int64_t axis = 1);
/// DequantizeLinear of any value; a zero point of kNone is zero.
ir::ValueId dequantize(NodeImport& n, ir::ValueId x, ir::ValueId scale, ir::ValueId zero, int64_t axis);
/// Output 0 is `y` quantized with the scale and zero point at inputs `at` and `at` + 1.
void finish_quantized(NodeImport& n, ir::ValueId y, size_t at);
/// The product of two scales: a constant where both are.
ir::ValueId multiply_scales(NodeImport& n, ir::ValueId a, ir::ValueId b);

}  // namespace tenfold::onnx
