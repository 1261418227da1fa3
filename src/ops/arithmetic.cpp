// Add, Sub, Mul: integers wrap around as two's complement.
#include "ops/elementwise.hpp"

namespace tenfold::ops {
namespace {

template <DimFunction dim> void infer(InferContext& c) {
  check_type(c, 0, kNumbers);
  check_same_types(c, 0, 2);
  set_broadcast(c, c.dtype(0));
  propagate_binary(c, dim);
}

struct Add { template <class T> T operator()(T a, T b) const { return wrap_add(a, b); } };
struct Sub { template <class T> T operator()(T a, T b) const { return wrap_sub(a, b); } };
struct Mul { template <class T> T operator()(T a, T b) const { return wrap_mul(a, b); } };

}  // namespace

extern const OpDef op_add = {"Add", OpKind::binary, 2, 2, 1, infer<dim_add>, eval_binary_number<Add>};
extern const OpDef op_sub = {"Sub", OpKind::binary, 2, 2, 1, infer<dim_sub>, eval_binary_number<Sub>};
extern const OpDef op_mul = {"Mul", OpKind::binary, 2, 2, 1, infer<dim_mul>, eval_binary_number<Mul>};

}  // namespace tenfold::ops
