#include "ops/requantize.hpp"

namespace tenfold::ops {

const uint8_t* table_attr(const ir::Node& node, std::string_view name) {
  const Tensor* t = node.attrs.get_tensor(name);
  if (!t) return nullptr;
  if (t->dtype() != DType::u8 || t->shape().rank() != 1 || t->shape()[0] != 256)
    invalid(node, "attribute '{}' is {}{}, expected u8[256]", name, to_string(t->dtype()),
            to_string(t->shape()));
  return t->data<uint8_t>();
}

bool f32_output(const ir::Node& node) {
  const std::string_view output = text_attr(node.attrs, "output", "u8");
  if (output != "u8" && output != "f32") invalid(node, "unknown output '{}'", output);
  return output == "f32";
}

Requantizer::Requantizer(const ir::Node& node) {
  f32_ = f32_output(node);
  zero_point_ = zero_point_attr(node, "y_zero_point");
  residual_zero_point_ = zero_point_attr(node, "residual_zero_point");
  table_ = table_attr(node, "table");
  residual_table_ = table_attr(node, "residual_table");
  q_scale_ = node.attrs.get_float("q_scale", 0);
  r_scale_ = node.attrs.get_float("r_scale", 0);
  offset_ = node.attrs.get_float("offset", 0);
  adds_to_float_ = node.attrs.get_int("float_residual", 0) != 0;
  fusion_ = fusion_of(node);
  const float scale = node.attrs.get_float("y_scale", 1);
  if (!(scale > 0) || !std::isfinite(scale)) invalid(node, "y_scale is {}", scale);
  inverse_scale_ = 1 / scale;
  if (const Tensor* t = node.attrs.get_tensor("factors")) {
    if (t->dtype() != DType::f32 || t->shape().rank() != 1)
      invalid(node, "attribute 'factors' is {}{}, expected a vector of f32", to_string(t->dtype()),
              to_string(t->shape()));
    factors_ = t->data<float>();
    factor_count_ = t->elements();
  }
}

void infer_requantized(InferContext& ctx, int64_t n, const std::optional<Shape>& y) {
  const Requantizer r(ctx.node());
  zero_point_attr(ctx.node(), "x_zero_point");
  expect_dtype(ctx, 0, {DType::u8});
  expect_dtype(ctx, 1, {DType::s8, DType::s16});
  expect_dtype(ctx, 2, {DType::f32});
  expect_dtype(ctx, 3, {DType::f32});
  expect_dtype(ctx, 4, {DType::u8});
  if (r.f32() && ctx.has_input(4) && !r.adds_to_float()) ctx.error("a residual needs u8 output");
  if (r.adds_to_float() && !ctx.has_input(4)) ctx.error("there is no residual");
  if (r.adds_to_float() && ctx.node().attrs.has("residual_table"))
    ctx.error("a residual that joins the float has no table of its own");
  if (y) {
    expect_vector(ctx, 2, n);
    expect_vector(ctx, 3, n);
    expect_shape(ctx, 4, y);
    if (r.factor_count() >= 0 && r.factor_count() != n)
      ctx.error("{} factors for {} channels", r.factor_count(), n);
  }
  ctx.set(0, r.f32() ? DType::f32 : DType::u8, y);
}

void infer_dynamic(InferContext& ctx, int64_t n, const std::optional<Shape>& y) {
  expect_dtype(ctx, 0, {DType::u8});
  expect_dtype(ctx, 1, {DType::s8, DType::s16});
  for (size_t i : {2u, 3u, 4u}) expect_dtype(ctx, i, {DType::f32});
  expect_dtype(ctx, 5, {DType::u8});
  for (size_t i : {4u, 5u})
    if (const Shape* s = ctx.has_input(i) ? ctx.shape(i) : nullptr; s && s->is_static() && s->elements() != 1)
      ctx.error("input {} has shape {}, expected one value", i, to_string(*s));
  if (y) {
    expect_vector(ctx, 2, n);
    expect_vector(ctx, 3, n);
  }
  ctx.set(0, DType::f32, y);
}

RequantizedOutput::RequantizedOutput(const EvalContext& ctx)
    : requantizer_(ctx.node),
      multiplier_(ctx.in(2).as<float>()),
      bias_(ctx.in(3).as<float>()),
      residual_(ctx.has_input(4) ? ctx.in(4).as<uint8_t>() : nullptr),
      bytes_(ctx.out().as<uint8_t>()),
      real_(ctx.out().as<float>()) {}

}  // namespace tenfold::ops
