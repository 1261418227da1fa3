// Arithmetic and checks shared by quantizing operators.
#pragma once

#include <algorithm>
#include <cmath>
#include <limits>

#include "ops/checks.hpp"

namespace tenfold::ops {

inline constexpr TypeSet kQuantized{DType::u8, DType::s8, DType::u16, DType::s16};

/// round_half_even(value) + zero_point, saturated to T (at most 16 bits); NaN gives the lowest value.
template <class T>
T quantize(float value, int zero_point) {
  static_assert(sizeof(T) <= 2, "bounds must be exact in float");
  const float lo = static_cast<float>(std::numeric_limits<T>::lowest() - zero_point);
  const float hi = static_cast<float>(std::numeric_limits<T>::max() - zero_point);
  // The bounds are integers, so clamping first gives the same result and keeps the conversion in range.
  const float clamped = value > lo ? std::min(value, hi) : lo;
  return static_cast<T>(std::lrint(clamped) + zero_point);
}

/// Scale and zero point of u8 values that cover [lo, hi] and 0, rounded as DynamicQuantizeLinear defines.
struct DynamicRange {
  float scale;
  uint8_t zero_point;
};
inline DynamicRange dynamic_range(float lo, float hi) {
  lo = std::min(lo, 0.0f);
  hi = std::max(hi, 0.0f);
  const float scale = hi == lo ? 1.0f : (hi - lo) / 255;
  return {scale, quantize<uint8_t>(-lo / scale, 0)};
}

/// Scale (input 1) and zero point (input 2, optional) seen as [outer, channels, inner] blocks of input 0.
struct QuantizedAxis {
  int64_t outer = 1, channels = 1, inner = 1;
};
/// Throws invalid_model where scale, zero point and input contradict, unsupported for blocked quantization.
void check_quantized_axis(InferContext& ctx);
QuantizedAxis quantized_axis(const ir::Node& node, const Shape& x, const Shape& scale);

/// Calls f(channel, first, last) for every run of elements that share a channel.
template <class F>
void for_each_run(const QuantizedAxis& a, F&& f) {
  for (int64_t o = 0, at = 0; o < a.outer; o++)
    for (int64_t c = 0; c < a.channels; c++, at += a.inner) f(c, at, at + a.inner);
}

/// dispatch() over u8, s8, u16 and s16.
template <class F>
decltype(auto) dispatch_quantized(DType type, F&& f) {
  switch (type) {
    case DType::u8:
      return f(uint8_t{});
    case DType::s8:
      return f(int8_t{});
    case DType::u16:
      return f(uint16_t{});
    case DType::s16:
      return f(int16_t{});
    default:
      break;
  }
  fail(ErrorCode::unsupported, "no quantized values of type {}", to_string(type));
}

}  // namespace tenfold::ops
