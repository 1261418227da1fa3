// Conv: convolution over one to three spatial axes, with bias, residual (input 3, of the output's shape) and
// activation.
#include "ops/checks.hpp"
#include "ops/convolve.hpp"
#include "ops/fusion.hpp"

namespace tenfold::ops {
namespace {

void infer(InferContext& ctx) {
  for (size_t i = 0; i < 4; i++) expect_dtype(ctx, i, {DType::f32});
  fusion_of(ctx.node());
  const auto shape = convolution_shape(ctx, ctx.shape(0), ctx.shape(1));
  if (shape) expect_vector(ctx, 2, (*ctx.shape(1))[0]);
  expect_shape(ctx, 3, shape);
  ctx.set(0, DType::f32, shape);
}

void eval(const EvalContext& ctx) {
  const Convolution c = resolve_convolution(ctx.node, *ctx.in(0).shape, *ctx.in(1).shape);
  const Fusion fusion = fusion_of(ctx.node);
  const float* bias = ctx.has_input(2) ? ctx.in(2).as<float>() : nullptr;
  const float* residual = ctx.has_input(3) ? ctx.in(3).as<float>() : nullptr;
  float* y = ctx.out().as<float>();
  const auto multiply = [](float x, float w) { return static_cast<double>(x) * static_cast<double>(w); };
  convolve<double>(c, ctx.in(0).as<float>(), ctx.in(1).as<float>(), multiply,
                   [&](const Tile<double>& sums, int64_t count, int64_t m, int64_t offset, int64_t step) {
                     Tile<float> values;
                     const double b = bias ? static_cast<double>(bias[m]) : 0.0;
                     for (int64_t i = 0; i < count; i++) {
                       const double r = residual ? static_cast<double>(residual[offset + i * step]) : 0.0;
                       values[static_cast<size_t>(i)] =
                           static_cast<float>(sums[static_cast<size_t>(i)] + b + r);
                     }
                     fusion.apply({values.data(), static_cast<size_t>(count)});
                     for (int64_t i = 0; i < count; i++)
                       y[offset + i * step] = values[static_cast<size_t>(i)];
                   });
}

}  // namespace

extern const OpDef op_conv;
const OpDef op_conv{"Conv", OpKind::spatial, 2, 4, 1, infer, eval, convolution_macs};

}  // namespace tenfold::ops
