#include "ops/matrix_product.hpp"

#include "base/math.hpp"

namespace tenfold::ops {
namespace {

/// Leading axes of an operand: everything but the matrix or vector at its end.
int batch_rank(const Shape& s) { return std::max(0, s.rank() - 2); }

void check(const ir::Node& node, const Shape& a, const Shape& b) {
  if (a.rank() == 0 || b.rank() == 0) invalid(node, "a scalar operand; use Mul");
  const int64_t ka = a.back(), kb = b[std::max(0, b.rank() - 2)];
  if (!may_equal(ka, kb)) invalid(node, "inner extents of {} and {} differ", to_string(a), to_string(b));
}

}  // namespace

MatMul resolve_matmul(const ir::Node& node, const Shape& a, const Shape& b) {
  check(node, a, b);
  MatMul p;
  p.k = a.back();
  p.m = a.rank() > 1 ? a[a.rank() - 2] : 1;
  p.n = b.rank() > 1 ? b.back() : 1;
  const int rank = std::max(batch_rank(a), batch_rank(b));
  std::array<int64_t, kMaxRank> extent{};
  std::array<Walk<3>::Offsets, kMaxRank> step{};
  int64_t step_a = checked_mul(p.m, p.k), step_b = checked_mul(p.k, p.n), step_y = checked_mul(p.m, p.n);
  for (int i = 0; i < rank; i++) {  // from the innermost batch axis
    const auto axis = static_cast<size_t>(rank - 1 - i);
    const int64_t da = i < batch_rank(a) ? a[batch_rank(a) - 1 - i] : 1,
                  db = i < batch_rank(b) ? b[batch_rank(b) - 1 - i] : 1;
    if (da != db && da != 1 && db != 1)
      invalid(node, "shapes {} and {} do not broadcast", to_string(a), to_string(b));
    extent[axis] = da == 1 ? db : da;
    step[axis] = {da == 1 ? 0 : step_a, db == 1 ? 0 : step_b, step_y};
    step_a = checked_mul(step_a, da);
    step_b = checked_mul(step_b, db);
    step_y = checked_mul(step_y, extent[axis]);
  }
  for (int i = 0; i < rank; i++) p.batches.push(extent[static_cast<size_t>(i)], step[static_cast<size_t>(i)]);
  return p;
}

std::optional<Shape> matmul_shape(InferContext& ctx, const Shape* a, const Shape* b) {
  if (!a || !b) return std::nullopt;
  check(ctx.node(), *a, *b);
  const auto batch = [](const Shape& s) {
    return Shape(std::span(s.dims()).first(static_cast<size_t>(batch_rank(s))));
  };
  Shape out = broadcast_shapes(ctx, batch(*a), batch(*b));
  if (a->rank() > 1) out.push_back((*a)[a->rank() - 2]);
  if (b->rank() > 1) out.push_back(b->back());
  return out;
}

double matmul_macs(const ir::Graph& graph, const ir::Node& node) {
  const auto& out = graph.value(node.output()).shape;
  const auto& a = graph.value(node.input(0)).shape;
  if (!out || !a || !out->is_static() || a->rank() == 0 || is_symbol(a->back())) return 0;
  return static_cast<double>(out->elements()) * static_cast<double>(a->back());
}

}  // namespace tenfold::ops
