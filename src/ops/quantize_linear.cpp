// QuantizeLinear: saturate(round_half_even(x / scale) + zero_point), per tensor or per axis.
#include "ops/quantization.hpp"

namespace tenfold::ops {
namespace {

/// The quantized type: the zero point's, else what attribute output_dtype (an ONNX type number) says, else
/// u8.
DType output_type(InferContext& ctx) {
  if (ctx.has_input(2)) return ctx.dtype(2);
  switch (const int64_t type = ctx.attrs().get_int("output_dtype", 0)) {
    case 0:
    case 2:
      return DType::u8;
    case 3:
      return DType::s8;
    case 4:
      return DType::u16;
    case 5:
      return DType::s16;
    default:
      unsupported(ctx.node(), "output_dtype {}", type);
  }
}

void infer(InferContext& ctx) {
  expect_dtype(ctx, 0, {DType::f32, DType::i32});
  expect_dtype(ctx, 1, {DType::f32});
  expect_dtype(ctx, 2, kQuantized);
  check_quantized_axis(ctx);
  ctx.set(0, output_type(ctx), ctx.shape(0) ? std::optional<Shape>(*ctx.shape(0)) : std::nullopt);
}

template <class X, class Y>
void eval_as(const EvalContext& ctx) {
  const X* x = ctx.in(0).as<X>();
  const float* scales = ctx.in(1).as<float>();
  const Y* zeros = ctx.has_input(2) ? ctx.in(2).as<Y>() : nullptr;
  Y* y = ctx.out().as<Y>();
  for_each_run(quantized_axis(ctx.node, *ctx.in(0).shape, *ctx.in(1).shape),
               [&](int64_t channel, int64_t first, int64_t last) {
                 const float scale = scales[channel];
                 const int zero = zeros ? zeros[channel] : 0;
                 for (int64_t i = first; i < last; i++)
                   y[i] = quantize<Y>(static_cast<float>(x[i]) / scale, zero);
               });
}

void eval(const EvalContext& ctx) {
  dispatch_quantized(ctx.out().dtype, [&](auto tag) {
    if (ctx.in(0).dtype == DType::f32)
      eval_as<float, decltype(tag)>(ctx);
    else
      eval_as<int32_t, decltype(tag)>(ctx);
  });
}

}  // namespace

extern const OpDef op_quantize_linear;
const OpDef op_quantize_linear{"QuantizeLinear", OpKind::unary, 2, 3, 1, infer, eval};

}  // namespace tenfold::ops
