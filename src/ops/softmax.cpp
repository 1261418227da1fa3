// Softmax, LogSoftmax (x) {axis}: along one axis, the last by default.
#include "ops/helpers.hpp"

namespace tenfold::ops {
namespace {

void infer(InferContext& c) {
  check_type(c, 0, kFloats);
  if (const Shape* in = c.shape(0)) c.axis(c.attrs().get_int("axis", -1), std::max(in->rank(), 1));
  infer_like_input(c);
}

template <bool log>
void eval(const EvalContext& e) {
  Extents in(*e.in(0).shape);
  if (in.rank == 0) in.push_back(1);
  const int axis = resolve_axis(e.attrs().get_int("axis", -1), in.rank);
  const int64_t outer = in.product(0, axis), inner = in.product(axis + 1, in.rank), n = in[axis];
  dispatch_float(e.in(0).dtype, [&](auto tag) {
    using T = decltype(tag);
    for (int64_t o = 0; o < outer; o++)
      for (int64_t i = 0; i < inner; i++) {
        const T* x = e.in(0).as<T>() + o * n * inner + i;
        T* y = e.out().as<T>() + o * n * inner + i;
        T top = -std::numeric_limits<T>::infinity();
        for (int64_t k = 0; k < n; k++) top = std::max(top, x[k * inner]);
        double sum = 0;
        for (int64_t k = 0; k < n; k++)
          sum += static_cast<double>(y[k * inner] = std::exp(x[k * inner] - top));
        for (int64_t k = 0; k < n; k++)
          y[k * inner] =
              log ? x[k * inner] - top - static_cast<T>(std::log(sum)) : static_cast<T>(y[k * inner] / sum);
      }
  });
}

}  // namespace

extern const OpDef op_log_softmax = {"LogSoftmax", OpKind::other, 1, 1, 1, infer, eval<true>};
extern const OpDef op_softmax = {"Softmax", OpKind::other, 1, 1, 1, infer, eval<false>};

}  // namespace tenfold::ops
