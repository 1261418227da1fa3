// CumSum, CumProd (x, axis) {exclusive, reverse}.
#include "ops/helpers.hpp"

namespace tenfold::ops {
namespace {

void infer(InferContext& c) {
  check_type(c, 0, kNumbers);
  check_type(c, 1, kIndices);
  if (const Shape* s = c.shape(1); s && s->is_static() && s->elements() != 1) c.error("axis is no scalar");
  const auto axis = positions(c, 1);
  if (const Shape* in = c.shape(0); in && axis && axis->size() == 1) c.axis((*axis)[0], in->rank());
  infer_like_input(c);
}

struct Sum {
  static constexpr int start = 0;
  template <class T>
  T operator()(T a, T b) const {
    return wrap_add(a, b);
  }
};
struct Prod {
  static constexpr int start = 1;
  template <class T>
  T operator()(T a, T b) const {
    return wrap_mul(a, b);
  }
};

template <class F>
void eval(const EvalContext& e) {
  const Extents in(*e.in(0).shape);
  const int axis = resolve_axis(index_at(e.in(1), 0), in.rank);
  const bool exclusive = e.attrs().get_int("exclusive", 0) != 0,
             reverse = e.attrs().get_int("reverse", 0) != 0;
  const int64_t outer = in.product(0, axis), inner = in.product(axis + 1, in.rank), n = in[axis];
  dispatch_number(e.in(0).dtype, [&](auto tag) {
    using T = decltype(tag);
    for (int64_t o = 0; o < outer; o++)
      for (int64_t i = 0; i < inner; i++) {
        T so_far = F::start;
        for (int64_t k = 0; k < n; k++) {
          const int64_t at = (o * n + (reverse ? n - 1 - k : k)) * inner + i;
          const T next = F{}(so_far, e.in(0).as<T>()[at]);
          e.out().as<T>()[at] = exclusive ? so_far : next;
          so_far = next;
        }
      }
  });
}

}  // namespace

extern const OpDef op_cum_prod = {"CumProd", OpKind::other, 2, 2, 1, infer, eval<Prod>};
extern const OpDef op_cum_sum = {"CumSum", OpKind::other, 2, 2, 1, infer, eval<Sum>};

}  // namespace tenfold::ops
