// Add, Sub, Mul: integers wrap around as two's complement.  In f32 passes fold an activation into them.
#include "ops/elementwise.hpp"
#include "ops/fusion.hpp"

namespace tenfold::ops {
namespace {

template <DimFunction dim>
void infer(InferContext& c) {
  check_type(c, 0, kNumbers);
  check_same_types(c, 0, 2);
  if (c.attrs().has("activation") && c.dtype(0) != DType::f32) c.error("an activation needs f32");
  fusion_of(c.node());
  set_broadcast(c, c.dtype(0));
  propagate_binary(c, dim);
}

struct Add {
  template <class T>
  T operator()(T a, T b) const {
    return wrap_add(a, b);
  }
};
struct Sub {
  template <class T>
  T operator()(T a, T b) const {
    return wrap_sub(a, b);
  }
};
struct Mul {
  template <class T>
  T operator()(T a, T b) const {
    return wrap_mul(a, b);
  }
};

template <class F>
void eval(const EvalContext& e) {
  eval_binary_number<F>(e);
  if (e.out().dtype == DType::f32) fusion_of(e.node).apply(e.out().span<float>());
}

}  // namespace

extern const OpDef op_add = {"Add", OpKind::binary, 2, 2, 1, infer<dim_add>, eval<Add>};
extern const OpDef op_sub = {"Sub", OpKind::binary, 2, 2, 1, infer<dim_sub>, eval<Sub>};
extern const OpDef op_mul = {"Mul", OpKind::binary, 2, 2, 1, infer<dim_mul>, eval<Mul>};

}  // namespace tenfold::ops
