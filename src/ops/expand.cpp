// Expand(data, shape): broadcasts both ways.
#include "ops/helpers.hpp"

namespace tenfold::ops {
namespace {

void infer(InferContext& c) {
  check_type(c, 1, {DType::i64});
  const Shape *in = c.shape(0), *target_shape = c.shape(1);
  const auto target = c.content(1);
  if (!in) return c.set(0, c.dtype(0), std::nullopt);
  if (!target) {
    if (!target_shape || target_shape->rank() != 1 || is_symbol((*target_shape)[0]))
      return c.set(0, c.dtype(0), std::nullopt);
    const int64_t rank = std::max<int64_t>(in->rank(), (*target_shape)[0]);
    if (rank > kMaxRank) c.error("expands to rank {} (at most {})", rank, kMaxRank);
    Shape out;
    for (int i = 0; i < rank; i++) out.push_back(c.data_dependent(0, i));
    return c.set(0, c.dtype(0), std::move(out));
  }
  for (int64_t d : *target)
    if (d < 0 && !is_symbol(d)) c.error("target extent {}", d);
  Shape out = broadcast_shapes(c, *in, Shape(*target));
  const bool vector = out.rank() <= 1 && out.is_static() && out.elements() <= kMaxRank;
  const auto count = vector ? static_cast<size_t>(out.elements()) : 0;
  c.set(0, c.dtype(0), std::move(out));
  const auto values = vector ? c.content(0) : std::nullopt;
  if (!values) return;
  if (values->size() == count)
    pass_content(c);
  else if (values->size() == 1)
    c.set_content(0, std::vector<int64_t>(count, (*values)[0]));
}

void eval(const EvalContext& e) {
  const Shape& out = *e.out().shape;
  const Extents to = Extents(out).strides(), from = broadcast_strides(*e.in(0).shape, out);
  Walk<2> walk;
  for (int i = 0; i < out.rank(); i++) walk.push(out[i], {to[i], from[i]});
  copy_strided(walk, e.out(), 0, e.in(0), 0);
}

}  // namespace

extern const OpDef op_expand = {"Expand", OpKind::movement, 2, 2, 1, infer, eval};

}  // namespace tenfold::ops
