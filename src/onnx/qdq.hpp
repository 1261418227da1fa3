// Helpers of the rules that make QuantizeLinear and DequantizeLinear nodes.
#pragma once

#include "onnx/node_import.hpp"

namespace tenfold::onnx {

/// Zeros of `dtype` in the shape of `scale`; kNone while that shape is not known.
ir::ValueId zero_point(NodeImport& n, DType dtype, ir::ValueId scale);

}  // namespace tenfold::onnx
