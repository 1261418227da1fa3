// GatherElements(data, indices) {axis}: out[i][j][k] = data[i][indices[i][j][k]][k] for axis 1.
#include "ops/helpers.hpp"

namespace tenfold::ops {
namespace {

void infer(InferContext& c) {
  check_type(c, 1, kIndices);
  const Shape *in = c.shape(0), *indices = c.shape(1);
  if (in && indices) {
    if (in->rank() != indices->rank())
      c.error("data of rank {}, indices of rank {}", in->rank(), indices->rank());
    const int axis = c.axis(c.attrs().get_int("axis", 0), in->rank());
    for (int i = 0; i < in->rank(); i++)
      if (i != axis && (*in)[i] >= 0 && (*indices)[i] > (*in)[i])
        c.error("indices {} exceed data {}", to_string(*indices), to_string(*in));
  }
  c.set(0, c.dtype(0), indices ? std::optional<Shape>(*indices) : std::nullopt);
}

void eval(const EvalContext& e) {
  const Extents in(*e.in(0).shape), out(*e.out().shape);
  const Extents from = in.strides(), to = out.strides();
  const int axis = resolve_axis(e.attrs().get_int("axis", 0), in.rank);
  Walk<2> walk;
  for (int i = 0; i < in.rank; i++) walk.push(out[i], {to[i], i == axis ? 0 : from[i]});
  dispatch_size(e.in(0).dtype, [&](auto tag) {
    using T = decltype(tag);
    walk.each([&](const auto& at) {
      const int64_t k = resolve_index(index_at(e.in(1), at[0]), in[axis]);
      e.out().as<T>()[at[0]] = e.in(0).as<T>()[at[1] + k * from[axis]];
    });
  });
}

}  // namespace

extern const OpDef op_gather_elements = {"GatherElements", OpKind::movement, 2, 2, 1, infer, eval};

}  // namespace tenfold::ops
