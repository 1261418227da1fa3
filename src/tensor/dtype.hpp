// Element types.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <type_traits>

#include "base/error.hpp"

namespace tenfold {

/// Element type of a tensor.  Only types that some operator computes with; the importer names any other in
/// its error.
enum class DType : uint8_t { f32, f16, bf16, f64, u8, s8, u16, s16, i32, i64, u32, u64, boolean, string };

std::string_view to_string(DType type);

/// Bytes per element; 0 for string.
constexpr size_t size_of(DType type) {
  switch (type) {
    case DType::f64:
    case DType::i64:
    case DType::u64:
      return 8;
    case DType::f32:
    case DType::i32:
    case DType::u32:
      return 4;
    case DType::f16:
    case DType::bf16:
    case DType::u16:
    case DType::s16:
      return 2;
    case DType::u8:
    case DType::s8:
    case DType::boolean:
      return 1;
    case DType::string:
      return 0;
  }
  return 0;
}

constexpr bool is_float(DType t) {
  return t == DType::f32 || t == DType::f16 || t == DType::bf16 || t == DType::f64;
}
constexpr bool is_integer(DType t) { return !is_float(t) && t != DType::boolean && t != DType::string; }

template <class T>
struct dtype_of_impl;
template <>
struct dtype_of_impl<float> {
  static constexpr DType value = DType::f32;
};
template <>
struct dtype_of_impl<double> {
  static constexpr DType value = DType::f64;
};
template <>
struct dtype_of_impl<uint8_t> {
  static constexpr DType value = DType::u8;
};
template <>
struct dtype_of_impl<int8_t> {
  static constexpr DType value = DType::s8;
};
template <>
struct dtype_of_impl<uint16_t> {
  static constexpr DType value = DType::u16;
};
template <>
struct dtype_of_impl<int16_t> {
  static constexpr DType value = DType::s16;
};
template <>
struct dtype_of_impl<int32_t> {
  static constexpr DType value = DType::i32;
};
template <>
struct dtype_of_impl<int64_t> {
  static constexpr DType value = DType::i64;
};
template <>
struct dtype_of_impl<uint32_t> {
  static constexpr DType value = DType::u32;
};
template <>
struct dtype_of_impl<uint64_t> {
  static constexpr DType value = DType::u64;
};
template <>
struct dtype_of_impl<bool> {
  static constexpr DType value = DType::boolean;
};
template <class T>
constexpr DType dtype_of = dtype_of_impl<std::remove_cv_t<T>>::value;

/// Calls f(T{}) with the C++ type of a numeric dtype (f32, f64, integers, bool); fails on f16, bf16 and
/// string, which the importer has widened or rejected.
template <class F>
decltype(auto) dispatch(DType type, F&& f) {
  switch (type) {
    case DType::f32:
      return f(float{});
    case DType::f64:
      return f(double{});
    case DType::u8:
      return f(uint8_t{});
    case DType::s8:
      return f(int8_t{});
    case DType::u16:
      return f(uint16_t{});
    case DType::s16:
      return f(int16_t{});
    case DType::i32:
      return f(int32_t{});
    case DType::i64:
      return f(int64_t{});
    case DType::u32:
      return f(uint32_t{});
    case DType::u64:
      return f(uint64_t{});
    case DType::boolean:
      return f(bool{});
    default:
      break;
  }
  fail(ErrorCode::unsupported, "no arithmetic on tensors of type {}", to_string(type));
}

}  // namespace tenfold
