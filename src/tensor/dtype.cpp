#include "tensor/dtype.hpp"

namespace tenfold {

std::string_view to_string(DType type) {
  switch (type) {
    case DType::f32:
      return "f32";
    case DType::f16:
      return "f16";
    case DType::bf16:
      return "bf16";
    case DType::f64:
      return "f64";
    case DType::u8:
      return "u8";
    case DType::s8:
      return "s8";
    case DType::u16:
      return "u16";
    case DType::s16:
      return "s16";
    case DType::i32:
      return "i32";
    case DType::i64:
      return "i64";
    case DType::u32:
      return "u32";
    case DType::u64:
      return "u64";
    case DType::boolean:
      return "bool";
    case DType::string:
      return "string";
  }
  return "?";
}

}  // namespace tenfold
