// Shape(data) {start, end}: extents of axes [start, end) as i64.
#include <algorithm>

#include "ops/helpers.hpp"

namespace tenfold::ops {
namespace {

int64_t clamp_axis(int64_t axis, int rank) {
  return std::clamp<int64_t>(axis < 0 ? axis + rank : axis, 0, rank);
}

std::pair<int, int> range(const ir::Attributes& attrs, int rank) {
  const int64_t start = clamp_axis(attrs.get_int("start", 0), rank);
  const int64_t end = clamp_axis(attrs.get_int("end", rank), rank);
  return {static_cast<int>(start), static_cast<int>(std::max(start, end))};
}

void infer(InferContext& c) {
  const Shape* in = c.shape(0);
  if (!in) return c.set(0, DType::i64, Shape{c.data_dependent(0, 0)});
  const auto [start, end] = range(c.attrs(), in->rank());
  c.set(0, DType::i64, Shape{end - start});
  c.set_content(0, std::vector<int64_t>(in->begin() + start, in->begin() + end));
}

void eval(const EvalContext& e) {
  const Shape& in = *e.in(0).shape;
  const auto [start, end] = range(e.attrs(), in.rank());
  for (int i = start; i < end; i++) e.out().as<int64_t>()[i - start] = in[i];
}

}  // namespace

extern const OpDef op_shape = {"Shape", OpKind::other, 1, 1, 1, infer, eval};

}  // namespace tenfold::ops
