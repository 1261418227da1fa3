// Integer helpers, checked where input can overflow them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "base/error.hpp"

namespace tenfold {

constexpr int64_t ceil_div(int64_t a, int64_t b) { return (a + b - 1) / b; }
constexpr int64_t round_up(int64_t a, int64_t to) { return ceil_div(a, to) * to; }

/// a * b, or an invalid_model error where that overflows int64 (sizes come from untrusted files).
inline int64_t checked_mul(int64_t a, int64_t b) {
  int64_t r;
  if (__builtin_mul_overflow(a, b, &r)) fail(ErrorCode::invalid_model, "size overflow: {} * {}", a, b);
  return r;
}
inline int64_t checked_add(int64_t a, int64_t b) {
  int64_t r;
  if (__builtin_add_overflow(a, b, &r)) fail(ErrorCode::invalid_model, "size overflow: {} + {}", a, b);
  return r;
}
inline int64_t checked_product(std::span<const int64_t> values) {
  int64_t r = 1;
  for (int64_t v : values) r = checked_mul(r, v);
  return r;
}

}  // namespace tenfold
