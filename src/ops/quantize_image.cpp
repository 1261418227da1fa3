// QuantizeImage: a planar FP32 image [N, C, H, W], C <= 4, to interleaved bytes [N, height, width, channels]:
// QuantizeLinear per tensor (attributes scale, zero_point), Transpose, and the padding of the convolution
// that follows.  Pixel (y, x) of the result is pixel (y - top, x - left) of the image; what lies outside, and
// channels past C, are zero_point.
#include "ops/quantize_image.hpp"

#include "ops/requantize.hpp"

namespace tenfold::ops {

ImageLayout image_layout(const ir::Node& node, const Shape& x) {
  const auto positive = [&](const char* name) {
    const int64_t v = node.attrs.get_int(name, 0);
    if (v < 1 || v > (int64_t{1} << 30)) invalid(node, "attribute '{}' is {}", name, v);
    return v;
  };
  if (x.rank() != 4) invalid(node, "the image has rank {}, not 4", x.rank());
  ImageLayout l{.batch = x[0],
                .channels = x[1],
                .in_h = x[2],
                .in_w = x[3],
                .out_h = positive("height"),
                .out_w = positive("width"),
                .out_c = positive("channels"),
                .top = node.attrs.get_int("top", 0),
                .left = node.attrs.get_int("left", 0),
                .scale = node.attrs.get_float("scale", 1),
                .zero_point = zero_point_attr(node, "zero_point")};
  if (l.channels > l.out_c || l.out_c > 4) invalid(node, "{} channels do not fit {}", l.channels, l.out_c);
  if (l.top < 0 || l.left < 0) invalid(node, "negative padding");
  return l;
}

namespace {

void infer(InferContext& ctx) {
  expect_dtype(ctx, 0, {DType::f32});
  std::optional<Shape> y;
  if (const Shape* x = ctx.shape(0)) {
    const ImageLayout l = image_layout(ctx.node(), *x);
    y = Shape{l.batch, l.out_h, l.out_w, l.out_c};
  }
  ctx.set(0, DType::u8, y);
}

void eval(const EvalContext& ctx) {
  const ImageLayout l = image_layout(ctx.node, *ctx.in(0).shape);
  const float* x = ctx.in(0).as<float>();
  uint8_t* y = ctx.out().as<uint8_t>();
  std::fill_n(y, l.batch * l.out_h * l.out_w * l.out_c, static_cast<uint8_t>(l.zero_point));
  for (int64_t n = 0; n < l.batch; n++)
    for (int64_t c = 0; c < l.channels; c++)
      for (int64_t i = 0; i < l.in_h && i + l.top < l.out_h; i++)
        for (int64_t j = 0; j < l.in_w && j + l.left < l.out_w; j++)
          y[((n * l.out_h + i + l.top) * l.out_w + j + l.left) * l.out_c + c] = quantize<uint8_t>(
              x[((n * l.channels + c) * l.in_h + i) * l.in_w + j] * (1.0f / l.scale), l.zero_point);
}

}  // namespace

extern const OpDef op_quantize_image;
const OpDef op_quantize_image{"QuantizeImage", OpKind::other, 1, 1, 1, infer, eval};

}  // namespace tenfold::ops
