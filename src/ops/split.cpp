// Split(data, split?) {axis, num_outputs}: parts of the given sizes, or of equal size with a smaller last
// one.
#include "base/math.hpp"
#include "ops/helpers.hpp"

namespace tenfold::ops {
namespace {

std::vector<int64_t> part_sizes(InferContext& c, int64_t extent) {
  const size_t n = c.outputs();
  if (auto sizes = c.content(1)) {
    if (sizes->size() != n) c.error("{} split sizes for {} outputs", sizes->size(), n);
    int64_t sum = 0;
    for (int64_t s : *sizes) {
      if (s < 0 && !is_symbol(s)) c.error("split size {}", s);
      sum = dim_add(c, sum, s);
    }
    if (sum != extent && !is_symbol(sum) && !is_symbol(extent))
      c.error("split sizes add up to {}, the axis has {}", sum, extent);
    return *sizes;
  }
  std::vector<int64_t> sizes;
  if (c.has_input(1)) {
    for (size_t i = 0; i < n; i++) sizes.push_back(c.data_dependent(i, 0));
    return sizes;
  }
  const auto parts = static_cast<int64_t>(n);
  if (c.attrs().get_int("num_outputs", parts) != parts)
    c.error("num_outputs is {}, the node has {}", c.attrs().get_int("num_outputs", 0), n);
  const int64_t size =
      is_symbol(extent) ? dim_div(c, dim_add(c, extent, parts - 1), parts) : ceil_div(extent, parts);
  int64_t rest = extent;
  for (int64_t i = 0; i + 1 < parts; i++) {
    sizes.push_back(dim_min(c, size, rest));
    rest = dim_sub(c, rest, sizes.back());
  }
  sizes.push_back(rest);
  return sizes;
}

void infer(InferContext& c) {
  if (c.outputs() == 0) c.error("no outputs");
  const Shape* in = c.shape(0);
  if (!in) {
    for (size_t i = 0; i < c.outputs(); i++) c.set(i, c.dtype(0), std::nullopt);
    return;
  }
  const int axis = c.axis(c.attrs().get_int("axis", 0), in->rank());
  const Shape whole = *in;
  const auto sizes = part_sizes(c, whole[axis]);
  const auto values = whole.rank() == 1 ? c.content(0) : std::nullopt;
  int64_t start = 0;
  for (size_t i = 0; i < c.outputs(); i++) {
    Shape part = whole;
    part[axis] = sizes[i];
    c.set(i, c.dtype(0), std::move(part));
    if (!values || is_symbol(sizes[i])) continue;
    if (start + sizes[i] > static_cast<int64_t>(values->size())) c.error("split sizes exceed the axis");
    c.set_content(i, std::vector<int64_t>(values->begin() + start, values->begin() + start + sizes[i]));
    start += sizes[i];
  }
}

void eval(const EvalContext& e) {
  const Extents in(*e.in(0).shape);
  const int axis = resolve_axis(e.attrs().get_int("axis", 0), in.rank);
  const int64_t outer = in.product(0, axis), inner = in.product(axis + 1, in.rank);
  int64_t start = 0;
  for (const TensorView& out : e.outputs) {
    if (!out.shape) fail(ErrorCode::internal, "Split: every output needs a buffer");
    const int64_t extent = (*out.shape)[axis];
    if (start + extent > in[axis])
      fail(ErrorCode::invalid_argument, "Split: the parts exceed an axis of extent {}", in[axis]);
    Walk<2> walk;
    walk.push(outer, {extent * inner, in[axis] * inner});
    walk.push(extent * inner, {1, 1});
    copy_strided(walk, out, 0, e.in(0), start * inner);
    start += extent;
  }
}

}  // namespace

extern const OpDef op_split = {"Split", OpKind::movement, 1, 2, -1, infer, eval};

}  // namespace tenfold::ops
