#include "ops/global_pool.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "ops/checks.hpp"
#include "ops/fusion.hpp"

namespace tenfold::ops {
namespace {

void infer_average(InferContext& ctx) {
  expect_dtype(ctx, 0, {DType::f32});
  fusion_of(ctx.node());
  ctx.set(0, DType::f32, global_pool_shape(ctx));
}

void infer_max(InferContext& ctx) {
  expect_dtype(ctx, 0, {DType::f32, DType::u8});
  ctx.set(0, ctx.dtype(0), global_pool_shape(ctx));
}

void eval_average(const EvalContext& ctx) {
  const Fusion fusion = fusion_of(ctx.node);
  fold_pixels<float, float>(
      ctx, 0.0, [](double sum, float x) { return sum + static_cast<double>(x); },
      [&](double sum, int64_t pixels) {
        return fusion(static_cast<float>(sum / static_cast<double>(pixels)));
      });
}

void eval_max(const EvalContext& ctx) {
  const auto finish = [](auto best, int64_t) { return best; };
  if (ctx.in(0).dtype == DType::u8)
    fold_pixels<uint8_t, uint8_t>(
        ctx, uint8_t{0}, [](uint8_t best, uint8_t x) { return std::max(best, x); }, finish);
  else
    fold_pixels<float, float>(
        ctx, -std::numeric_limits<float>::infinity(),
        [](float best, float x) { return x > best || std::isnan(x) ? x : best; }, finish);
}

}  // namespace

std::optional<Shape> global_pool_shape(InferContext& ctx) {
  const Shape* x = ctx.shape(0);
  if (!x) return std::nullopt;
  Shape out = *x;
  for (int i = 0; i < spatial_rank(ctx.node(), *x, 1, kMaxRank - 2); i++)
    out[layout_of(ctx.node()).spatial_axis(i)] = 1;
  return out;
}

extern const OpDef op_global_average_pool, op_global_max_pool;
const OpDef op_global_average_pool{"GlobalAveragePool", OpKind::spatial, 1, 1, 1,
                                   infer_average,       eval_average};
const OpDef op_global_max_pool{"GlobalMaxPool", OpKind::spatial, 1, 1, 1, infer_max, eval_max};

}  // namespace tenfold::ops
