// InstanceNormalization and GroupNormalization: mean and variance over the pixels of one or several channels.
#include "ops/checks.hpp"
#include "ops/fusion.hpp"
#include "ops/window.hpp"

namespace tenfold::ops {
namespace {

int64_t groups_of(const ir::Node& node, int64_t channels) {
  return node.op == "GroupNormalization" ? int_attr(node, "num_groups", 0, 1, int64_t{1} << 31) : channels;
}

void infer(InferContext& ctx) {
  for (size_t i = 0; i < 3; i++) expect_dtype(ctx, i, {DType::f32});
  fusion_of(ctx.node());
  const Shape* x = ctx.shape(0);
  if (!x) return ctx.set(0, DType::f32, std::nullopt);
  if (x->rank() < 2) ctx.error("an input of shape {} has no channels", to_string(*x));
  const int64_t channels = (*x)[layout_of(ctx.node()).channel_axis(x->rank())],
                groups = groups_of(ctx.node(), channels);
  if (!is_symbol(channels) && groups > 0 && channels % groups != 0)
    ctx.error("{} channels in {} groups", channels, groups);
  for (size_t i = 1; i < 3; i++) {
    // Before opset 21 GroupNormalization had one scale per group.
    const Shape* s = ctx.shape(i);
    if (!(s && s->rank() == 1 && (*s)[0] == groups)) expect_vector(ctx, i, channels);
  }
  ctx.set(0, DType::f32, *x);
}

/// Normalises `channels` neighbouring channels of one image together; parameters belong to the first of them.
struct Group {
  const Planes& planes;
  const EvalContext& ctx;
  double epsilon;

  void normalise(int64_t start, int64_t first, int64_t channels, int64_t parameter_of_channel) const {
    const float* x = ctx.in(0).as<float>() + start;
    float* y = ctx.out().as<float>() + start;
    const double n = static_cast<double>(channels * planes.pixels);
    double mean = 0, square = 0;
    each(first, channels, [&](int64_t at, int64_t) { mean += static_cast<double>(x[at]); });
    mean /= n;
    each(first, channels, [&](int64_t at, int64_t) {
      square += (static_cast<double>(x[at]) - mean) * (static_cast<double>(x[at]) - mean);
    });
    const double inverse = 1 / std::sqrt(square / n + epsilon);
    each(first, channels, [&](int64_t at, int64_t c) {
      const int64_t p = c / parameter_of_channel;
      const double scale = static_cast<double>(ctx.in(1).as<float>()[p]),
                   bias = static_cast<double>(ctx.in(2).as<float>()[p]);
      y[at] = static_cast<float>((static_cast<double>(x[at]) - mean) * inverse * scale + bias);
    });
  }
  template <class F>
  void each(int64_t first, int64_t channels, F&& f) const {
    for (int64_t c = first; c < first + channels; c++)
      for (int64_t i = 0; i < planes.pixels; i++) f(c * planes.channel_step + i * planes.pixel_step, c);
  }
};

void eval(const EvalContext& ctx) {
  const Planes p = planes_of(*ctx.in(0).shape, layout_of(ctx.node));
  if (p.channels == 0 || p.pixels == 0) return;
  const int64_t groups = groups_of(ctx.node, p.channels), per_group = p.channels / groups;
  const int64_t parameter_of_channel = ctx.in(1).elements() == p.channels ? 1 : per_group;
  const Group group{p, ctx, static_cast<double>(ctx.attrs().get_float("epsilon", 1e-5f))};
  for (int64_t n = 0; n < p.batch; n++)
    for (int64_t g = 0; g < groups; g++)
      group.normalise(n * p.batch_step, g * per_group, per_group, parameter_of_channel);
  fusion_of(ctx.node).apply(ctx.out().span<float>());
}

}  // namespace

extern const OpDef op_instance_normalization, op_group_normalization;
const OpDef op_instance_normalization{"InstanceNormalization", OpKind::spatial, 3, 3, 1, infer, eval};
const OpDef op_group_normalization{"GroupNormalization", OpKind::spatial, 3, 3, 1, infer, eval};

}  // namespace tenfold::ops
