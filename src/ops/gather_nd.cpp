// GatherND(data, indices) {batch_dims}: the last axis of `indices` holds coordinates into `data`.
#include "ops/helpers.hpp"

namespace tenfold::ops {
namespace {

void infer(InferContext& c) {
  check_type(c, 1, kIndices);
  const Shape *in = c.shape(0), *indices = c.shape(1);
  if (!in || !indices) return c.set(0, c.dtype(0), std::nullopt);
  const int64_t batch = c.attrs().get_int("batch_dims", 0);
  if (in->rank() < 1 || indices->rank() < 1) c.error("scalar inputs");
  if (batch < 0 || batch >= std::min(in->rank(), indices->rank())) c.error("batch_dims {}", batch);
  const int64_t depth = indices->back();
  if (is_symbol(depth)) return c.set(0, c.dtype(0), std::nullopt);
  if (depth < 1 || depth > in->rank() - batch)
    c.error("coordinates of length {} into {}", depth, to_string(*in));
  Shape out;
  for (int i = 0; i < indices->rank() - 1; i++)
    out.push_back(i < batch ? dim_same(c, (*indices)[i], (*in)[i], "batch axes") : (*indices)[i]);
  for (int i = static_cast<int>(batch + depth); i < in->rank(); i++) out.push_back((*in)[i]);
  c.set(0, c.dtype(0), std::move(out));
}

void eval(const EvalContext& e) {
  const Extents in(*e.in(0).shape), indices(*e.in(1).shape);
  const Extents from = in.strides();
  const int batch = static_cast<int>(e.attrs().get_int("batch_dims", 0));
  const int depth = static_cast<int>(indices[indices.rank - 1]);
  const int64_t batches = in.product(0, batch), per_batch = indices.product(batch, indices.rank - 1);
  const int64_t batch_size = in.product(batch, in.rank), run = in.product(batch + depth, in.rank);
  dispatch_size(e.in(0).dtype, [&](auto tag) {
    using T = decltype(tag);
    for (int64_t i = 0; i < batches * per_batch; i++) {
      int64_t at = i / per_batch * batch_size;
      for (int k = 0; k < depth; k++)
        at += resolve_index(index_at(e.in(1), i * depth + k), in[batch + k]) * from[batch + k];
      std::memcpy(e.out().as<T>() + i * run, e.in(0).as<T>() + at, static_cast<size_t>(run) * sizeof(T));
    }
  });
}

}  // namespace

extern const OpDef op_gather_nd = {"GatherND", OpKind::movement, 2, 2, 1, infer, eval};

}  // namespace tenfold::ops
