// OneHot(indices, depth, values[off, on]) {axis}: an index out of [-depth, depth) gives a row of `off`.
#include "ops/helpers.hpp"

namespace tenfold::ops {
namespace {

void infer(InferContext& c) {
  check_type(c, 0, kNumbers);
  check_type(c, 1, kNumbers);
  const Shape* indices = c.shape(0);
  if (const Shape* v = c.shape(2); v && !(*v == Shape{2}) && v->is_static())
    c.error("values have shape {}, not [2]", to_string(*v));
  if (!indices) return c.set(0, c.dtype(2), std::nullopt);
  const int axis = c.axis(c.attrs().get_int("axis", -1), indices->rank() + 1);
  int64_t depth = 0;
  if (const Tensor* t = c.constant(1)) {
    if (t->elements() != 1) c.error("depth is no scalar");
    depth = t->at_int(0);
    if (depth < 0) c.error("depth {}", depth);
  } else {
    const auto d = c.content(1);
    depth = d && d->size() == 1 ? (*d)[0] : c.data_dependent(0, axis);
  }
  Shape out;
  for (int i = 0; i <= indices->rank(); i++)
    out.push_back(i == axis ? depth : (*indices)[i < axis ? i : i - 1]);
  c.set(0, c.dtype(2), std::move(out));
}

void eval(const EvalContext& e) {
  const Extents out(*e.out().shape);
  const int axis = resolve_axis(e.attrs().get_int("axis", -1), out.rank);
  const int64_t outer = out.product(0, axis), inner = out.product(axis + 1, out.rank), depth = out[axis];
  dispatch_size(e.out().dtype, [&](auto tag) {
    using T = decltype(tag);
    const T off = e.in(2).as<T>()[0], on = e.in(2).as<T>()[1];
    T* y = e.out().as<T>();
    std::fill_n(y, e.out().elements(), off);
    dispatch_number(e.in(0).dtype, [&](auto index_tag) {
      const auto* indices = e.in(0).as<decltype(index_tag)>();
      for (int64_t o = 0; o < outer; o++)
        for (int64_t i = 0; i < inner; i++) {
          int64_t at = convert<int64_t>(indices[o * inner + i]);
          if (at < 0) at += depth;
          if (at >= 0 && at < depth) y[(o * depth + at) * inner + i] = on;
        }
    });
  });
}

}  // namespace

extern const OpDef op_one_hot = {"OneHot", OpKind::other, 3, 3, 1, infer, eval};

}  // namespace tenfold::ops
