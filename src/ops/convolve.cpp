#include "ops/convolve.hpp"

#include "base/math.hpp"
#include "ops/checks.hpp"

namespace tenfold::ops {
namespace {

/// What both inference and evaluation check; unknown extents (symbols) agree with anything.
void check_shapes(const ir::Node& node, const Shape& x, const Shape& w, int64_t group) {
  spatial_rank(node, x);
  if (w.rank() != x.rank())
    invalid(node, "weights of shape {} for an input of shape {}", to_string(w), to_string(x));
  const int64_t channels = x[layout_of(node).channel_axis(x.rank())];
  if (!is_symbol(w[0]) && w[0] % group != 0) invalid(node, "{} filters in {} groups", w[0], group);
  if (!is_symbol(channels) && !is_symbol(w[1]) && (channels % group != 0 || channels / group != w[1]))
    invalid(node, "{} input channels in {} groups, but the weights of shape {} take {} each", channels, group,
            to_string(w), w[1]);
}

int64_t group_of(const ir::Node& node) { return int_attr(node, "group", 1, 1, int64_t{1} << 31); }

/// A pointwise convolution does not care about rows: one long row makes full tiles.
void fold_rows(Window& w) {
  if (w.in != w.out || w.taps() != 1 || w.stride != Extents3{1, 1, 1}) return;
  const int64_t pixels = checked_product(w.in);
  w.in = w.out = {1, 1, pixels};
}

}  // namespace

Convolution resolve_convolution(const ir::Node& node, const Shape& x, const Shape& w) {
  Convolution c;
  c.group = group_of(node);
  check_shapes(node, x, w, c.group);
  c.window = read_window(node, std::span(w.dims()).subspan(2));
  resolve(c.window, node, x);
  c.batch = x[0];
  c.channels = x[layout_of(node).channel_axis(x.rank())];
  c.filters = w[0];
  fold_rows(c.window);
  c.x = steps_of(c.channels, c.window.in, layout_of(node));
  c.y = steps_of(c.filters, c.window.out, layout_of(node));
  return c;
}

std::optional<Shape> convolution_shape(InferContext& ctx, const Shape* x, const Shape* w) {
  if (!x || !w) return std::nullopt;
  check_shapes(ctx.node(), *x, *w, group_of(ctx.node()));
  const auto kernel = std::span(w->dims()).subspan(2);
  for (int64_t k : kernel)
    if (is_symbol(k)) {
      Shape out = *x;
      for (int i = 0; i < x->rank() - 2; i++)
        out[layout_of(ctx.node()).spatial_axis(i)] =
            ctx.data_dependent(0, layout_of(ctx.node()).spatial_axis(i));
      out[layout_of(ctx.node()).channel_axis(x->rank())] = (*w)[0];
      return out;
    }
  return window_output(ctx, read_window(ctx.node(), kernel), *x, (*w)[0]);
}

double convolution_macs(const ir::Graph& graph, const ir::Node& node) {
  const auto& out = graph.value(node.output()).shape;
  const auto& w = graph.value(node.input(1)).shape;
  if (!out || !w || !out->is_static() || !w->is_static()) return 0;
  return static_cast<double>(out->elements()) * static_cast<double>(w->elements(1, w->rank()));
}

}  // namespace tenfold::ops
