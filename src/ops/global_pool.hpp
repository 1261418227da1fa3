// GlobalAveragePool, GlobalMaxPool and the quantized mean: one value per image and channel.
#pragma once

#include "ops/window.hpp"

namespace tenfold::ops {

/// The input shape with every spatial extent 1; no shape while it is unknown.
std::optional<Shape> global_pool_shape(InferContext& ctx);

/// y[n, c] = fold over pixels: step(accumulator, x), then finish(accumulator, pixels).
template <class Y, class X, class Sum, class Step, class Finish>
void fold_pixels(const EvalContext& ctx, Sum start, Step&& step, Finish&& finish) {
  const Planes p = planes_of(*ctx.in(0).shape, layout_of(ctx.node));
  Y* y = ctx.out().as<Y>();
  for (int64_t n = 0; n < p.batch; n++)
    for (int64_t c = 0; c < p.channels; c++) {
      const X* x = ctx.in(0).as<X>() + n * p.batch_step + c * p.channel_step;
      Sum sum = start;
      for (int64_t i = 0; i < p.pixels; i++) sum = step(sum, x[i * p.pixel_step]);
      y[n * p.channels + c] = finish(sum, p.pixels);
    }
}

}  // namespace tenfold::ops
