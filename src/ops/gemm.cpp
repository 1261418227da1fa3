// Gemm: activation(alpha * A' * B' + beta * C), A' and B' optionally transposed, C broadcast to [m, n].
#include "ops/fusion.hpp"
#include "ops/matrix_product.hpp"

namespace tenfold::ops {
namespace {

void check_c(InferContext& ctx, const Shape& out) {
  const Shape* c = ctx.has_input(2) ? ctx.shape(2) : nullptr;
  if (!c) return;
  bool fits = c->rank() <= 2;
  for (int i = 0; fits && i < c->rank(); i++) {
    const int64_t d = (*c)[c->rank() - 1 - i];
    fits = d == 1 || may_equal(d, out[1 - i]);
  }
  if (!fits) ctx.error("C of shape {} does not broadcast to {}", to_string(*c), to_string(out));
}

void infer(InferContext& ctx) {
  for (size_t i = 0; i < 3; i++) expect_dtype(ctx, i, {DType::f32});
  fusion_of(ctx.node());
  const Shape *a = ctx.shape(0), *b = ctx.shape(1);
  if (!a || !b) return ctx.set(0, DType::f32, std::nullopt);
  if (a->rank() != 2 || b->rank() != 2)
    ctx.error("operands of shapes {} and {}, both must be matrices", to_string(*a), to_string(*b));
  const int trans_a = flag_attr(ctx.node(), "transA"), trans_b = flag_attr(ctx.node(), "transB");
  if (!may_equal((*a)[1 - trans_a], (*b)[trans_b]))
    ctx.error("inner extents of {} (transA {}) and {} (transB {}) differ", to_string(*a), trans_a,
              to_string(*b), trans_b);
  const Shape out{(*a)[trans_a], (*b)[1 - trans_b]};
  check_c(ctx, out);
  ctx.set(0, DType::f32, out);
}

void eval(const EvalContext& ctx) {
  const Shape &a = *ctx.in(0).shape, &b = *ctx.in(1).shape;
  const bool trans_a = flag_attr(ctx.node, "transA"), trans_b = flag_attr(ctx.node, "transB");
  MatMul p;
  p.m = a[trans_a];
  p.k = a[1 - trans_a];
  p.n = b[1 - trans_b];
  const double alpha = static_cast<double>(ctx.attrs().get_float("alpha", 1)),
               beta = static_cast<double>(ctx.attrs().get_float("beta", 1));
  const Fusion fusion = fusion_of(ctx.node);
  const float* c = ctx.has_input(2) ? ctx.in(2).as<float>() : nullptr;
  int64_t c_row = 0, c_column = 0;
  if (c) {
    const Shape& s = *ctx.in(2).shape;
    c_column = s.rank() > 0 && s.back() != 1 ? 1 : 0;
    c_row = s.rank() == 2 && s[0] != 1 ? s[1] : 0;
  }
  const auto store = [&](const auto& sums, int64_t count, int64_t row, int64_t column) {
    float* y = ctx.out().as<float>() + row * p.n + column;
    for (int64_t i = 0; i < count; i++) {
      const double add = c ? beta * static_cast<double>(c[row * c_row + (column + i) * c_column]) : 0.0;
      y[i] = static_cast<float>(alpha * sums[static_cast<size_t>(i)] + add);
    }
    fusion.apply({y, static_cast<size_t>(count)});
  };
  multiply_matrices<double>(p, ctx.in(0).as<float>(), trans_a ? 1 : p.k, trans_a ? p.m : 1,
                            ctx.in(1).as<float>(), trans_b ? 1 : p.n, trans_b ? p.k : 1, kMultiplyF32, store);
}

double macs(const ir::Graph& graph, const ir::Node& node) {
  const auto& out = graph.value(node.output()).shape;
  const auto& a = graph.value(node.input(0)).shape;
  if (!out || !a || !out->is_static() || !a->is_static()) return 0;
  return static_cast<double>(out->elements()) * static_cast<double>((*a)[flag_attr(node, "transA") ? 0 : 1]);
}

}  // namespace

extern const OpDef op_gemm;
const OpDef op_gemm{"Gemm", OpKind::other, 2, 3, 1, infer, eval, macs};

}  // namespace tenfold::ops
