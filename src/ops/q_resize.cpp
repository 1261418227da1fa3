// QResize: linear or cubic Resize of u8 to u8.  Inputs and attributes of Resize, constant scales or sizes,
// and x_zero_point, y_zero_point, `scale` (input scale by output scale).
//
// The axes that change are blended one after the other, the first first, in single precision by fused
// multiplication and addition of x - x_zero_point; the result is clamp_u8(rne(sum * scale) + y_zero_point).
#include "ops/requantize.hpp"
#include "ops/resize_axis.hpp"

namespace tenfold::ops {

extern const OpDef op_resize, op_q_resize;

namespace {

void infer(InferContext& ctx) {
  expect_dtype(ctx, 0, {DType::u8});
  const ResizeOptions options = read_resize_options(ctx.node());
  if (options.mode == ResizeMode::nearest || options.coordinates == ResizeCoordinates::tf_crop_and_resize)
    ctx.error("it interpolates whole images");
  zero_point_attr(ctx.node(), "x_zero_point");
  zero_point_attr(ctx.node(), "y_zero_point");
  op_resize.infer(ctx);
}

/// x blended along one axis; `inner` elements lie behind it.
std::vector<float> blended(const std::vector<float>& x, const ResizeOptions& options, const ResizeAxis& axis,
                           int64_t inner) {
  const int64_t outer = std::ssize(x) / (axis.in * inner);
  std::vector<float> y(static_cast<size_t>(outer * axis.out * inner));
  for (int64_t o = 0; o < axis.out; o++) {
    const ResizeTaps taps = resize_taps(options, axis, o);
    for (int64_t i = 0; i < outer * inner; i++) {
      const auto at = [&](int64_t position, int64_t extent) {
        return static_cast<size_t>((i / inner * extent + position) * inner + i % inner);
      };
      float sum = 0;
      for (size_t k = 0; k < static_cast<size_t>(taps.count); k++)
        if (taps.weight[k] != 0) sum = std::fmaf(taps.weight[k], x[at(taps.index[k], axis.in)], sum);
      y[at(o, axis.out)] = sum;
    }
  }
  return y;
}

void eval(const EvalContext& ctx) {
  if (ctx.out().elements() == 0) return;
  const ResizeOptions options = read_resize_options(ctx.node);
  const auto axes = resize_axes(ctx);
  const Shape& shape = *ctx.in(0).shape;
  const int x_zero = zero_point_attr(ctx.node, "x_zero_point");
  const int y_zero = zero_point_attr(ctx.node, "y_zero_point");
  const float scale = ctx.node.attrs.get_float("scale", 1);
  std::vector<float> values;
  for (uint8_t x : ctx.in(0).span<const uint8_t>()) values.push_back(static_cast<float>(x - x_zero));
  for (int i = 0; i < shape.rank(); i++)
    if (!axes[static_cast<size_t>(i)].identity(options))
      values = blended(values, options, axes[static_cast<size_t>(i)], shape.elements(i + 1, shape.rank()));
  for (size_t i = 0; i < values.size(); i++)
    ctx.out().as<uint8_t>()[i] = quantize<uint8_t>(values[i] * scale, y_zero);
}

}  // namespace

const OpDef op_q_resize{"QResize", OpKind::other, 1, 4, 1, infer, eval};

}  // namespace tenfold::ops
