// QMatMul: INT8 matrix product.  Inputs x u8 [..., K], w s8 or s16 [K, N] or with transB [N, K], multiplier
// f32 [N], bias f32 [N], residual u8 (optional, of the output's shape); attributes of requantize.hpp.
#include "ops/matrix_product.hpp"
#include "ops/requantize.hpp"

namespace tenfold::ops {
namespace {

bool transposed(const ir::Node& n) { return n.attrs.get_int("transB", 0) != 0; }

void infer(InferContext& ctx) {
  const Shape *x = ctx.shape(0), *w = ctx.shape(1);
  if (w && w->rank() != 2) ctx.error("weights of shape {}, expected a matrix", to_string(*w));
  if (!w) return infer_requantized(ctx, 0, std::nullopt);
  const Shape columns = transposed(ctx.node()) ? Shape{(*w)[1], (*w)[0]} : *w;
  infer_requantized(ctx, columns[1], matmul_shape(ctx, x, &columns));
}

void eval(const EvalContext& ctx) {
  const Shape& x = *ctx.in(0).shape;
  MatMul p;
  p.m = x.elements(0, x.rank() - 1);
  p.k = x.back();
  const bool flipped = transposed(ctx.node);
  p.n = (*ctx.in(1).shape)[flipped ? 0 : 1];
  const RequantizedOutput out(ctx);
  const int zero = zero_point_attr(ctx.node, "x_zero_point");
  const auto multiply = [zero](uint8_t a, int b, int64_t, int64_t) {
    return static_cast<uint32_t>((a - zero) * b);
  };
  const auto store = [&](const auto& sums, int64_t count, int64_t row, int64_t column) {
    for (int64_t i = 0; i < count; i++)
      out.store(row * p.n + column + i, column + i, sums[static_cast<size_t>(i)]);
  };
  with_weights(ctx, [&](const auto* w) {
    multiply_matrices<uint32_t>(p, ctx.in(0).as<uint8_t>(), p.k, 1, w, flipped ? 1 : p.n, flipped ? p.k : 1,
                                multiply, store);
  });
}

}  // namespace

extern const OpDef op_q_mat_mul;
const OpDef op_q_mat_mul{"QMatMul", OpKind::other, 4, 5, 1, infer, eval, matmul_macs};

}  // namespace tenfold::ops
