// LRN: x / (bias + alpha / size * sum of squares over `size` neighbouring channels) ^ beta.
#include "ops/checks.hpp"
#include "ops/window.hpp"

namespace tenfold::ops {
namespace {

void infer(InferContext& ctx) {
  expect_dtype(ctx, 0, {DType::f32});
  int_attr(ctx.node(), "size", 0, 1, int64_t{1} << 31);
  if (const Shape* x = ctx.shape(0); x && x->rank() < 2)
    ctx.error("an input of shape {} has no channels", to_string(*x));
  infer_like_input(ctx);
}

void eval(const EvalContext& ctx) {
  const Planes p = planes_of(*ctx.in(0).shape, layout_of(ctx.node));
  const int64_t size = int_attr(ctx.node, "size", 0, 1, int64_t{1} << 31), before = (size - 1) / 2,
                after = size - 1 - before;
  const double alpha = static_cast<double>(ctx.attrs().get_float("alpha", 1e-4f)) / static_cast<double>(size);
  const double beta = static_cast<double>(ctx.attrs().get_float("beta", 0.75f)),
               bias = static_cast<double>(ctx.attrs().get_float("bias", 1));
  for (int64_t n = 0; n < p.batch; n++)
    for (int64_t c = 0; c < p.channels; c++) {
      const int64_t first = std::max<int64_t>(0, c - before), last = std::min(p.channels - 1, c + after);
      for (int64_t i = 0; i < p.pixels; i++) {
        const int64_t pixel = n * p.batch_step + i * p.pixel_step;
        const float* x = ctx.in(0).as<float>() + pixel;
        double sum = 0;
        for (int64_t k = first; k <= last; k++)
          sum += static_cast<double>(x[k * p.channel_step]) * static_cast<double>(x[k * p.channel_step]);
        ctx.out().as<float>()[pixel + c * p.channel_step] = static_cast<float>(
            static_cast<double>(x[c * p.channel_step]) / std::pow(bias + alpha * sum, beta));
      }
    }
}

}  // namespace

extern const OpDef op_lrn;
const OpDef op_lrn{"LRN", OpKind::spatial, 1, 1, 1, infer, eval};

}  // namespace tenfold::ops
