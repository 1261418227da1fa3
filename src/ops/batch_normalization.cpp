// BatchNormalization (inference): (x - mean) / sqrt(variance + epsilon) * scale + bias per channel, then the
// activation.
#include <array>

#include "ops/checks.hpp"
#include "ops/fusion.hpp"
#include "ops/window.hpp"

namespace tenfold::ops {
namespace {

void infer(InferContext& ctx) {
  for (size_t i = 0; i < 5; i++) expect_dtype(ctx, i, {DType::f32});
  if (flag_attr(ctx.node(), "training_mode"))
    unsupported(ctx.node(), "training mode; export the model for inference");
  fusion_of(ctx.node());
  const Shape* x = ctx.shape(0);
  if (x) {
    if (x->rank() < 2) ctx.error("an input of shape {} has no channels", to_string(*x));
    for (size_t i = 1; i < 5; i++) expect_vector(ctx, i, (*x)[layout_of(ctx.node()).channel_axis(x->rank())]);
  }
  ctx.set(0, DType::f32, x ? std::optional<Shape>(*x) : std::nullopt);
}

void eval(const EvalContext& ctx) {
  const Planes p = planes_of(*ctx.in(0).shape, layout_of(ctx.node));
  const Fusion fusion = fusion_of(ctx.node);
  const double epsilon = static_cast<double>(ctx.attrs().get_float("epsilon", 1e-5f));
  const auto param = [&](size_t i, int64_t c) { return static_cast<double>(ctx.in(i).as<float>()[c]); };
  const float* x = ctx.in(0).as<float>();
  float* y = ctx.out().as<float>();
  constexpr int64_t kChannels = 16;  // a cache line of channels at a time
  std::array<double, kChannels> scale{}, shift{};
  for (int64_t first = 0; first < p.channels; first += kChannels) {
    const int64_t count = std::min(kChannels, p.channels - first);
    for (int64_t i = 0; i < count; i++) {
      const auto k = static_cast<size_t>(i);
      scale[k] = param(1, first + i) / std::sqrt(param(4, first + i) + epsilon);
      shift[k] = param(2, first + i) - param(3, first + i) * scale[k];
    }
    for (int64_t n = 0; n < p.batch; n++)
      for (int64_t pixel = 0; pixel < p.pixels; pixel++)
        for (int64_t i = 0; i < count; i++) {
          const int64_t at = n * p.batch_step + (first + i) * p.channel_step + pixel * p.pixel_step;
          const auto k = static_cast<size_t>(i);
          y[at] = static_cast<float>(static_cast<double>(x[at]) * scale[k] + shift[k]);
        }
  }
  fusion.apply(ctx.out().span<float>());
}

}  // namespace

extern const OpDef op_batch_normalization;
const OpDef op_batch_normalization{"BatchNormalization", OpKind::spatial, 5, 5, 1, infer, eval};

}  // namespace tenfold::ops
