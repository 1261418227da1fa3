// Div: integers truncate towards zero; dividing an integer by zero is an error.
#include "ops/elementwise.hpp"

namespace tenfold::ops {
namespace {

void infer(InferContext& c) {
  check_type(c, 0, kNumbers);
  check_same_types(c, 0, 2);
  set_broadcast(c, c.dtype(0));
  propagate_binary(c, dim_div);
}

struct Div {
  template <class T>
  T operator()(T a, T b) const {
    if constexpr (std::is_integral_v<T>) {
      if (b == 0) fail(ErrorCode::invalid_argument, "Div: division of an integer by zero");
      if constexpr (std::is_signed_v<T>)
        if (b == static_cast<T>(-1)) return wrap_sub(T(0), a);  // the lowest / -1 overflows
    }
    return static_cast<T>(a / b);
  }
};

}  // namespace

extern const OpDef op_div = {"Div", OpKind::binary, 2, 2, 1, infer, eval_binary_number<Div>};

}  // namespace tenfold::ops
