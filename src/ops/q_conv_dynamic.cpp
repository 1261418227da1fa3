// QConvDynamic: INT8 convolution whose activation was quantized at run time.  Inputs x u8, w s8 or s16
// [M, C/group, kernel...], multiplier f32 [M], bias f32 [M], and of x: scale f32 and zero point u8 (optional,
// 0), one value each; attributes of Conv, and `output`, which is "f32".  Padding counts as the zero point. y
// = fma(float(sum (x - zero_point) * w), multiplier * scale, bias).
#include "ops/convolve.hpp"
#include "ops/requantize.hpp"

namespace tenfold::ops {
namespace {

void infer(InferContext& ctx) {
  const Shape* w = ctx.shape(1);
  infer_dynamic(ctx, w && w->rank() > 0 ? (*w)[0] : 0, convolution_shape(ctx, ctx.shape(0), w));
}

void eval(const EvalContext& ctx) {
  const Convolution c = resolve_convolution(ctx.node, *ctx.in(0).shape, *ctx.in(1).shape);
  const float scale = *ctx.in(4).as<float>();
  const int zero = ctx.has_input(5) ? *ctx.in(5).as<uint8_t>() : 0;
  const auto *multiplier = ctx.in(2).as<float>(), *bias = ctx.in(3).as<float>();
  const auto multiply = [zero](uint8_t x, int w) { return static_cast<uint32_t>((x - zero) * w); };
  const auto store = [&](const Tile<uint32_t>& sums, int64_t count, int64_t m, int64_t offset, int64_t step) {
    for (int64_t i = 0; i < count; i++) {
      const auto sum = static_cast<int32_t>(sums[static_cast<size_t>(i)]);
      ctx.out().as<float>()[offset + i * step] = Requantizer::real(sum, multiplier[m] * scale, bias[m]);
    }
  };
  with_weights(ctx,
               [&](const auto* w) { convolve<uint32_t>(c, ctx.in(0).as<uint8_t>(), w, multiply, store); });
}

}  // namespace

extern const OpDef op_q_conv_dynamic;
const OpDef op_q_conv_dynamic{"QConvDynamic", OpKind::spatial, 5, 6, 1, infer, eval, convolution_macs};

}  // namespace tenfold::ops
