// Clip(x, min?, max?): min(max(x, lo), hi), so hi wins where lo > hi; a NaN stays one.
#include "ops/elementwise.hpp"

namespace tenfold::ops {
namespace {

void infer(InferContext& c) {
  check_type(c, 0, kNumbers);
  for (size_t i = 1; i < c.inputs(); i++) {
    if (!c.has_input(i)) continue;
    if (c.dtype(i) != c.dtype(0))
      c.error("bound {} has type {}, the tensor {}", i, to_string(c.dtype(i)), to_string(c.dtype(0)));
    const Shape* s = c.shape(i);
    if (s && s->is_static() && s->elements() != 1)
      c.error("bound {} of shape {} is no scalar", i, to_string(*s));
  }
  infer_like_input(c);
}

void eval(const EvalContext& e) {
  dispatch_number(e.in(0).dtype, [&](auto tag) {
    using T = decltype(tag);
    const T lo = e.has_input(1) ? *e.in(1).as<T>() : std::numeric_limits<T>::lowest();
    const T hi = e.has_input(2) ? *e.in(2).as<T>() : std::numeric_limits<T>::max();
    const bool low = e.has_input(1), high = e.has_input(2);
    const T* x = e.in(0).as<T>();
    T* y = e.out().as<T>();
    const int64_t n = e.in(0).elements();
    for (int64_t i = 0; i < n; i++) {
      T v = x[i];
      if (low && v < lo) v = lo;
      if (high && v > hi) v = hi;
      y[i] = v;
    }
  });
}

}  // namespace

extern const OpDef op_clip = {"Clip", OpKind::unary, 1, 3, 1, infer, eval};

}  // namespace tenfold::ops
