// MatMulInteger: (a - a_zero_point) * (b - b_zero_point) in int32; zero points are scalars, per row of a or
// per column of b.
#include "ops/matrix_product.hpp"

namespace tenfold::ops {
namespace {

void check_zero_point(InferContext& ctx, size_t input, size_t of, int64_t length) {
  if (!ctx.has_input(input)) return;
  expect_dtype(ctx, input, {ctx.dtype(of)});
  const Shape* s = ctx.shape(input);
  if (!s || s->rank() == 0) return;
  if (s->rank() > 1)
    unsupported(ctx.node(), "a zero point of shape {}; scalars and vectors are", to_string(*s));
  if ((*s)[0] != 1) expect_vector(ctx, input, length);
}

void infer(InferContext& ctx) {
  expect_dtype(ctx, 0, {DType::u8, DType::s8});
  expect_dtype(ctx, 1, {DType::u8, DType::s8});
  const Shape *a = ctx.shape(0), *b = ctx.shape(1);
  const auto y = matmul_shape(ctx, a, b);
  if (y) {
    check_zero_point(ctx, 2, 0, a->rank() > 1 ? (*a)[a->rank() - 2] : 1);
    check_zero_point(ctx, 3, 1, b->rank() > 1 ? b->back() : 1);
  }
  ctx.set(0, DType::i32, y);
}

/// Zero points of rows or columns; zeros where the input is omitted.
template <class T>
struct ZeroPoint {
  const T* data = nullptr;
  int64_t step = 0;
  ZeroPoint(const EvalContext& ctx, size_t i) {
    if (!ctx.has_input(i)) return;
    data = ctx.in(i).as<T>();
    step = ctx.in(i).elements() > 1 ? 1 : 0;
  }
  int operator[](int64_t i) const { return data ? data[i * step] : 0; }
};

template <class A, class B>
void eval_as(const EvalContext& ctx) {
  const MatMul p = resolve_matmul(ctx.node, *ctx.in(0).shape, *ctx.in(1).shape);
  const ZeroPoint<A> a_zero(ctx, 2);
  const ZeroPoint<B> b_zero(ctx, 3);
  const auto multiply = [&](A a, B b, int64_t row, int64_t column) {
    return static_cast<uint32_t>((a - a_zero[row]) * (b - b_zero[column]));
  };
  p.batches.each([&](const auto& at) {
    int32_t* y = ctx.out().as<int32_t>() + at[2];
    multiply_matrices<uint32_t>(p, ctx.in(0).as<A>() + at[0], p.k, 1, ctx.in(1).as<B>() + at[1], p.n, 1,
                                multiply, [&](const auto& sums, int64_t count, int64_t row, int64_t column) {
                                  for (int64_t i = 0; i < count; i++)
                                    y[row * p.n + column + i] =
                                        static_cast<int32_t>(sums[static_cast<size_t>(i)]);
                                });
  });
}

void eval(const EvalContext& ctx) {
  const bool a_signed = ctx.in(0).dtype == DType::s8, b_signed = ctx.in(1).dtype == DType::s8;
  if (a_signed) return b_signed ? eval_as<int8_t, int8_t>(ctx) : eval_as<int8_t, uint8_t>(ctx);
  return b_signed ? eval_as<uint8_t, int8_t>(ctx) : eval_as<uint8_t, uint8_t>(ctx);
}

}  // namespace

extern const OpDef op_mat_mul_integer;
const OpDef op_mat_mul_integer{"MatMulInteger", OpKind::other, 2, 4, 1, infer, eval, matmul_macs};

}  // namespace tenfold::ops
