#include "onnx/elem_type.hpp"

#include <array>

namespace tenfold::onnx {
namespace {

struct Row {
  const char* name;
  std::optional<DType> dtype;
};

// Indexed by TensorProto.DataType.
constexpr std::array<Row, 27> kTypes{{
    {"undefined", {}},
    {"float", DType::f32},
    {"uint8", DType::u8},
    {"int8", DType::s8},
    {"uint16", DType::u16},
    {"int16", DType::s16},
    {"int32", DType::i32},
    {"int64", DType::i64},
    {"string", DType::string},
    {"bool", DType::boolean},
    {"float16", DType::f32},
    {"double", DType::f64},
    {"uint32", DType::u32},
    {"uint64", DType::u64},
    {"complex64", {}},
    {"complex128", {}},
    {"bfloat16", DType::f32},
    {"float8e4m3fn", {}},
    {"float8e4m3fnuz", {}},
    {"float8e5m2", {}},
    {"float8e5m2fnuz", {}},
    {"uint4", {}},
    {"int4", {}},
    {"float4e2m1", {}},
    {"float8e8m0", {}},
    {"uint2", {}},
    {"int2", {}},
}};

bool known(int64_t code) { return code >= 0 && code < static_cast<int64_t>(kTypes.size()); }

}  // namespace

std::optional<DType> ir_dtype(int64_t code) {
  return known(code) ? kTypes[static_cast<size_t>(code)].dtype : std::nullopt;
}

std::string elem_type_name(int64_t code) {
  return known(code) ? kTypes[static_cast<size_t>(code)].name : fmt::format("type {}", code);
}

int64_t elem_type_of(DType type) {
  if (type == DType::f16) return kFloat16;
  if (type == DType::bf16) return kBfloat16;
  for (size_t i = 0; i < kTypes.size(); i++)
    if (kTypes[i].dtype == type) return static_cast<int64_t>(i);
  fail(ErrorCode::internal, "no ONNX element type for {}", to_string(type));
}

}  // namespace tenfold::onnx
