// LpPool: the p-norm of each window.
#include "ops/checks.hpp"
#include "ops/pool.hpp"

namespace tenfold::ops {
namespace {

void infer(InferContext& ctx) {
  expect_dtype(ctx, 0, {DType::f32});
  int_attr(ctx.node(), "p", 2, 1, 1000);
  ctx.set(0, DType::f32, pool_shape(ctx));
}

void eval(const EvalContext& ctx) {
  const Pooling pool = resolve_pool(ctx.node, *ctx.in(0).shape);
  const double p = static_cast<double>(ctx.attrs().get_int("p", 2));
  const float* x = ctx.in(0).as<float>();
  for_each_window(pool, [&](const PoolWindow& w) {
    double sum = 0;
    for_each_tap(pool, w, [&](int64_t offset, int64_t, int64_t, int64_t) {
      sum += std::pow(std::abs(static_cast<double>(x[offset])), p);
    });
    ctx.out().as<float>()[w.y] = static_cast<float>(std::pow(sum, 1 / p));
  });
}

}  // namespace

extern const OpDef op_lp_pool;
const OpDef op_lp_pool{"LpPool", OpKind::spatial, 1, 1, 1, infer, eval};

}  // namespace tenfold::ops
