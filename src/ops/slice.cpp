// Slice(data, starts, ends, axes?, steps?): NumPy slicing; positions past an end are clamped.
#include "base/math.hpp"
#include "ops/helpers.hpp"

namespace tenfold::ops {
namespace {

/// Known extents: the first position and the number of elements of [start : end : step] on an axis of extent
/// d.
struct Range {
  int64_t start, count;
};
Range resolve(int64_t start, int64_t end, int64_t step, int64_t d) {
  if (d == 0) return {0, 0};
  const auto from_end = [d](int64_t x) { return x < 0 ? std::max<int64_t>(x, -d - 1) + d : x; };
  // A backward slice may end before position 0, which is -1 here.
  const int64_t first = std::clamp<int64_t>(from_end(start), 0, step < 0 ? d - 1 : d);
  const int64_t last = std::clamp<int64_t>(from_end(end), step < 0 ? -1 : 0, step < 0 ? d - 1 : d);
  const int64_t distance = step < 0 ? first - last : last - first;
  const uint64_t stride = step < 0 ? uint64_t{0} - static_cast<uint64_t>(step) : static_cast<uint64_t>(step);
  return {first,
          distance <= 0 ? 0 : static_cast<int64_t>((static_cast<uint64_t>(distance) - 1) / stride) + 1};
}

/// Exporters write the largest 32-bit or 64-bit integer for "to the end", and its negative for "from the
/// end".
constexpr int64_t kFar = std::numeric_limits<int32_t>::max();

/// A position on an axis of extent d, where one of the two is a symbol.
int64_t clamp_symbolic(InferContext& c, int64_t x, int64_t d) {
  if (!is_symbol(x) && x < 0) return dim_max(c, 0, dim_add(c, d, x));
  if (!is_symbol(x) && x >= kFar) return d;
  return dim_min(c, x, d);
}

int64_t count(InferContext& c, int64_t start, int64_t end, int64_t step, int64_t d, int axis) {
  if (!is_symbol(start) && !is_symbol(end) && !is_symbol(d)) return resolve(start, end, step, d).count;
  if (step > 0) {
    const int64_t distance =
        dim_max(c, 0, dim_sub(c, clamp_symbolic(c, end, d), clamp_symbolic(c, start, d)));
    return step == 1 ? distance : dim_div(c, dim_add(c, distance, step - 1), step);
  }
  const bool whole = (start == -1 || start >= kFar) && !is_symbol(end) && end <= -kFar;
  return whole && step == -1 ? d : c.data_dependent(0, axis);
}

void propagate(InferContext& c, int64_t start, int64_t end, int64_t step) {
  const auto values = c.content(0);
  if (!values || is_symbol(start) || is_symbol(end)) return;
  const Range r = resolve(start, end, step, static_cast<int64_t>(values->size()));
  std::vector<int64_t> taken;
  for (int64_t i = 0; i < r.count; i++) taken.push_back((*values)[static_cast<size_t>(r.start + i * step)]);
  c.set_content(0, std::move(taken));
}

void infer(InferContext& c) {
  const Shape* in = c.shape(0);
  if (!in) return c.set(0, c.dtype(0), std::nullopt);
  for (size_t i = 1; i < c.inputs(); i++)
    if (c.has_input(i)) check_type(c, i, kIndices);
  const auto starts = positions(c, 1), ends = positions(c, 2), steps = positions(c, 4);
  auto axes = positions(c, 3);
  if (c.has_input(3) && !axes) return c.set(0, c.dtype(0), std::nullopt);
  size_t n = 0;
  if (axes)
    n = axes->size();
  else if (starts)
    n = starts->size();
  else if (ends)
    n = ends->size();
  else
    n = static_cast<size_t>(in->rank());
  if ((starts && starts->size() != n) || (ends && ends->size() != n) || (steps && steps->size() != n))
    c.error("starts, ends, axes and steps differ in length");
  if (n > static_cast<size_t>(in->rank())) c.error("{} slices of a tensor of rank {}", n, in->rank());
  Shape out = *in;
  uint32_t seen = 0;
  for (size_t i = 0; i < n; i++) {
    const int axis = c.axis(axes ? (*axes)[i] : static_cast<int64_t>(i), in->rank());
    if (seen >> axis & 1) c.error("axis {} is sliced twice", axis);
    seen |= 1u << axis;
    const int64_t step = !c.has_input(4) ? 1 : steps ? (*steps)[i] : 0;
    if (steps && step == 0) c.error("step 0");
    const bool known = starts && ends && step != 0 && !is_symbol(step);
    out[axis] =
        known ? count(c, (*starts)[i], (*ends)[i], step, (*in)[axis], axis) : c.data_dependent(0, axis);
  }
  const bool vector = in->rank() == 1 && n == 1 && starts && ends && (!c.has_input(4) || steps);
  c.set(0, c.dtype(0), std::move(out));
  if (vector) propagate(c, (*starts)[0], (*ends)[0], steps ? (*steps)[0] : 1);
}

void eval(const EvalContext& e) {
  const Extents in(*e.in(0).shape), out(*e.out().shape);
  const Extents from = in.strides(), to = out.strides();
  Extents first, step = from;
  first.rank = in.rank;
  const int64_t n = e.in(1).elements();
  Extents expected = in;
  for (int64_t i = 0; i < n; i++) {
    const int axis = resolve_axis(e.has_input(3) ? index_at(e.in(3), i) : i, in.rank);
    const int64_t by = e.has_input(4) ? index_at(e.in(4), i) : 1;
    if (by == 0) fail(ErrorCode::invalid_argument, "Slice: step 0");
    const Range r = resolve(index_at(e.in(1), i), index_at(e.in(2), i), by, in[axis]);
    first[axis] = r.start;
    expected[axis] = r.count;
    step[axis] = r.count > 1 ? by * from[axis] : from[axis];
  }
  Walk<2> walk;
  int64_t start = 0;
  for (int i = 0; i < in.rank; i++) {
    if (out[i] != expected[i])
      fail(ErrorCode::invalid_argument, "Slice: {} elements on axis {}, planned for {}", expected[i], i,
           out[i]);
    walk.push(out[i], {to[i], step[i]});
    start += first[i] * from[i];
  }
  copy_strided(walk, e.out(), 0, e.in(0), start);
}

}  // namespace

extern const OpDef op_slice = {"Slice", OpKind::movement, 3, 5, 1, infer, eval};

}  // namespace tenfold::ops
