// NonZero(x): coordinates of the elements that are not zero, one column each, in row-major order.
#include "ops/helpers.hpp"

namespace tenfold::ops {
namespace {

int64_t count(const TensorView& x) {
  return dispatch(x.dtype, [&](auto tag) {
    using T = decltype(tag);
    int64_t n = 0;
    for (T v : x.span<T>()) n += v != T(0);
    return n;
  });
}

void infer(InferContext& c) {
  check_type(c, 0, kNumbers | kBool);
  const Shape* in = c.shape(0);
  if (!in) return c.set(0, DType::i64, std::nullopt);
  const Tensor* x = c.constant(0);
  c.set(0, DType::i64, Shape{in->rank(), x ? count(x->view()) : c.data_dependent(0, 1)});
}

void eval(const EvalContext& e) {
  const Extents in(*e.in(0).shape);
  const Extents stride = in.strides();
  const int64_t n = (*e.out().shape)[1];
  if (count(e.in(0)) != n)
    fail(ErrorCode::invalid_argument, "NonZero: planned for {} elements that are not zero", n);
  dispatch(e.in(0).dtype, [&](auto tag) {
    using T = decltype(tag);
    int64_t column = 0;
    const int64_t total = in.product();
    for (int64_t i = 0; i < total; i++) {
      if (e.in(0).as<T>()[i] == T(0)) continue;
      for (int axis = 0; axis < in.rank; axis++)
        e.out().as<int64_t>()[axis * n + column] = i / stride[axis] % in[axis];
      column++;
    }
  });
}

}  // namespace

extern const OpDef op_non_zero = {"NonZero", OpKind::other, 1, 1, 1, infer, eval};

}  // namespace tenfold::ops
