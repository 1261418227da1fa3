// LayerNormalization and RMSNormalization over all axes from `axis` on; optional outputs mean and 1 /
// deviation.
#include "ops/checks.hpp"

namespace tenfold::ops {
namespace {

/// Scale and bias hold one value per element of a row, or one for all.
void check_parameter(const InferContext& ctx, size_t i, const Shape& x, int axis) {
  const Shape* p = ctx.has_input(i) ? ctx.shape(i) : nullptr;
  if (!p || !p->is_static()) return;
  if (p->elements() == 1) return;
  const Shape row(std::span(x.dims()).subspan(static_cast<size_t>(axis)));
  if (row.is_static() && p->elements() != row.elements())
    ctx.error("input {} of shape {} does not fit the normalised axes {}", i, to_string(*p), to_string(row));
}

void infer(InferContext& ctx) {
  for (size_t i = 0; i < ctx.inputs(); i++) expect_dtype(ctx, i, {DType::f32});
  const Shape* x = ctx.shape(0);
  if (!x) {
    for (size_t i = 0; i < ctx.outputs(); i++) ctx.set(i, DType::f32, std::nullopt);
    return;
  }
  const int axis = ctx.axis(ctx.attrs().get_int("axis", -1), x->rank());
  for (size_t i = 1; i < ctx.inputs(); i++) check_parameter(ctx, i, *x, axis);
  ctx.set(0, DType::f32, *x);
  Shape statistics = *x;
  for (int i = axis; i < x->rank(); i++) statistics[i] = 1;
  for (size_t i = 1; i < ctx.outputs(); i++) ctx.set(i, DType::f32, statistics);
}

struct Parameter {
  const float* data;
  int64_t step;
  Parameter(const EvalContext& ctx, size_t i)
      : data(ctx.has_input(i) ? ctx.in(i).as<float>() : nullptr), step(0) {
    if (data && ctx.in(i).elements() > 1) step = 1;
  }
  double operator()(int64_t i, double fallback) const {
    return data ? static_cast<double>(data[i * step]) : fallback;
  }
};

/// Normalises rows; `centre` subtracts the mean first.
void normalise(const EvalContext& ctx, bool centre) {
  const Shape& shape = *ctx.in(0).shape;
  const int axis = resolve_axis(ctx.attrs().get_int("axis", -1), shape.rank());
  const int64_t rows = shape.elements(0, axis), length = shape.elements(axis, shape.rank());
  const double epsilon = static_cast<double>(ctx.attrs().get_float("epsilon", 1e-5f)),
               n = static_cast<double>(length);
  const Parameter scale(ctx, 1), bias(ctx, 2);
  const auto statistic = [&](size_t i) { return ctx.outputs.size() > i ? ctx.out(i).as<float>() : nullptr; };
  float *means = statistic(1), *deviations = statistic(2);
  for (int64_t r = 0; r < rows; r++) {
    const float* x = ctx.in(0).as<float>() + r * length;
    float* y = ctx.out().as<float>() + r * length;
    double mean = 0, square = 0;
    if (centre)
      for (int64_t i = 0; i < length; i++) mean += static_cast<double>(x[i]) / n;
    for (int64_t i = 0; i < length; i++)
      square += (static_cast<double>(x[i]) - mean) * (static_cast<double>(x[i]) - mean);
    const double inverse = 1 / std::sqrt(square / n + epsilon);
    for (int64_t i = 0; i < length; i++)
      y[i] = static_cast<float>((static_cast<double>(x[i]) - mean) * inverse * scale(i, 1) + bias(i, 0));
    if (means) means[r] = static_cast<float>(mean);
    if (deviations) deviations[r] = static_cast<float>(inverse);
  }
}

void eval_layer(const EvalContext& ctx) { normalise(ctx, true); }
void eval_rms(const EvalContext& ctx) { normalise(ctx, false); }

}  // namespace

extern const OpDef op_layer_normalization, op_rms_normalization;
const OpDef op_layer_normalization{"LayerNormalization", OpKind::other, 1, 3, 3, infer, eval_layer};
const OpDef op_rms_normalization{"RMSNormalization", OpKind::other, 1, 2, 1, infer, eval_rms};

}  // namespace tenfold::ops
