// ONNX element type codes (TensorProto.DataType).
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "tensor/dtype.hpp"

namespace tenfold::onnx {

inline constexpr int64_t kFloat = 1, kUint8 = 2, kInt8 = 3, kString = 8, kFloat16 = 10, kBfloat16 = 16,
                         kUint4 = 21, kInt4 = 22;

/// The type that the graph computes with where a file says `code`: half-precision types become f32 (the
/// engine computes half-precision models in single precision).  Empty for types without a counterpart.
std::optional<DType> ir_dtype(int64_t code);
/// "float16", "int4", ... ; the number where ONNX knows no such type.
std::string elem_type_name(int64_t code);
/// The code that stands for `type` in a file.
int64_t elem_type_of(DType type);

}  // namespace tenfold::onnx
