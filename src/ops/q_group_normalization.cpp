// QGroupNormalization: GroupNormalization of u8 to u8.  Inputs: x, scale and bias f32 [C], by the output's
// scale; attributes num_groups, epsilon (by the square of the input's scale), y_zero_point.
#include "ops/checks.hpp"
#include "ops/group_norm_sums.hpp"
#include "ops/requantize.hpp"
#include "ops/window.hpp"

namespace tenfold::ops {
namespace {

void infer(InferContext& ctx) {
  expect_dtype(ctx, 0, {DType::u8});
  for (size_t i : {1u, 2u}) expect_dtype(ctx, i, {DType::f32});
  zero_point_attr(ctx.node(), "y_zero_point");
  const int64_t groups = int_attr(ctx.node(), "num_groups", 0, 1, int64_t{1} << 31);
  const Shape* x = ctx.shape(0);
  if (!x) return ctx.set(0, DType::u8, std::nullopt);
  if (x->rank() < 2) ctx.error("an input of shape {} has no channels", to_string(*x));
  const int64_t channels = (*x)[layout_of(ctx.node()).channel_axis(x->rank())];
  if (!is_symbol(channels) && channels % groups != 0) ctx.error("{} channels in {} groups", channels, groups);
  for (size_t i : {1u, 2u}) expect_vector(ctx, i, channels);
  ctx.set(0, DType::u8, *x);
}

void eval(const EvalContext& ctx) {
  const Planes p = planes_of(*ctx.in(0).shape, layout_of(ctx.node));
  const int y_zero = zero_point_attr(ctx.node, "y_zero_point");
  const float epsilon = ctx.attrs().get_float("epsilon", 1e-5f);
  const int64_t per_group = p.channels / int_attr(ctx.node, "num_groups", 0, 1, int64_t{1} << 31);
  const auto *scale = ctx.in(1).as<float>(), *bias = ctx.in(2).as<float>();
  for (int64_t n = 0; n < p.batch; n++)
    for (int64_t first = 0; first < p.channels; first += per_group) {
      const auto* x = ctx.in(0).as<uint8_t>() + n * p.batch_step;
      auto* y = ctx.out().as<uint8_t>() + n * p.batch_step;
      const auto each = [&](auto&& f) {
        for (int64_t c = first; c < first + per_group; c++)
          for (int64_t i = 0; i < p.pixels; i++) f(c * p.channel_step + i * p.pixel_step, c);
      };
      ByteSums sums{.count = per_group * p.pixels};
      each([&](int64_t at, int64_t) { sums.sum += x[at], sums.squares += int64_t{x[at]} * x[at]; });
      each([&](int64_t at, int64_t c) {
        const ByteAffine a = normalizing(sums, epsilon, scale[c], bias[c]);
        y[at] = quantize<uint8_t>(std::fmaf(static_cast<float>(x[at]), a.factor, a.shift), y_zero);
      });
    }
}

}  // namespace

extern const OpDef op_q_group_normalization;
const OpDef op_q_group_normalization{"QGroupNormalization", OpKind::spatial, 3, 3, 1, infer, eval};

}  // namespace tenfold::ops
