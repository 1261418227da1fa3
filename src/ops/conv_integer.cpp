// ConvInteger: convolution of x - x_zero_point with w - w_zero_point in int32; padding counts as
// x_zero_point.
#include "ops/checks.hpp"
#include "ops/convolve.hpp"

namespace tenfold::ops {
namespace {

void check_zero_point(InferContext& ctx, size_t input, size_t of) {
  if (!ctx.has_input(input)) return;
  expect_dtype(ctx, input, {ctx.dtype(of)});
  const Shape* s = ctx.shape(input);
  if (s && (!s->is_static() || s->elements() != 1))
    unsupported(ctx.node(), "a zero point of shape {}; scalars are", to_string(*s));
}

void infer(InferContext& ctx) {
  expect_dtype(ctx, 0, {DType::u8, DType::s8});
  expect_dtype(ctx, 1, {DType::u8, DType::s8});
  check_zero_point(ctx, 2, 0);
  check_zero_point(ctx, 3, 1);
  ctx.set(0, DType::i32, convolution_shape(ctx, ctx.shape(0), ctx.shape(1)));
}

template <class X, class W>
void eval_as(const EvalContext& ctx) {
  const Convolution c = resolve_convolution(ctx.node, *ctx.in(0).shape, *ctx.in(1).shape);
  const int x_zero = ctx.has_input(2) ? *ctx.in(2).as<X>() : 0,
            w_zero = ctx.has_input(3) ? *ctx.in(3).as<W>() : 0;
  const auto multiply = [=](X x, W w) { return static_cast<uint32_t>((x - x_zero) * (w - w_zero)); };
  convolve<uint32_t>(c, ctx.in(0).as<X>(), ctx.in(1).as<W>(), multiply,
                     [&](const Tile<uint32_t>& sums, int64_t count, int64_t, int64_t offset, int64_t step) {
                       for (int64_t i = 0; i < count; i++)
                         ctx.out().as<int32_t>()[offset + i * step] =
                             static_cast<int32_t>(sums[static_cast<size_t>(i)]);
                     });
}

void eval(const EvalContext& ctx) {
  const bool x_signed = ctx.in(0).dtype == DType::s8, w_signed = ctx.in(1).dtype == DType::s8;
  if (x_signed) return w_signed ? eval_as<int8_t, int8_t>(ctx) : eval_as<int8_t, uint8_t>(ctx);
  return w_signed ? eval_as<uint8_t, int8_t>(ctx) : eval_as<uint8_t, uint8_t>(ctx);
}

}  // namespace

extern const OpDef op_conv_integer;
const OpDef op_conv_integer{"ConvInteger", OpKind::spatial, 2, 4, 1, infer, eval, convolution_macs};

}  // namespace tenfold::ops
