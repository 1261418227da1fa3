// Hardmax(x) {axis}: 1 at the first maximum along the axis, 0 elsewhere.
#include "ops/helpers.hpp"

namespace tenfold::ops {
namespace {

void infer(InferContext& c) {
  check_type(c, 0, kFloats);
  if (const Shape* in = c.shape(0)) c.axis(c.attrs().get_int("axis", -1), in->rank());
  infer_like_input(c);
}

void eval(const EvalContext& e) {
  const Extents in(*e.in(0).shape);
  const int axis = resolve_axis(e.attrs().get_int("axis", -1), in.rank);
  const int64_t outer = in.product(0, axis), inner = in.product(axis + 1, in.rank), n = in[axis];
  if (n == 0) return;
  dispatch_float(e.in(0).dtype, [&](auto tag) {
    using T = decltype(tag);
    for (int64_t o = 0; o < outer; o++)
      for (int64_t i = 0; i < inner; i++) {
        const T* x = e.in(0).as<T>() + o * n * inner + i;
        T* y = e.out().as<T>() + o * n * inner + i;
        int64_t best = 0;
        for (int64_t k = 0; k < n; k++) {
          if (x[k * inner] > x[best * inner]) best = k;
          y[k * inner] = T(0);
        }
        y[best * inner] = T(1);
      }
  });
}

}  // namespace

extern const OpDef op_hardmax = {"Hardmax", OpKind::other, 1, 1, 1, infer, eval};

}  // namespace tenfold::ops
