#include "ops/quantization.hpp"

namespace tenfold::ops {
namespace {

bool per_tensor(const Shape& scale) { return scale.rank() == 0 || (scale.rank() == 1 && scale[0] == 1); }

}  // namespace

void check_quantized_axis(InferContext& ctx) {
  const ir::Node& node = ctx.node();
  const Shape *x = ctx.shape(0), *scale = ctx.shape(1);
  if (ctx.attrs().get_int("block_size", 0) != 0)
    unsupported(node, "blocked quantization (attribute 'block_size')");
  if (!scale) return;
  if (scale->rank() > 1)
    unsupported(node, "a scale of shape {}; per-tensor and per-axis scales are", to_string(*scale));
  if (const Shape* zero = ctx.has_input(2) ? ctx.shape(2) : nullptr)
    if (per_tensor(*scale) ? !per_tensor(*zero) : zero->rank() != 1 || !may_equal((*zero)[0], (*scale)[0]))
      ctx.error("scale of shape {} and zero point of shape {}", to_string(*scale), to_string(*zero));
  if (!x || per_tensor(*scale)) return;
  const int axis = ctx.axis(ctx.attrs().get_int("axis", 1), x->rank());
  if (!may_equal((*x)[axis], (*scale)[0]))
    ctx.error("scale of shape {} for axis {} of {}", to_string(*scale), axis, to_string(*x));
}

QuantizedAxis quantized_axis(const ir::Node& node, const Shape& x, const Shape& scale) {
  if (per_tensor(scale)) return {1, 1, x.elements()};
  const int axis = resolve_axis(node.attrs.get_int("axis", 1), x.rank());
  return {x.elements(0, axis), x[axis], x.elements(axis + 1, x.rank())};
}

}  // namespace tenfold::ops
