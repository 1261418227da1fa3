// MatMul: NumPy matrix product, with bias over the last axis (input 2), residual of the output's shape (input
// 3) and activation.
#include "ops/fusion.hpp"
#include "ops/matrix_product.hpp"

namespace tenfold::ops {
namespace {

void infer(InferContext& ctx) {
  const DType type = ctx.dtype(0);
  for (size_t i = 0; i < 4; i++) expect_dtype(ctx, i, {DType::f32, DType::f64, DType::i32, DType::i64});
  check_same_types(ctx, 0, ctx.inputs());
  fusion_of(ctx.node());
  const auto shape = matmul_shape(ctx, ctx.shape(0), ctx.shape(1));
  if (ctx.has_input(2) || ctx.has_input(3) || ctx.attrs().has("activation"))
    if (type != DType::f32) ctx.error("bias, residual and activation need f32");
  if (shape && shape->rank() > 0) expect_vector(ctx, 2, shape->back());
  expect_shape(ctx, 3, shape);
  ctx.set(0, type, shape);
}

void eval_f32(const EvalContext& ctx, const MatMul& p) {
  const Fusion fusion = fusion_of(ctx.node);
  const float* bias = ctx.has_input(2) ? ctx.in(2).as<float>() : nullptr;
  const float* residual = ctx.has_input(3) ? ctx.in(3).as<float>() : nullptr;
  p.batches.each([&](const auto& at) {
    float* y = ctx.out().as<float>() + at[2];
    const auto store = [&](const auto& sums, int64_t count, int64_t row, int64_t column) {
      float* to = y + row * p.n + column;
      for (int64_t i = 0; i < count; i++) {
        const double b = bias ? static_cast<double>(bias[column + i]) : 0.0;
        const double r = residual ? static_cast<double>(residual[to + i - ctx.out().as<float>()]) : 0.0;
        to[i] = static_cast<float>(sums[static_cast<size_t>(i)] + b + r);
      }
      fusion.apply({to, static_cast<size_t>(count)});
    };
    multiply_matrices<double>(p, ctx.in(0).as<float>() + at[0], p.k, 1, ctx.in(1).as<float>() + at[1], p.n, 1,
                              kMultiplyF32, store);
  });
}

/// f64 and integers (which wrap), without fusions.
template <class T>
void eval_plain(const EvalContext& ctx, const MatMul& p) {
  p.batches.each([&](const auto& at) {
    T* y = ctx.out().as<T>() + at[2];
    const T *a = ctx.in(0).as<T>() + at[0], *b = ctx.in(1).as<T>() + at[1];
    for (int64_t row = 0; row < p.m; row++)
      for (int64_t column = 0; column < p.n; column++) {
        T sum = 0;
        for (int64_t k = 0; k < p.k; k++)
          sum = wrap_add(sum, wrap_mul(a[row * p.k + k], b[k * p.n + column]));
        y[row * p.n + column] = sum;
      }
  });
}

void eval(const EvalContext& ctx) {
  const MatMul p = resolve_matmul(ctx.node, *ctx.in(0).shape, *ctx.in(1).shape);
  if (ctx.out().dtype == DType::f32) return eval_f32(ctx, p);
  dispatch_number(ctx.out().dtype, [&](auto tag) { eval_plain<decltype(tag)>(ctx, p); });
}

}  // namespace

extern const OpDef op_mat_mul;
const OpDef op_mat_mul{"MatMul", OpKind::other, 2, 4, 1, infer, eval, matmul_macs};

}  // namespace tenfold::ops
