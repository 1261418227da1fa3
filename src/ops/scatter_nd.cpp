// ScatterND(data, indices, updates) {reduction}: a copy of `data` with slices at the given coordinates
// updated.
#include "ops/scatter.hpp"

namespace tenfold::ops {
namespace {

void infer(InferContext& c) {
  check_type(c, 1, kIndices);
  check_reduction(c);
  if (c.dtype(2) != c.dtype(0)) c.error("data and updates have different types");
  const Shape *in = c.shape(0), *indices = c.shape(1), *updates = c.shape(2);
  if (in && indices && indices->rank() < 1) c.error("scalar indices");
  if (in && indices && updates && !is_symbol(indices->back())) {
    const int64_t depth = indices->back();
    if (depth < 0 || depth > in->rank()) c.error("coordinates of length {} into {}", depth, to_string(*in));
    Shape expected;
    for (int i = 0; i < indices->rank() - 1; i++) expected.push_back((*indices)[i]);
    for (int i = static_cast<int>(depth); i < in->rank(); i++) expected.push_back((*in)[i]);
    if (expected.rank() != updates->rank())
      c.error("updates of shape {}, expected {}", to_string(*updates), to_string(expected));
    for (int i = 0; i < expected.rank(); i++) dim_same(c, expected[i], (*updates)[i], "updates");
  }
  infer_like_input(c);
}

void eval(const EvalContext& e) {
  copy_through(e);
  const Extents out(*e.out().shape), indices(*e.in(1).shape);
  const Extents to = out.strides();
  const int depth = static_cast<int>(indices[indices.rank - 1]);
  const int64_t n = indices.product(0, indices.rank - 1), run = out.product(depth, out.rank);
  with_reduction(e, [&](auto tag, auto combine) {
    using T = decltype(tag);
    for (int64_t i = 0; i < n; i++) {
      int64_t at = 0;
      for (int k = 0; k < depth; k++) at += resolve_index(index_at(e.in(1), i * depth + k), out[k]) * to[k];
      T* y = e.out().as<T>() + at;
      const T* update = e.in(2).as<T>() + i * run;
      for (int64_t j = 0; j < run; j++) y[j] = combine(y[j], update[j]);
    }
  });
}

}  // namespace

extern const OpDef op_scatter_nd = {"ScatterND", OpKind::movement, 3, 3, 1, infer, eval};

}  // namespace tenfold::ops
