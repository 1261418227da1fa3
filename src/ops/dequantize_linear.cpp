// DequantizeLinear: (x - zero_point) * scale, per tensor or per axis.
#include "ops/quantization.hpp"

namespace tenfold::ops {
namespace {

constexpr TypeSet kTypes = kQuantized | TypeSet{DType::i32};

void infer(InferContext& ctx) {
  expect_dtype(ctx, 0, kTypes);
  expect_dtype(ctx, 1, {DType::f32});
  expect_dtype(ctx, 2, {ctx.dtype(0)});
  check_quantized_axis(ctx);
  ctx.set(0, DType::f32, ctx.shape(0) ? std::optional<Shape>(*ctx.shape(0)) : std::nullopt);
}

template <class X>
void eval_as(const EvalContext& ctx) {
  const X* x = ctx.in(0).as<X>();
  const float* scales = ctx.in(1).as<float>();
  const X* zeros = ctx.has_input(2) ? ctx.in(2).as<X>() : nullptr;
  float* y = ctx.out().as<float>();
  for_each_run(quantized_axis(ctx.node, *ctx.in(0).shape, *ctx.in(1).shape),
               [&](int64_t channel, int64_t first, int64_t last) {
                 const float scale = scales[channel];
                 const X zero = zeros ? zeros[channel] : X{0};
                 for (int64_t i = first; i < last; i++)
                   y[i] = static_cast<float>(int64_t{x[i]} - int64_t{zero}) * scale;
               });
}

void eval(const EvalContext& ctx) {
  if (ctx.in(0).dtype == DType::i32) return eval_as<int32_t>(ctx);
  dispatch_quantized(ctx.in(0).dtype, [&](auto tag) { eval_as<decltype(tag)>(ctx); });
}

}  // namespace

extern const OpDef op_dequantize_linear;
const OpDef op_dequantize_linear{"DequantizeLinear", OpKind::unary, 2, 3, 1, infer, eval};

}  // namespace tenfold::ops
