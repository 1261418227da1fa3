// ConvTranspose over one to three spatial axes: weights [C, M/group, kernel...], bias and activation.
#include "base/math.hpp"
#include "ops/checks.hpp"
#include "ops/convolve.hpp"
#include "ops/fusion.hpp"

namespace tenfold::ops {
namespace {

size_t at(int i) { return static_cast<size_t>(i); }

/// What is not in the window: extents that attributes add to or force upon the output.
struct Extra {
  Extents3 output_padding{0, 0, 0};
  Extents3 output_shape{-1, -1, -1};  ///< -1: follows from the input
};

Extra read_extra(const ir::Node& node, const Window& w) {
  Extra e;
  const auto read = [&](const char* name, Extents3& to) {
    const auto values = int_list(node.attrs, name);
    if (values.empty()) return;
    // Old exporters write output_shape with batch and channels in front.
    const size_t skip =
        values.size() == at(w.spatial + 2) && std::string_view(name) == "output_shape" ? 2 : 0;
    if (values.size() != at(w.spatial) + skip)
      invalid(node, "attribute '{}' has {} values for {} spatial axes", name, values.size(), w.spatial);
    for (int i = 0; i < w.spatial; i++) {
      const int64_t v = values[at(i) + skip];
      if (v < 0 || v > std::numeric_limits<int32_t>::max()) invalid(node, "attribute '{}' has {}", name, v);
      to[at(w.first_axis() + i)] = v;
    }
  };
  read("output_padding", e.output_padding);
  read("output_shape", e.output_shape);
  return e;
}

bool is_same(const Window& w) {
  return w.auto_pad == Window::AutoPad::same_upper || w.auto_pad == Window::AutoPad::same_lower;
}

/// Sets the output extent of axis i and, where the output is forced, the padding that gives it.
void resolve_axis_of(const ir::Node& node, Window& w, const Extra& e, size_t i) {
  const int64_t full = checked_add(checked_add(checked_mul(w.in[i] - 1, w.stride[i]), e.output_padding[i]),
                                   w.reach(static_cast<int>(i)));
  int64_t forced = e.output_shape[i];
  if (forced < 0 && is_same(w)) forced = checked_mul(w.in[i], w.stride[i]);
  if (forced < 0) {
    w.out[i] = full - w.pad_begin[i] - w.pad_end[i];
    if (w.out[i] < 0) invalid(node, "padding leaves {} output elements", w.out[i]);
    return;
  }
  const int64_t total = std::max<int64_t>(0, full - forced);
  w.pad_begin[i] = w.auto_pad == Window::AutoPad::same_upper ? total / 2 : total - total / 2;
  w.pad_end[i] = total - w.pad_begin[i];
  w.out[i] = forced;
}

struct Checked {
  Window window;
  Extra extra;
  int64_t group;
};
Checked check(const ir::Node& node, const Shape& x, const Shape& w) {
  spatial_rank(node, x);
  if (w.rank() != x.rank())
    invalid(node, "weights of shape {} for an input of shape {}", to_string(w), to_string(x));
  for (int i = 1; i < w.rank(); i++)
    if (is_symbol(w[i])) unsupported(node, "weights of the unknown shape {}", to_string(w));
  const int64_t group = int_attr(node, "group", 1, 1, int64_t{1} << 31),
                channels = x[layout_of(node).channel_axis(x.rank())];
  if (!may_equal(channels, w[0]) || (!is_symbol(channels) && channels % group != 0) ||
      (!is_symbol(w[0]) && w[0] % group != 0))
    invalid(node, "{} input channels in {} groups, but weights of shape {}", channels, group, to_string(w));
  checked_mul(w[1], group);
  Checked c{read_window(node, std::span(w.dims()).subspan(2)), {}, group};
  c.extra = read_extra(node, c.window);
  return c;
}

Shape output_shape(InferContext& ctx, Checked c, const Shape& x, const Shape& w) {
  const SpatialLayout layout = layout_of(ctx.node());
  Shape out = x;
  out[layout.channel_axis(x.rank())] = w[1] * c.group;
  for (int axis = 0; axis < c.window.spatial; axis++) {
    const size_t i = at(c.window.first_axis() + axis);
    int64_t& extent = out[layout.spatial_axis(axis)];
    if (!is_symbol(extent)) {
      c.window.in[i] = extent;
      resolve_axis_of(ctx.node(), c.window, c.extra, i);
      extent = c.window.out[i];
    } else if (c.extra.output_shape[i] >= 0)
      extent = c.extra.output_shape[i];
    else {
      const int64_t stride = c.window.stride[i], scaled = dim_mul(ctx, extent, stride);
      const int64_t grow = c.extra.output_padding[i] + c.window.reach(static_cast<int>(i)) -
                           c.window.pad_begin[i] - c.window.pad_end[i] - stride;
      extent = is_same(c.window) ? scaled : dim_add(ctx, scaled, grow);
    }
  }
  return out;
}

void infer(InferContext& ctx) {
  for (size_t i = 0; i < 3; i++) expect_dtype(ctx, i, {DType::f32});
  fusion_of(ctx.node());
  const Shape *x = ctx.shape(0), *w = ctx.shape(1);
  if (!x || !w) return ctx.set(0, DType::f32, std::nullopt);
  const Checked c = check(ctx.node(), *x, *w);
  expect_vector(ctx, 2, (*w)[1] * c.group);
  ctx.set(0, DType::f32, output_shape(ctx, c, *x, *w));
}

/// The input position whose tap k reaches output position o, or -1.
int64_t source(const Window& g, size_t i, int64_t o, int64_t k) {
  const int64_t reach = o + g.pad_begin[i] - k * g.dilation[i];
  return reach < 0 || reach % g.stride[i] != 0 || reach / g.stride[i] >= g.in[i] ? -1 : reach / g.stride[i];
}

/// Adds all taps of output positions [o2, o2 + count) of row (o0, o1); x points at image and group, w at the
/// filter.
void accumulate(const Convolution& c, Tile<double>& sums, const float* x, const float* w, int64_t o0,
                int64_t o1, int64_t o2, int64_t count) {
  const Window& g = c.window;
  for (int64_t ch = 0; ch < c.channels / c.group;
       ch++, x += c.x.channel, w += c.filters / c.group * g.taps()) {
    const float* tap = w;
    for (int64_t k0 = 0; k0 < g.kernel[0]; k0++)
      for (int64_t k1 = 0; k1 < g.kernel[1]; k1++, tap += g.kernel[2]) {
        const int64_t i0 = source(g, 0, o0, k0), i1 = source(g, 1, o1, k1);
        if (i0 < 0 || i1 < 0) continue;
        const float* row = x + i0 * c.x.axis[0] + i1 * c.x.axis[1];
        for (int64_t k2 = 0; k2 < g.kernel[2]; k2++) {
          const int64_t offset = k2 * g.dilation[2] - g.pad_begin[2] - o2;
          const Range range = valid_range(g.in[2], count, g.stride[2], offset);
          for (int64_t i = range.first; i < range.last; i++)
            sums[static_cast<size_t>(i * g.stride[2] + offset)] +=
                static_cast<double>(row[i * c.x.axis[2]]) * static_cast<double>(tap[k2]);
        }
      }
  }
}

Convolution resolve_transposed(const EvalContext& ctx) {
  const Shape &x = *ctx.in(0).shape, &w = *ctx.in(1).shape;
  const SpatialLayout layout = layout_of(ctx.node);
  const Checked checked = check(ctx.node, x, w);
  Convolution c;
  c.window = checked.window;
  c.group = checked.group;
  for (int axis = 0; axis < c.window.spatial; axis++) {
    const size_t i = at(c.window.first_axis() + axis);
    c.window.in[i] = x[layout.spatial_axis(axis)];
    resolve_axis_of(ctx.node, c.window, checked.extra, i);
  }
  c.batch = x[0];
  c.channels = x[layout.channel_axis(x.rank())];
  c.filters = w[1] * c.group;
  c.x = steps_of(c.channels, c.window.in, layout);
  c.y = steps_of(c.filters, c.window.out, layout);
  return c;
}

void eval(const EvalContext& ctx) {
  if (ctx.out().elements() == 0) return;
  const Convolution c = resolve_transposed(ctx);
  const Window& g = c.window;
  const Fusion fusion = fusion_of(ctx.node);
  const float* bias = ctx.has_input(2) ? ctx.in(2).as<float>() : nullptr;
  const int64_t per_group = c.filters / c.group, group_channels = c.channels / c.group;
  const auto row = [&](int64_t n, int64_t m, int64_t o0, int64_t o1) {
    const float* x = ctx.in(0).as<float>() + n * c.x.batch + m / per_group * group_channels * c.x.channel;
    const float* w =
        ctx.in(1).as<float>() + (m / per_group * group_channels * per_group + m % per_group) * g.taps();
    float* y = ctx.out().as<float>() + n * c.y.batch + m * c.y.channel + o0 * c.y.axis[0] + o1 * c.y.axis[1];
    for (int64_t o2 = 0; o2 < g.out[2]; o2 += kTile) {
      const int64_t count = std::min(kTile, g.out[2] - o2);
      Tile<double> sums{};
      accumulate(c, sums, x, w, o0, o1, o2, count);
      for (int64_t i = 0; i < count; i++)
        y[(o2 + i) * c.y.axis[2]] = fusion(
            static_cast<float>(sums[static_cast<size_t>(i)] + (bias ? static_cast<double>(bias[m]) : 0.0)));
    }
  };
  for (int64_t n = 0; n < c.batch; n++)
    for (int64_t m = 0; m < c.filters; m++)
      for (int64_t o0 = 0; o0 < g.out[0]; o0++)
        for (int64_t o1 = 0; o1 < g.out[1]; o1++) row(n, m, o0, o1);
}

/// Every input element meets every tap of its group's filters.
double macs(const ir::Graph& graph, const ir::Node& node) {
  const auto& x = graph.value(node.input(0)).shape;
  const auto& w = graph.value(node.input(1)).shape;
  if (!x || !w || !x->is_static() || !w->is_static()) return 0;
  return static_cast<double>(x->elements()) * static_cast<double>(w->elements(1, w->rank()));
}

}  // namespace

extern const OpDef op_conv_transpose;
const OpDef op_conv_transpose{"ConvTranspose", OpKind::spatial, 2, 3, 1, infer, eval, macs};

}  // namespace tenfold::ops
