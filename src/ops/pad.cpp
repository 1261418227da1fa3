// Pad(data, pads, value?, axes?) {mode: constant, reflect, edge, wrap}; negative pads crop.
#include "ops/helpers.hpp"

namespace tenfold::ops {
namespace {

enum class Mode { constant, reflect, edge, wrap };

std::optional<Mode> mode_of(std::string_view name) {
  if (name == "constant") return Mode::constant;
  if (name == "reflect") return Mode::reflect;
  if (name == "edge") return Mode::edge;
  if (name == "wrap") return Mode::wrap;
  return std::nullopt;
}

/// The pads where they are known; exact, while positions() cuts what lies far past an end, as Slice wants it.
std::optional<std::vector<int64_t>> exact_pads(const InferContext& c) {
  const Tensor* constant = c.constant(1);
  if (!constant) return c.content(1);
  std::vector<int64_t> pads(static_cast<size_t>(constant->elements()));
  for (size_t i = 0; i < pads.size(); i++) {
    pads[i] = constant->at_int(static_cast<int64_t>(i));
    if (is_symbol(pads[i])) c.error("a pad of {} crops more than any axis has", pads[i]);
  }
  return pads;
}

void infer(InferContext& c) {
  const auto mode = mode_of(c.attrs().get_string("mode", "constant"));
  if (!mode) c.error("mode '{}'", c.attrs().get_string("mode", ""));
  check_type(c, 1, {DType::i64});
  if (c.has_input(2) && c.dtype(2) != c.dtype(0)) c.error("data and constant_value have different types");
  if (const Shape* v = c.shape(2); v && v->is_static() && v->elements() != 1)
    c.error("constant_value is no scalar");
  const Shape* in = c.shape(0);
  if (!in) return c.set(0, c.dtype(0), std::nullopt);
  if (c.has_input(3)) check_type(c, 3, kIndices);
  const auto pads = exact_pads(c), axes = positions(c, 3);
  Shape out = *in;
  if (!pads || (c.has_input(3) && !axes)) {
    for (int i = 0; i < out.rank(); i++) out[i] = c.data_dependent(0, i);
    return c.set(0, c.dtype(0), std::move(out));
  }
  const size_t n = axes ? axes->size() : static_cast<size_t>(in->rank());
  if (pads->size() != 2 * n) c.error("{} pads for {} axes", pads->size(), n);
  for (size_t i = 0; i < n; i++) {
    const int axis = c.axis(axes ? (*axes)[i] : static_cast<int64_t>(i), in->rank());
    out[axis] = dim_add(c, out[axis], dim_add(c, (*pads)[i], (*pads)[n + i]));
    if (out[axis] < 0 && !is_symbol(out[axis]))
      c.error("axis {} of extent {} is cropped below zero", axis, (*in)[axis]);
    if (*mode != Mode::constant && (*in)[axis] == 0 && out[axis] != 0)
      c.error("axis {} is empty and has nothing to repeat", axis);
  }
  c.set(0, c.dtype(0), std::move(out));
}

/// The source of position i on an axis of extent d, or -1 for the constant.
int64_t source(int64_t i, int64_t d, Mode mode) {
  if (i >= 0 && i < d) return i;
  switch (mode) {
    case Mode::constant:
      return -1;
    case Mode::edge:
      return i < 0 ? 0 : d - 1;
    case Mode::wrap:
      return ((i % d) + d) % d;
    case Mode::reflect: {
      if (d == 1) return 0;
      const int64_t period = 2 * (d - 1), k = ((i % period) + period) % period;
      return k < d ? k : period - k;
    }
  }
  return -1;
}

/// The first of the last axes that stay as they are.
int first_whole_axis(const Extents& in, const Extents& out, const Extents& before) {
  int axis = in.rank;
  while (axis > 0 && in[axis - 1] == out[axis - 1] && before[axis - 1] == 0) axis--;
  return axis;
}

/// Fills the block of the output from `axis` on; `from` is -1 where an outer axis is in the padding.
template <class T>
struct Filler {
  const Extents &in, &out, &before, in_strides, out_strides;
  int whole;  ///< first_whole_axis()
  Mode mode;
  T value;
  const T* x;
  T* y;

  void fill(int axis, int64_t to, int64_t from) const {
    if (from < 0) {
      std::fill_n(y + to, out.product(axis, out.rank), value);
    } else if (axis >= whole) {
      std::copy_n(x + from, out.product(axis, out.rank), y + to);
    } else {
      // What lies inside the input along the last axis that is padded is one run.
      const int64_t first = std::clamp<int64_t>(before[axis], 0, out[axis]),
                    last = std::clamp<int64_t>(before[axis] + in[axis], first, out[axis]);
      const bool one_run = axis + 1 == whole;
      positions(axis, to, from, 0, one_run ? first : out[axis]);
      if (!one_run) return;
      const int64_t step = out_strides[axis];
      if (first < last)
        std::copy_n(x + from + (first - before[axis]) * step, (last - first) * step, y + to + first * step);
      positions(axis, to, from, last, out[axis]);
    }
  }
  void positions(int axis, int64_t to, int64_t from, int64_t begin, int64_t end) const {
    for (int64_t i = begin; i < end; i++) {
      const int64_t at = source(i - before[axis], in[axis], mode);
      fill(axis + 1, to + i * out_strides[axis], at < 0 ? -1 : from + at * in_strides[axis]);
    }
  }
};

void eval(const EvalContext& e) {
  const Extents in(*e.in(0).shape), out(*e.out().shape);
  Extents before, after;
  before.rank = after.rank = in.rank;
  const int64_t n = e.has_input(3) ? e.in(3).elements() : in.rank;
  for (int64_t i = 0; i < n; i++) {
    const int axis = resolve_axis(e.has_input(3) ? index_at(e.in(3), i) : i, in.rank);
    before[axis] += index_at(e.in(1), i);
    after[axis] += index_at(e.in(1), n + i);
  }
  const Mode mode = *mode_of(text_attr(e.attrs(), "mode", "constant"));
  for (int i = 0; i < in.rank; i++) {
    if (in[i] + before[i] + after[i] != out[i])
      fail(ErrorCode::invalid_argument, "Pad: axis {} was planned for extent {}", i, out[i]);
    if (mode != Mode::constant && in[i] == 0 && out[i] > 0)
      fail(ErrorCode::invalid_argument, "Pad: an empty axis has nothing to repeat");
  }
  dispatch_size(e.in(0).dtype, [&](auto tag) {
    using T = decltype(tag);
    const T value = e.has_input(2) ? *e.in(2).as<T>() : T(0);
    Filler<T>{in,   out,   before,          in.strides(),   out.strides(), first_whole_axis(in, out, before),
              mode, value, e.in(0).as<T>(), e.out().as<T>()}
        .fill(0, 0, 0);
  });
}

}  // namespace

extern const OpDef op_pad = {"Pad", OpKind::movement, 2, 4, 1, infer, eval};

}  // namespace tenfold::ops
