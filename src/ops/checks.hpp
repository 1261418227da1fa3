// Checks that operators with many parameters share.
#pragma once

#include <initializer_list>

#include "ops/helpers.hpp"

namespace tenfold::ops {

/// Throws an error that names operator and node; for code that inference and evaluation share.
template <class... Args>
[[noreturn]] void node_error(const ir::Node& node, ErrorCode code, fmt::format_string<Args...> format,
                             Args&&... args) {
  throw Error(
      code, fmt::format("{} '{}': ", node.op, node.name) + fmt::format(format, std::forward<Args>(args)...));
}
template <class... Args>
[[noreturn]] void invalid(const ir::Node& node, fmt::format_string<Args...> format, Args&&... args) {
  node_error(node, ErrorCode::invalid_model, format, std::forward<Args>(args)...);
}
template <class... Args>
[[noreturn]] void unsupported(const ir::Node& node, fmt::format_string<Args...> format, Args&&... args) {
  node_error(node, ErrorCode::unsupported, format, std::forward<Args>(args)...);
}

/// An integer attribute that must lie in [lo, hi].
inline int64_t int_attr(const ir::Node& node, std::string_view name, int64_t fallback, int64_t lo,
                        int64_t hi) {
  const int64_t v = node.attrs.get_int(name, fallback);
  if (v < lo || v > hi) invalid(node, "attribute '{}' is {}, allowed are {} to {}", name, v, lo, hi);
  return v;
}
inline bool flag_attr(const ir::Node& node, std::string_view name) {
  return node.attrs.get_int(name, 0) != 0;
}

/// Whether two extents may be equal: the same, or one of them not known.
inline bool may_equal(int64_t a, int64_t b) { return a == b || is_symbol(a) || is_symbol(b); }

/// Throws invalid_model unless input i, where it is given, has one of `types`.
inline void expect_dtype(const InferContext& ctx, size_t i, TypeSet types) {
  if (ctx.has_input(i)) check_type(ctx, i, types);
}

/// Throws unless input i, where it and its shape are known, has shape `expected`, where that is known.
inline void expect_shape(const InferContext& ctx, size_t i, const std::optional<Shape>& expected) {
  const Shape* s = ctx.has_input(i) ? ctx.shape(i) : nullptr;
  if (!s || !expected) return;
  bool same = s->rank() == expected->rank();
  for (int d = 0; same && d < s->rank(); d++) same = may_equal((*s)[d], (*expected)[d]);
  if (!same) ctx.error("input {} has shape {}, expected {}", i, to_string(*s), to_string(*expected));
}

/// The same for a vector of `length` elements (a symbol: any).
inline void expect_vector(const InferContext& ctx, size_t i, int64_t length) {
  expect_shape(ctx, i, Shape{length});
}

}  // namespace tenfold::ops
