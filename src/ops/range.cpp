// Range(start, limit, delta): start, start + delta, ... short of limit.
#include "ops/helpers.hpp"

namespace tenfold::ops {
namespace {

constexpr int64_t kLongest = int64_t{1} << 40;

/// Number of elements; errors for a zero step and for a range that no memory holds.
template <class T>
int64_t length(T start, T limit, T delta) {
  if (delta == T(0)) fail(ErrorCode::invalid_argument, "Range: the step is 0");
  if constexpr (std::is_floating_point_v<T>) {
    const double n =
        std::ceil((static_cast<double>(limit) - static_cast<double>(start)) / static_cast<double>(delta));
    if (!(n < static_cast<double>(kLongest))) fail(ErrorCode::invalid_argument, "Range: {} elements", n);
    return n > 0 ? static_cast<int64_t>(n) : 0;
  } else {
    if (delta > 0 ? start >= limit : start <= limit) return 0;
    const auto from = static_cast<uint64_t>(static_cast<int64_t>(start)),
               to = static_cast<uint64_t>(static_cast<int64_t>(limit));
    const uint64_t distance = delta > 0 ? to - from : from - to;
    const auto signed_step = static_cast<int64_t>(delta);
    const uint64_t step = signed_step > 0 ? static_cast<uint64_t>(signed_step)
                                          : uint64_t{0} - static_cast<uint64_t>(signed_step);
    const uint64_t n = (distance - 1) / step + 1;
    if (n > static_cast<uint64_t>(kLongest)) fail(ErrorCode::invalid_argument, "Range: {} elements", n);
    return static_cast<int64_t>(n);
  }
}

/// From symbols, e.g. Range(0, seq, 1).
int64_t symbolic_length(InferContext& c, int64_t start, int64_t limit, int64_t delta) {
  if (!is_symbol(start) && !is_symbol(limit) && !is_symbol(delta))
    return length<int64_t>(start, limit, delta);
  if (is_symbol(delta) || delta <= 0) return c.data_dependent(0, 0);
  const int64_t distance = dim_max(c, 0, dim_sub(c, limit, start));
  return delta == 1 ? distance : dim_div(c, dim_add(c, distance, delta - 1), delta);
}

void infer(InferContext& c) {
  check_type(c, 0, {DType::f32, DType::f64, DType::s16, DType::i32, DType::i64});
  check_same_types(c, 0, 3);
  for (size_t i = 0; i < 3; i++)
    if (const Shape* s = c.shape(i); s && s->is_static() && s->elements() != 1)
      c.error("input {} is no scalar", i);
  const Tensor *start = c.constant(0), *limit = c.constant(1), *delta = c.constant(2);
  if (start && limit && delta) {
    const int64_t n = dispatch_number(start->dtype(), [&](auto tag) {
      using T = decltype(tag);
      return length<T>(*start->data<T>(), *limit->data<T>(), *delta->data<T>());
    });
    return c.set(0, c.dtype(0), Shape{n});
  }
  const auto parts = all_contents(c);
  const bool known = parts && (*parts)[0].size() == 1 && (*parts)[1].size() == 1 && (*parts)[2].size() == 1;
  c.set(0, c.dtype(0),
        Shape{known ? symbolic_length(c, (*parts)[0][0], (*parts)[1][0], (*parts)[2][0])
                    : c.data_dependent(0, 0)});
}

void eval(const EvalContext& e) {
  dispatch_number(e.out().dtype, [&](auto tag) {
    using T = decltype(tag);
    const T start = *e.in(0).as<T>(), delta = *e.in(2).as<T>();
    const int64_t n = e.out().elements();
    if (length<T>(start, *e.in(1).as<T>(), delta) != n)
      fail(ErrorCode::invalid_argument, "Range: planned for {} elements", n);
    for (int64_t i = 0; i < n; i++) e.out().as<T>()[i] = wrap_add(start, wrap_mul(static_cast<T>(i), delta));
  });
}

}  // namespace

extern const OpDef op_range = {"Range", OpKind::other, 3, 3, 1, infer, eval};

}  // namespace tenfold::ops
