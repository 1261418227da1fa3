// Flatten(data) {axis}: a matrix of the axes before `axis` and those from it on.
#include "ops/helpers.hpp"

namespace tenfold::ops {
namespace {

void infer(InferContext& c) {
  const Shape* in = c.shape(0);
  if (!in) return c.set(0, c.dtype(0), Shape{c.data_dependent(0, 0), c.data_dependent(0, 1)});
  int64_t axis = c.attrs().get_int("axis", 1);
  if (axis < -in->rank() || axis > in->rank())
    c.error("axis {} is out of range for rank {}", axis, in->rank());
  if (axis < 0) axis += in->rank();
  const std::span<const int64_t> dims = in->dims();
  const auto split = static_cast<size_t>(axis);
  c.set(0, c.dtype(0), Shape{dim_product(c, dims.first(split)), dim_product(c, dims.subspan(split))});
}

}  // namespace

extern const OpDef op_flatten = {"Flatten", OpKind::movement, 1, 1, 1, infer, copy_through};

}  // namespace tenfold::ops
