#include "ops/pool.hpp"

#include "ops/checks.hpp"

namespace tenfold::ops {

Pooling resolve_pool(const ir::Node& node, const Shape& x) {
  const SpatialLayout layout = layout_of(node);
  Pooling p;
  p.window = read_pool_window(node, spatial_rank(node, x));
  resolve(p.window, node, x);
  p.batch = x[0];
  p.channels = x[layout.channel_axis(x.rank())];
  p.x = steps_of(p.channels, p.window.in, layout);
  p.y = steps_of(p.channels, p.window.out, layout);
  return p;
}

std::optional<Shape> pool_shape(InferContext& ctx) {
  const Shape* x = ctx.shape(0);
  if (!x) return std::nullopt;
  const Window w = read_pool_window(ctx.node(), spatial_rank(ctx.node(), *x));
  return window_output(ctx, w, *x, (*x)[layout_of(ctx.node()).channel_axis(x->rank())]);
}

}  // namespace tenfold::ops
