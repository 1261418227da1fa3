// What the scatter operators share: how an update combines with what is there.
#pragma once

#include "ops/helpers.hpp"

namespace tenfold::ops {

inline void check_reduction(const InferContext& c) {
  const std::string mode = c.attrs().get_string("reduction", "none");
  if (mode != "none" && mode != "add" && mode != "mul" && mode != "min" && mode != "max")
    c.error("reduction '{}'", mode);
  if (mode != "none") check_type(c, 0, kNumbers);
}

/// Calls f(tag, combine) with `combine(old, update)`: by element size alone where the update simply replaces.
template <class F>
void with_reduction(const EvalContext& e, F&& f) {
  const std::string_view mode = text_attr(e.attrs(), "reduction", "none");
  if (mode == "none")
    return dispatch_size(e.in(0).dtype, [&](auto tag) { f(tag, [](auto, auto b) { return b; }); });
  dispatch_number(e.in(0).dtype, [&](auto tag) {
    using T = decltype(tag);
    if (mode == "add")
      f(tag, [](T a, T b) { return wrap_add(a, b); });
    else if (mode == "mul")
      f(tag, [](T a, T b) { return wrap_mul(a, b); });
    else if (mode == "min")
      f(tag, [](T a, T b) { return std::min(a, b); });
    else
      f(tag, [](T a, T b) { return std::max(a, b); });
  });
}

}  // namespace tenfold::ops
