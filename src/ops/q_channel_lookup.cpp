// QChannelLookup: y = tables[channel][x] on u8, any unary function for each channel.  Attribute `tables`: u8
// [channels, 256].
#include "ops/checks.hpp"
#include "ops/window.hpp"

namespace tenfold::ops {
namespace {

void infer(InferContext& ctx) {
  expect_dtype(ctx, 0, {DType::u8});
  const Tensor* tables = ctx.attrs().get_tensor("tables");
  if (!tables || tables->dtype() != DType::u8 || tables->shape().rank() != 2 || tables->shape()[1] != 256)
    ctx.error("attribute 'tables' is not u8 [channels, 256]");
  const Shape* x = ctx.shape(0);
  if (x && (x->rank() < 2 || (*x)[layout_of(ctx.node()).channel_axis(x->rank())] != tables->shape()[0]))
    ctx.error("tables of {} channels for an input of shape {}", tables->shape()[0], to_string(*x));
  ctx.set(0, DType::u8, x ? std::optional<Shape>(*x) : std::nullopt);
}

void eval(const EvalContext& ctx) {
  const Planes p = planes_of(*ctx.in(0).shape, layout_of(ctx.node));
  const auto* tables = ctx.node.attrs.get_tensor("tables")->data<uint8_t>();
  const auto* x = ctx.in(0).as<uint8_t>();
  for (int64_t n = 0; n < p.batch; n++)
    for (int64_t c = 0; c < p.channels; c++)
      for (int64_t i = 0; i < p.pixels; i++) {
        const int64_t at = n * p.batch_step + c * p.channel_step + i * p.pixel_step;
        ctx.out().as<uint8_t>()[at] = tables[c * 256 + x[at]];
      }
}

}  // namespace

extern const OpDef op_q_channel_lookup;
const OpDef op_q_channel_lookup{"QChannelLookup", OpKind::spatial, 1, 1, 1, infer, eval};

}  // namespace tenfold::ops
