// Min, Max, Sum, Mean of any number of broadcast inputs.  Min and Max return a NaN where one is among the
// operands.
#include "ops/elementwise.hpp"

namespace tenfold::ops {
namespace {

template <bool floats_only>
void infer_any(InferContext& c) {
  check_type(c, 0, floats_only ? kFloats : kNumbers);
  check_same_types(c, 0, c.inputs());
  set_broadcast(c, c.dtype(0));
}

template <DimFunction f>
void infer_extreme(InferContext& c) {
  infer_any<false>(c);
  if (c.inputs() == 2)
    propagate_binary(c, f);
  else if (c.inputs() == 1)
    pass_content(c);
}

struct Min {
  template <class T>
  T operator()(T a, T b) const {
    return a < b || a != a ? a : b;
  }
};
struct Max {
  template <class T>
  T operator()(T a, T b) const {
    return a > b || a != a ? a : b;
  }
};
struct Sum {
  template <class T>
  T operator()(T a, T b) const {
    return wrap_add(a, b);
  }
};

/// Folds the inputs into the output; an output element is read and written at the same position only.
template <class F>
void eval(const EvalContext& e) {
  dispatch_number(e.in(0).dtype, [&](auto tag) {
    using T = decltype(tag);
    zip<T, T, T>(e.in(0), e.in(0), e.out(), [](T a, T) { return a; });
    for (size_t i = 1; i < e.inputs.size(); i++) zip<T, T, T>(e.out(), e.in(i), e.out(), F{});
  });
}

void eval_mean(const EvalContext& e) {
  eval<Sum>(e);
  dispatch_float(e.out().dtype, [&](auto tag) {
    using T = decltype(tag);
    for (T& v : e.out().span<T>()) v /= static_cast<T>(e.inputs.size());
  });
}

}  // namespace

extern const OpDef op_max = {"Max", OpKind::binary, 1, -1, 1, infer_extreme<dim_max>, eval<Max>};
extern const OpDef op_mean = {"Mean", OpKind::binary, 1, -1, 1, infer_any<true>, eval_mean};
extern const OpDef op_min = {"Min", OpKind::binary, 1, -1, 1, infer_extreme<dim_min>, eval<Min>};
extern const OpDef op_sum = {"Sum", OpKind::binary, 1, -1, 1, infer_any<true>, eval<Sum>};

}  // namespace tenfold::ops
