// QAdd and QMul: u8 sum and product with NumPy broadcasting, requantized.  Attributes a_scale, b_scale,
// offset, a_zero_point, b_zero_point, y_zero_point, table; formulas: BinaryU8 in kernels/kernels.hpp.
#include "ops/requantize.hpp"

namespace tenfold::ops {
namespace {

void infer(InferContext& ctx) {
  expect_dtype(ctx, 0, {DType::u8});
  expect_dtype(ctx, 1, {DType::u8});
  for (const char* name : {"a_zero_point", "b_zero_point", "y_zero_point"}) zero_point_attr(ctx.node(), name);
  table_attr(ctx.node(), "table");
  const Shape *a = ctx.shape(0), *b = ctx.shape(1);
  ctx.set(0, DType::u8, a && b ? std::optional<Shape>(broadcast_shapes(ctx, *a, *b)) : std::nullopt);
}

/// y = table[quantize(combine(a, b))] over the broadcast shape.
template <class Combine>
void for_each_pair(const EvalContext& ctx, Combine&& combine) {
  const int zero = zero_point_attr(ctx.node, "y_zero_point");
  const uint8_t* table = table_attr(ctx.node, "table");
  const uint8_t *a = ctx.in(0).as<uint8_t>(), *b = ctx.in(1).as<uint8_t>();
  uint8_t* y = ctx.out().as<uint8_t>();
  const Shape& shape = *ctx.out().shape;
  const Extents sa = broadcast_strides(*ctx.in(0).shape, shape),
                sb = broadcast_strides(*ctx.in(1).shape, shape);
  const Extents sy = Extents(shape).strides();
  Walk<3> walk;
  for (int i = 0; i < shape.rank(); i++) walk.push(shape[i], {sa[i], sb[i], sy[i]});
  walk.rows([&](const auto& at, const auto& step, int64_t count) {
    for (int64_t i = 0; i < count; i++) {
      const float v = combine(a[at[0] + i * step[0]], b[at[1] + i * step[1]]);
      const uint8_t q = quantize<uint8_t>(v, zero);
      y[at[2] + i * step[2]] = table ? table[q] : q;
    }
  });
}

void eval_add(const EvalContext& ctx) {
  const float a_scale = ctx.attrs().get_float("a_scale", 0), b_scale = ctx.attrs().get_float("b_scale", 0);
  const float offset = ctx.attrs().get_float("offset", 0);
  for_each_pair(ctx, [=](uint8_t a, uint8_t b) {
    return std::fmaf(static_cast<float>(a), a_scale, std::fmaf(static_cast<float>(b), b_scale, offset));
  });
}

void eval_mul(const EvalContext& ctx) {
  const float scale = ctx.attrs().get_float("a_scale", 0);
  const int a_zero = zero_point_attr(ctx.node, "a_zero_point"),
            b_zero = zero_point_attr(ctx.node, "b_zero_point");
  for_each_pair(
      ctx, [=](uint8_t a, uint8_t b) { return static_cast<float>((a - a_zero) * (b - b_zero)) * scale; });
}

}  // namespace

extern const OpDef op_q_add, op_q_mul;
const OpDef op_q_add{"QAdd", OpKind::binary, 2, 2, 1, infer, eval_add};
const OpDef op_q_mul{"QMul", OpKind::binary, 2, 2, 1, infer, eval_mul};

}  // namespace tenfold::ops
