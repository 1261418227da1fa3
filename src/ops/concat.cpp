// Concat(inputs...) {axis}.
#include "ops/helpers.hpp"

namespace tenfold::ops {
namespace {

void infer(InferContext& c) {
  check_same_types(c, 0, c.inputs());
  if (!c.attrs().has("axis")) c.error("attribute 'axis' is missing");
  std::optional<Shape> out;
  int axis = 0;
  bool complete = true;
  for (size_t i = 0; i < c.inputs(); i++) {
    if (!c.has_input(i)) c.error("input {} is missing", i);
    const Shape* s = c.shape(i);
    if (!s) {
      complete = false;
      continue;
    }
    if (!out) {
      axis = c.axis(c.attrs().get_int("axis", 0), s->rank());
      out = *s;
      continue;
    }
    if (s->rank() != out->rank()) c.error("inputs of rank {} and {}", out->rank(), s->rank());
    for (int d = 0; d < s->rank(); d++)
      (*out)[d] = d == axis ? dim_add(c, (*out)[d], (*s)[d])
                            : dim_same(c, (*out)[d], (*s)[d], fmt::format("axis {}", d));
  }
  if (out && !complete) (*out)[axis] = c.data_dependent(0, axis);
  c.set(0, c.dtype(0), out);
  if (!out || out->rank() != 1) return;
  if (auto parts = all_contents(c)) {
    std::vector<int64_t> values;
    for (const auto& part : *parts) values.insert(values.end(), part.begin(), part.end());
    c.set_content(0, std::move(values));
  }
}

void eval(const EvalContext& e) {
  const Extents out(*e.out().shape);
  const int axis = resolve_axis(e.attrs().get_int("axis", 0), out.rank);
  const int64_t outer = out.product(0, axis), inner = out.product(axis + 1, out.rank);
  int64_t start = 0;
  for (const TensorView& in : e.inputs) {
    const int64_t run = (*in.shape)[axis] * inner;
    Walk<2> walk;
    walk.push(outer, {out[axis] * inner, run});
    walk.push(run, {1, 1});
    copy_strided(walk, e.out(), start, in, 0);
    start += run;
  }
}

}  // namespace

extern const OpDef op_concat = {"Concat", OpKind::movement, 1, -1, 1, infer, eval};

}  // namespace tenfold::ops
