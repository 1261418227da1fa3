// PRelu(x, slope): slope broadcasts to x.
#include "ops/elementwise.hpp"

namespace tenfold::ops {
namespace {

void infer(InferContext& c) {
  check_type(c, 0, kNumbers);
  check_same_types(c, 0, 2);
  const Shape *x = c.shape(0), *slope = c.shape(1);
  if (x && slope && slope->rank() > x->rank())
    c.error("the slope {} does not broadcast to {}", to_string(*slope), to_string(*x));
  if (x && slope && x->is_static() && slope->is_static() && !(broadcast_shapes(c, *x, *slope) == *x))
    c.error("the slope {} does not broadcast to {}", to_string(*slope), to_string(*x));
  infer_like_input(c);
}

struct PRelu {
  template <class T>
  T operator()(T x, T slope) const {
    return x < T(0) ? wrap_mul(x, slope) : x;
  }
};

}  // namespace

extern const OpDef op_prelu = {"PRelu", OpKind::binary, 2, 2, 1, infer, eval_binary_number<PRelu>};

}  // namespace tenfold::ops
