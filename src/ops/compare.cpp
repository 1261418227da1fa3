// Equal, Greater, GreaterOrEqual, Less, LessOrEqual: bool outputs.
#include "ops/elementwise.hpp"

namespace tenfold::ops {
namespace {

struct Equal {
  template <class T>
  bool operator()(T a, T b) const {
    return a == b;
  }
};
struct Greater {
  template <class T>
  bool operator()(T a, T b) const {
    return a > b;
  }
};
struct GreaterOrEqual {
  template <class T>
  bool operator()(T a, T b) const {
    return a >= b;
  }
};
struct Less {
  template <class T>
  bool operator()(T a, T b) const {
    return a < b;
  }
};
struct LessOrEqual {
  template <class T>
  bool operator()(T a, T b) const {
    return a <= b;
  }
};

/// Compares what is known: numbers, equal expressions, and an extent with a negative number.
template <class F>
int64_t compare_dims(InferContext& c, int64_t a, int64_t b) {
  if (a == b) return F{}(0, 0);
  if (!is_symbol(a) && !is_symbol(b)) return F{}(a, b);
  if (!is_symbol(a) && a < 0 && dim_is_never_negative(c, b)) return F{}(-1, 0);
  if (!is_symbol(b) && b < 0 && dim_is_never_negative(c, a)) return F{}(0, -1);
  c.error("the order of {} and {} is not known", a, b);  // propagate_binary() then knows nothing
}

template <class F>
void infer(InferContext& c) {
  constexpr bool equality = std::is_same_v<F, Equal>;
  check_type(c, 0, equality ? kNumbers | kBool : kNumbers);
  check_same_types(c, 0, 2);
  set_broadcast(c, DType::boolean);
  propagate_binary(c, compare_dims<F>);
}

template <class F>
void eval(const EvalContext& e) {
  dispatch(e.in(0).dtype, [&](auto tag) {
    using T = decltype(tag);
    zip<T, T, bool>(e.in(0), e.in(1), e.out(), F{});
  });
}

}  // namespace

extern const OpDef op_equal = {"Equal", OpKind::binary, 2, 2, 1, infer<Equal>, eval<Equal>};
extern const OpDef op_greater = {"Greater", OpKind::binary, 2, 2, 1, infer<Greater>, eval<Greater>};
extern const OpDef op_greater_or_equal = {"GreaterOrEqual",      OpKind::binary,      2, 2, 1,
                                          infer<GreaterOrEqual>, eval<GreaterOrEqual>};
extern const OpDef op_less = {"Less", OpKind::binary, 2, 2, 1, infer<Less>, eval<Less>};
extern const OpDef op_less_or_equal = {"LessOrEqual",      OpKind::binary,   2, 2, 1,
                                       infer<LessOrEqual>, eval<LessOrEqual>};

}  // namespace tenfold::ops
