// QAveragePool and QGlobalAveragePool: the mean of u8 elements.  Attributes of the FP32 operators and scale
// (input scale by output scale), x_zero_point, y_zero_point; formulas: Pool and GlobalAverageU8 in
// kernels/kernels.hpp.  QGlobalAveragePool with `output` "f32": the means themselves, scale that of the
// input.
#include "ops/global_pool.hpp"
#include "ops/pool.hpp"
#include "ops/requantize.hpp"

namespace tenfold::ops {
namespace {

struct Mean {
  float scale;
  int x_zero, y_zero;
  explicit Mean(const ir::Node& node)
      : scale(node.attrs.get_float("scale", 1)),
        x_zero(zero_point_attr(node, "x_zero_point")),
        y_zero(zero_point_attr(node, "y_zero_point")) {}
  /// `sum` of elements less their zero point, over `count` elements; an empty window gives zero.
  float real(int64_t sum, int64_t count) const {
    return count == 0 ? 0.0f : static_cast<float>(sum) * (scale / static_cast<float>(count));
  }
  uint8_t operator()(int64_t sum, int64_t count) const { return quantize<uint8_t>(real(sum, count), y_zero); }
};

void infer_window(InferContext& ctx) {
  expect_dtype(ctx, 0, {DType::u8});
  Mean{ctx.node()};
  ctx.set(0, DType::u8, pool_shape(ctx));
}

void eval_window(const EvalContext& ctx) {
  const Pooling p = resolve_pool(ctx.node, *ctx.in(0).shape);
  const Mean mean(ctx.node);
  const bool include_pad = flag_attr(ctx.node, "count_include_pad");
  const uint8_t* x = ctx.in(0).as<uint8_t>();
  for_each_window(p, [&](const PoolWindow& w) {
    int64_t sum = 0;
    for_each_tap(p, w, [&](int64_t offset, int64_t, int64_t, int64_t) { sum += x[offset] - mean.x_zero; });
    ctx.out().as<uint8_t>()[w.y] = mean(sum, include_pad ? w.padded_taps : w.count());
  });
}

void infer_global(InferContext& ctx) {
  expect_dtype(ctx, 0, {DType::u8});
  Mean{ctx.node()};
  ctx.set(0, f32_output(ctx.node()) ? DType::f32 : DType::u8, global_pool_shape(ctx));
}

void eval_global(const EvalContext& ctx) {
  const Mean mean(ctx.node);
  const auto add = [&](int64_t sum, uint8_t x) { return sum + x - mean.x_zero; };
  if (f32_output(ctx.node))
    fold_pixels<float, uint8_t>(ctx, int64_t{0}, add,
                                [&](int64_t sum, int64_t count) { return mean.real(sum, count); });
  else
    fold_pixels<uint8_t, uint8_t>(ctx, int64_t{0}, add, mean);
}

}  // namespace

extern const OpDef op_q_average_pool, op_q_global_average_pool;
const OpDef op_q_average_pool{"QAveragePool", OpKind::spatial, 1, 1, 1, infer_window, eval_window};
const OpDef op_q_global_average_pool{"QGlobalAveragePool", OpKind::spatial, 1, 1, 1,
                                     infer_global,         eval_global};

}  // namespace tenfold::ops
