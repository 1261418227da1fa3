// AveragePool: the mean of each window, over the elements inside the input or, with count_include_pad, inside
// input and padding.
#include "ops/checks.hpp"
#include "ops/fusion.hpp"
#include "ops/pool.hpp"

namespace tenfold::ops {
namespace {

void infer(InferContext& ctx) {
  expect_dtype(ctx, 0, {DType::f32});
  fusion_of(ctx.node());
  ctx.set(0, DType::f32, pool_shape(ctx));
}

void eval(const EvalContext& ctx) {
  const Pooling p = resolve_pool(ctx.node, *ctx.in(0).shape);
  const Fusion fusion = fusion_of(ctx.node);
  const bool include_pad = flag_attr(ctx.node, "count_include_pad");
  const float* x = ctx.in(0).as<float>();
  for_each_window(p, [&](const PoolWindow& w) {
    double sum = 0;
    for_each_tap(p, w,
                 [&](int64_t offset, int64_t, int64_t, int64_t) { sum += static_cast<double>(x[offset]); });
    const int64_t count = include_pad ? w.padded_taps : w.count();
    ctx.out().as<float>()[w.y] = fusion(count ? static_cast<float>(sum / static_cast<double>(count)) : 0.0f);
  });
}

}  // namespace

extern const OpDef op_average_pool;
const OpDef op_average_pool{"AveragePool", OpKind::spatial, 1, 1, 1, infer, eval};

}  // namespace tenfold::ops
