// DynamicQuantizeLinear: u8 values, scale and zero point that cover the range of x and 0.
#include "ops/quantization.hpp"

namespace tenfold::ops {
namespace {

void infer(InferContext& ctx) {
  expect_dtype(ctx, 0, {DType::f32});
  ctx.set(0, DType::u8, ctx.shape(0) ? std::optional<Shape>(*ctx.shape(0)) : std::nullopt);
  ctx.set(1, DType::f32, Shape{});
  ctx.set(2, DType::u8, Shape{});
}

void eval(const EvalContext& ctx) {
  const auto x = ctx.in(0).span<const float>();
  float lo = 0, hi = 0;
  for (float v : x) {  // comparisons leave NaN out
    if (v < lo) lo = v;
    if (v > hi) hi = v;
  }
  const auto [scale, zero] = dynamic_range(lo, hi);
  if (ctx.out().data)
    for (size_t i = 0; i < x.size(); i++) ctx.out().as<uint8_t>()[i] = quantize<uint8_t>(x[i] / scale, zero);
  if (ctx.outputs.size() > 1 && ctx.out(1).data) *ctx.out(1).as<float>() = scale;
  if (ctx.outputs.size() > 2 && ctx.out(2).data) *ctx.out(2).as<uint8_t>() = zero;
}

}  // namespace

extern const OpDef op_dynamic_quantize_linear;
const OpDef op_dynamic_quantize_linear{"DynamicQuantizeLinear", OpKind::other, 1, 1, 3, infer, eval};

}  // namespace tenfold::ops
