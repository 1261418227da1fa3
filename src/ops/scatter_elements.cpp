// ScatterElements(data, indices, updates) {axis, reduction}: a copy of `data` with out[i][indices[i][j]] =
// updates[i][j].
#include "ops/scatter.hpp"

namespace tenfold::ops {
namespace {

void infer(InferContext& c) {
  check_type(c, 1, kIndices);
  check_reduction(c);
  if (c.dtype(2) != c.dtype(0)) c.error("data and updates have different types");
  const Shape *in = c.shape(0), *indices = c.shape(1), *updates = c.shape(2);
  if (in && indices && updates) {
    if (in->rank() != indices->rank() || in->rank() != updates->rank()) c.error("inputs differ in rank");
    const int axis = c.axis(c.attrs().get_int("axis", 0), in->rank());
    for (int i = 0; i < in->rank(); i++) {
      dim_same(c, (*indices)[i], (*updates)[i], "indices and updates");
      if (i != axis && (*in)[i] >= 0 && (*indices)[i] > (*in)[i])
        c.error("indices {} exceed data {}", to_string(*indices), to_string(*in));
    }
  }
  infer_like_input(c);
}

void eval(const EvalContext& e) {
  copy_through(e);
  const Extents out(*e.out().shape), indices(*e.in(1).shape);
  const Extents to = out.strides(), from = indices.strides();
  const int axis = resolve_axis(e.attrs().get_int("axis", 0), out.rank);
  Walk<2> walk;
  for (int i = 0; i < out.rank; i++) walk.push(indices[i], {from[i], i == axis ? 0 : to[i]});
  with_reduction(e, [&](auto tag, auto combine) {
    using T = decltype(tag);
    walk.each([&](const auto& at) {
      T& y = e.out().as<T>()[at[1] + resolve_index(index_at(e.in(1), at[0]), out[axis]) * to[axis]];
      y = combine(y, e.in(2).as<T>()[at[0]]);
    });
  });
}

}  // namespace

extern const OpDef op_scatter_elements = {"ScatterElements", OpKind::movement, 3, 3, 1, infer, eval};

}  // namespace tenfold::ops
