// QConv: INT8 convolution.  Inputs x u8, w s8 or s16 [M, C/group, kernel...], multiplier f32 [M], bias f32
// [M], residual u8 (optional, of the output's shape); attributes of Conv and of requantize.hpp.  Padding
// counts as x_zero_point.
#include "ops/convolve.hpp"
#include "ops/requantize.hpp"

namespace tenfold::ops {
namespace {

void infer(InferContext& ctx) {
  const Shape* w = ctx.shape(1);
  infer_requantized(ctx, w && w->rank() > 0 ? (*w)[0] : 0, convolution_shape(ctx, ctx.shape(0), w));
}

void eval(const EvalContext& ctx) {
  const Convolution c = resolve_convolution(ctx.node, *ctx.in(0).shape, *ctx.in(1).shape);
  const RequantizedOutput out(ctx);
  const int zero = zero_point_attr(ctx.node, "x_zero_point");
  // Sums modulo 2^32: what exact int32 accumulation gives, without undefined behaviour where a model
  // overflows it.
  const auto multiply = [zero](uint8_t x, int w) { return static_cast<uint32_t>((x - zero) * w); };
  const auto store = [&](const Tile<uint32_t>& sums, int64_t count, int64_t m, int64_t offset, int64_t step) {
    for (int64_t i = 0; i < count; i++) out.store(offset + i * step, m, sums[static_cast<size_t>(i)]);
  };
  with_weights(ctx,
               [&](const auto* w) { convolve<uint32_t>(c, ctx.in(0).as<uint8_t>(), w, multiply, store); });
}

}  // namespace

extern const OpDef op_q_conv;
const OpDef op_q_conv{"QConv", OpKind::spatial, 4, 5, 1, infer, eval, convolution_macs};

}  // namespace tenfold::ops
