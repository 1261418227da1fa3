// Resize: nearest, linear or cubic interpolation along any axes.  Inputs: x, region of interest, scales,
// sizes; exactly one of the last two, for the axes in attribute `axes` (absent: all).
#include <algorithm>

#include "base/math.hpp"
#include "ops/resize_axis.hpp"

namespace tenfold::ops {
namespace {

constexpr int kMaxTaps = 256;
/// An empty tensor counts as omitted.
bool given(const Tensor* t) { return t && t->elements() > 0; }
size_t at(int i) { return static_cast<size_t>(i); }

/// Which axis entry i of scales, sizes or the region of interest is about.
int listed_axis(const ir::Node& node, int i, int rank) {
  const auto axes = int_list(node.attrs, "axes");
  return axes.empty() ? i : resolve_axis(axes[at(i)], rank);
}
int listed_axes(const ir::Node& node, int rank) {
  const auto axes = int_list(node.attrs, "axes");
  return axes.empty() ? rank : static_cast<int>(axes.size());
}

// ---- inference
// ------------------------------------------------------------------------------------------------------

int64_t scaled_extent(InferContext& ctx, int64_t in, float scale, int axis) {
  if (!(scale > 0) || !(scale < 1e9f)) ctx.error("scale {}", scale);
  if (scale == 1) return in;
  if (!is_symbol(in)) {
    // In single precision as in ONNX Runtime and PyTorch: 10 * 0.7f is 7 there and a little less in double.
    const float out = std::floor(static_cast<float>(in) * scale);
    if (out > 1e15f) ctx.error("extent {} times scale {}", in, scale);
    return static_cast<int64_t>(out);
  }
  return scale == std::floor(scale) ? dim_mul(ctx, in, static_cast<int64_t>(scale))
                                    : ctx.data_dependent(0, axis);
}

/// The common scale of keep_aspect_ratio_policy not_larger or not_smaller; 0 for stretch.
float common_scale(const ir::Node& node, std::span<const int64_t> sizes, const Shape& x) {
  const std::string_view policy = text_attr(node.attrs, "keep_aspect_ratio_policy", "stretch");
  if (policy == "stretch") return 0;
  if (policy != "not_larger" && policy != "not_smaller")
    invalid(node, "unknown keep_aspect_ratio_policy '{}'", policy);
  float common = 0;
  for (size_t i = 0; i < sizes.size(); i++) {
    const int64_t in = x[listed_axis(node, static_cast<int>(i), x.rank())];
    if (in <= 0) invalid(node, "keep_aspect_ratio_policy for an input of shape {}", to_string(x));
    const float scale = static_cast<float>(sizes[i]) / static_cast<float>(in);
    common = i == 0 ? scale : policy == "not_larger" ? std::min(common, scale) : std::max(common, scale);
  }
  return common;
}

void check_axes(InferContext& ctx, int rank) {
  std::array<bool, kMaxRank> seen{};
  for (int64_t axis : int_list(ctx.attrs(), "axes")) {
    bool& s = seen[at(ctx.axis(axis, rank))];
    if (s) ctx.error("axis {} twice in attribute 'axes'", axis);
    s = true;
  }
}

void set_sizes(InferContext& ctx, const std::vector<int64_t>& sizes, Shape& out) {
  const Shape x = out;
  const bool known = x.is_static() && std::none_of(sizes.begin(), sizes.end(), is_symbol);
  const bool stretch = text_attr(ctx.attrs(), "keep_aspect_ratio_policy", "stretch") == "stretch";
  const float common = known && !stretch ? common_scale(ctx.node(), sizes, x) : 0;
  for (int i = 0; i < static_cast<int>(sizes.size()); i++) {
    const int axis = listed_axis(ctx.node(), i, x.rank());
    if (stretch)
      out[axis] = sizes[at(i)];
    else
      out[axis] = known ? std::llround(common * static_cast<float>(x[axis])) : ctx.data_dependent(0, axis);
    if (!is_symbol(out[axis]) && out[axis] < 0) ctx.error("size {}", out[axis]);
    if (x[axis] == 0 && out[axis] != 0) ctx.error("axis {} of extent 0 cannot grow", axis);
  }
}

void infer(InferContext& ctx) {
  const ResizeOptions options = read_resize_options(ctx.node());
  if (options.mode != ResizeMode::nearest)
    expect_dtype(ctx, 0, {DType::f32, DType::u8, DType::s8, DType::i32});
  expect_dtype(ctx, 2, {DType::f32});
  expect_dtype(ctx, 3, {DType::i64});
  const Shape* x = ctx.shape(0);
  if (!x) return ctx.set(0, ctx.dtype(0), std::nullopt);
  check_axes(ctx, x->rank());
  const int count = listed_axes(ctx.node(), x->rank());
  const Tensor* scales = ctx.constant(2);
  const auto sizes = ctx.content(3);
  Shape out = *x;
  if (sizes && !sizes->empty()) {
    if (static_cast<int>(sizes->size()) != count) ctx.error("{} sizes for {} axes", sizes->size(), count);
    set_sizes(ctx, *sizes, out);
  } else if (given(scales)) {
    if (scales->elements() != count) ctx.error("{} scales for {} axes", scales->elements(), count);
    for (int i = 0; i < count; i++) {
      const int axis = listed_axis(ctx.node(), i, x->rank());
      out[axis] = scaled_extent(ctx, (*x)[axis], scales->data<float>()[i], axis);
    }
  } else {
    if ((scales || !ctx.has_input(2)) && !ctx.has_input(3)) ctx.error("neither scales nor sizes");
    for (int i = 0; i < count; i++) {
      const int axis = listed_axis(ctx.node(), i, x->rank());
      out[axis] = ctx.data_dependent(0, axis);
    }
  }
  ctx.set(0, ctx.dtype(0), out);
}

// ---- evaluation
// -----------------------------------------------------------------------------------------------------

/// A resolved Resize.  Axes behind the last one that changes are one contiguous block.
struct Plan {
  ResizeOptions options;
  int rank = 0;
  std::array<ResizeAxis, kMaxRank> axes{};
  std::array<int64_t, kMaxRank> step{};  ///< element strides of the input
  int64_t block = 1;
};

Plan resolve(const EvalContext& ctx) {
  const Shape& x = *ctx.in(0).shape;
  Plan p;
  p.options = read_resize_options(ctx.node);
  p.axes = resize_axes(ctx);
  p.rank = x.rank();
  while (p.rank > 0 && p.axes[at(p.rank - 1)].identity(p.options)) p.block *= p.axes[at(--p.rank)].in;
  int64_t step = p.block, taps = 1;
  for (int i = p.rank - 1; i >= 0; i--) {
    p.step[at(i)] = step;
    step *= p.axes[at(i)].in;
    if (!p.axes[at(i)].identity(p.options))
      taps *= p.options.mode == ResizeMode::cubic ? 4 : p.options.mode == ResizeMode::linear ? 2 : 1;
    if (taps > kMaxTaps) unsupported(ctx.node, "interpolation along so many axes");
  }
  return p;
}

/// The input elements (blocks) that a prefix of output coordinates reads.
struct Taps {
  int count = 1;
  bool outside = false;
  std::array<int64_t, kMaxTaps> offset{};
  std::array<float, kMaxTaps> weight{1};
};

/// Extends the taps of a prefix by one axis.
void extend(const Taps& prefix, const ResizeTaps& axis, int64_t step, Taps& to) {
  to.outside = prefix.outside || axis.outside;
  to.count = 0;
  for (int i = 0; i < prefix.count; i++)
    for (int k = 0; k < axis.count; k++) {
      const float w = prefix.weight[at(i)] * axis.weight[at(k)];
      if (w == 0) continue;
      to.offset[at(to.count)] = prefix.offset[at(i)] + axis.index[at(k)] * step;
      to.weight[at(to.count++)] = w;
    }
}

/// Calls emit(taps) for every output block in order.
template <class Emit>
void visit(const Plan& p, std::array<Taps, kMaxRank + 1>& levels, int axis, Emit&& emit) {
  const Taps& prefix = levels[at(axis)];
  if (axis >= std::min(p.rank, kMaxRank)) return emit(prefix);
  for (int64_t o = 0; o < p.axes[at(axis)].out; o++) {
    extend(prefix, resize_taps(p.options, p.axes[at(axis)], o), p.step[at(axis)], levels[at(axis + 1)]);
    visit(p, levels, axis + 1, emit);
  }
}

template <class T>
T convert(double v) {
  if constexpr (std::is_integral_v<T>) {
    const double lo = static_cast<double>(std::numeric_limits<T>::lowest()),
                 hi = static_cast<double>(std::numeric_limits<T>::max());
    return static_cast<T>(std::nearbyint(v > lo ? std::min(v, hi) : lo));
  } else
    return static_cast<T>(v);
}

template <class T>
void eval_as(const EvalContext& ctx, const Plan& p) {
  std::array<Taps, kMaxRank + 1> levels{};
  const T* x = ctx.in(0).as<T>();
  T* y = ctx.out().as<T>();
  visit(p, levels, 0, [&](const Taps& t) {
    if (t.outside)
      std::fill_n(y, p.block, convert<T>(static_cast<double>(p.options.extrapolation)));
    else if (t.count == 1 && t.weight[0] == 1)
      std::copy_n(x + t.offset[0], p.block, y);
    else
      for (int64_t i = 0; i < p.block; i++) {
        double sum = 0;
        for (int k = 0; k < t.count; k++)
          sum += static_cast<double>(t.weight[at(k)]) * static_cast<double>(x[t.offset[at(k)] + i]);
        y[i] = convert<T>(sum);
      }
    y += p.block;
  });
}

void eval(const EvalContext& ctx) {
  if (ctx.out().elements() == 0) return;
  const Plan p = resolve(ctx);
  dispatch(ctx.out().dtype, [&](auto tag) { eval_as<decltype(tag)>(ctx, p); });
}

}  // namespace

std::array<ResizeAxis, kMaxRank> resize_axes(const EvalContext& ctx) {
  const Shape &x = *ctx.in(0).shape, &y = *ctx.out().shape;
  std::array<ResizeAxis, kMaxRank> axes{};
  for (int i = 0; i < x.rank(); i++) axes[at(i)].in = x[i], axes[at(i)].out = y[i];
  const int count = listed_axes(ctx.node, x.rank());
  const bool by_size = ctx.has_input(3) && ctx.in(3).elements() > 0;
  if ((by_size ? ctx.in(3) : ctx.in(2)).elements() != count)
    invalid(ctx.node, "{} axes are to be resized", count);
  std::array<int64_t, kMaxRank> sizes{};
  for (int i = 0; by_size && i < count; i++) sizes[at(i)] = index_at(ctx.in(3), i);
  const float common = by_size ? common_scale(ctx.node, std::span(sizes).first(at(count)), x) : 0;
  const bool roi = ctx.has_input(1) && ctx.in(1).dtype == DType::f32 && ctx.in(1).elements() == 2 * count;
  for (int i = 0; i < count; i++) {
    ResizeAxis& a = axes[at(listed_axis(ctx.node, i, x.rank()))];
    if (!by_size)
      a.scale = ctx.in(2).as<float>()[i];
    else
      a.scale = common != 0 ? common : static_cast<float>(a.out) / static_cast<float>(a.in);
    if (roi) a.start = ctx.in(1).as<float>()[i], a.end = ctx.in(1).as<float>()[count + i];
  }
  return axes;
}

std::optional<std::array<ResizeAxis, kMaxRank>> constant_resize_axes(const ir::Graph& g, const ir::Node& n) {
  const auto &x = g.value(n.input(0)).shape, &y = g.value(n.output()).shape;
  if (!x || !y || !x->is_static() || !y->is_static()) return std::nullopt;
  std::vector<TensorView> inputs{{nullptr, DType::f32, &*x}};
  for (size_t i = 1; i < n.inputs.size(); i++) {
    const Tensor* t = g.constant(n.input(i));
    if (n.input(i) != ir::kNone && !t) return std::nullopt;
    inputs.push_back(t && !t->empty() ? t->view() : TensorView{});
  }
  const std::array outputs{TensorView{nullptr, DType::f32, &*y}};
  return resize_axes({n, inputs, outputs});
}

extern const OpDef op_resize;
const OpDef op_resize{"Resize", OpKind::other, 1, 4, 1, infer, eval};

}  // namespace tenfold::ops
