// Trilu(x, k?) {upper}: keeps one side of diagonal k of the last two axes, zero elsewhere.
#include "ops/helpers.hpp"

namespace tenfold::ops {
namespace {

void infer(InferContext& c) {
  if (const Shape* in = c.shape(0); in && in->rank() < 2)
    c.error("rank {} (at least 2 expected)", in->rank());
  if (c.has_input(1)) {
    check_type(c, 1, {DType::i64});
    if (const Shape* k = c.shape(1); k && k->is_static() && k->elements() != 1) c.error("k is no scalar");
  }
  infer_like_input(c);
}

void eval(const EvalContext& e) {
  const Extents in(*e.in(0).shape);
  const bool upper = e.attrs().get_int("upper", 1) != 0;
  const int64_t rows = in[in.rank - 2], columns = in[in.rank - 1], matrices = in.product(0, in.rank - 2);
  const int64_t k = std::clamp(e.has_input(1) ? index_at(e.in(1), 0) : 0, -rows - 1, columns + 1);
  dispatch_size(e.in(0).dtype, [&](auto tag) {
    using T = decltype(tag);
    const T* x = e.in(0).as<T>();
    T* y = e.out().as<T>();
    for (int64_t m = 0; m < matrices; m++)
      for (int64_t i = 0; i < rows; i++)
        for (int64_t j = 0; j < columns; j++, x++) *y++ = (upper ? j - i >= k : j - i <= k) ? *x : T(0);
  });
}

}  // namespace

extern const OpDef op_trilu = {"Trilu", OpKind::other, 1, 2, 1, infer, eval};

}  // namespace tenfold::ops
