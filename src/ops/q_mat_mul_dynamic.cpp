// QMatMulDynamic: INT8 matrix product whose activation was quantized at run time.  Inputs x u8 [..., K],
// w s8 or s16 [K, N], multiplier f32 [N], bias f32 [N], and of x: scale f32 and zero point u8 (optional, 0),
// one value each.  y = fma(float(sum (x - zero_point) * w), multiplier * scale, bias), f32.
#include "ops/matrix_product.hpp"
#include "ops/requantize.hpp"

namespace tenfold::ops {
namespace {

void infer(InferContext& ctx) {
  const Shape *x = ctx.shape(0), *w = ctx.shape(1);
  if (w && w->rank() != 2) ctx.error("weights of shape {}, expected a matrix", to_string(*w));
  infer_dynamic(ctx, w ? (*w)[1] : 0, w ? matmul_shape(ctx, x, w) : std::nullopt);
}

void eval(const EvalContext& ctx) {
  const Shape& x = *ctx.in(0).shape;
  MatMul p;
  p.m = x.elements(0, x.rank() - 1);
  p.k = x.back();
  p.n = (*ctx.in(1).shape)[1];
  const float scale = *ctx.in(4).as<float>();
  const int zero = ctx.has_input(5) ? *ctx.in(5).as<uint8_t>() : 0;
  const auto *multiplier = ctx.in(2).as<float>(), *bias = ctx.in(3).as<float>();
  const auto multiply = [zero](uint8_t a, int b, int64_t, int64_t) {
    return static_cast<uint32_t>((a - zero) * b);
  };
  const auto store = [&](const auto& sums, int64_t count, int64_t row, int64_t column) {
    for (int64_t i = 0; i < count; i++) {
      const int64_t n = column + i;
      const auto sum = static_cast<int32_t>(sums[static_cast<size_t>(i)]);
      ctx.out().as<float>()[row * p.n + n] = Requantizer::real(sum, multiplier[n] * scale, bias[n]);
    }
  };
  with_weights(ctx, [&](const auto* w) {
    multiply_matrices<uint32_t>(p, ctx.in(0).as<uint8_t>(), p.k, 1, w, p.n, 1, multiply, store);
  });
}

}  // namespace

extern const OpDef op_q_mat_mul_dynamic;
const OpDef op_q_mat_mul_dynamic{"QMatMulDynamic", OpKind::other, 5, 6, 1, infer, eval, matmul_macs};

}  // namespace tenfold::ops
