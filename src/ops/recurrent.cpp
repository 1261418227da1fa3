#include "ops/recurrent.hpp"

#include <algorithm>
#include <cctype>
#include <cmath>

namespace tenfold::ops {
namespace {

/// Four partial sums: one would wait for each addition.
double dot(const float* a, const float* b, int64_t n) {
  double sum[4] = {};
  int64_t i = 0;
  for (; i + 4 <= n; i += 4)
    for (int64_t j = 0; j < 4; j++) sum[j] += static_cast<double>(a[i + j]) * static_cast<double>(b[i + j]);
  for (; i < n; i++) sum[0] += static_cast<double>(a[i]) * static_cast<double>(b[i]);
  return sum[0] + sum[1] + (sum[2] + sum[3]);
}

std::span<const std::string> activation_names(const ir::Node& node) {
  const ir::Attribute* a = node.attrs.find("activations");
  if (!a) return {};
  if (const auto* names = std::get_if<std::vector<std::string>>(a)) return *names;
  invalid(node, "attribute 'activations' has the wrong type");
}

std::span<const float> float_list(const ir::Node& node, std::string_view name) {
  const ir::Attribute* a = node.attrs.find(name);
  if (!a) return {};
  if (const auto* values = std::get_if<std::vector<float>>(a)) return *values;
  invalid(node, "attribute '{}' has the wrong type", name);
}

int64_t directions_of(const ir::Node& node) {
  const std::string_view d = text_attr(node.attrs, "direction", "forward");
  if (d != "forward" && d != "reverse" && d != "bidirectional") invalid(node, "unknown direction '{}'", d);
  return d == "bidirectional" ? 2 : 1;
}

struct Named {
  std::string_view name;
  int parameters;  ///< 1: alpha; 2: alpha and beta
  RecurrentActivation activation;
};  // with the defaults of alpha and beta

constexpr Named kActivations[] = {
    {"Relu", 0, {[](float x, float, float) { return std::max(x, 0.0f); }, 0, 0}},
    {"Tanh", 0, {[](float x, float, float) { return std::tanh(x); }, 0, 0}},
    {"Sigmoid", 0, {[](float x, float, float) { return 1 / (1 + std::exp(-x)); }, 0, 0}},
    {"Affine", 2, {[](float x, float alpha, float beta) { return alpha * x + beta; }, 1, 0}},
    {"LeakyRelu", 1, {[](float x, float alpha, float) { return x < 0 ? alpha * x : x; }, 0.01f, 0}},
    {"ThresholdedRelu", 1, {[](float x, float alpha, float) { return x > alpha ? x : 0; }, 1, 0}},
    {"ScaledTanh", 2, {[](float x, float alpha, float beta) { return alpha * std::tanh(beta * x); }, 1, 1}},
    {"HardSigmoid",
     2,
     {[](float x, float alpha, float beta) { return std::min(std::max(alpha * x + beta, 0.0f), 1.0f); }, 0.2f,
      0.5f}},
    {"Elu", 1, {[](float x, float alpha, float) { return x < 0 ? alpha * std::expm1(x) : x; }, 1, 0}},
    {"Softsign", 0, {[](float x, float, float) { return x / (1 + std::abs(x)); }, 0, 0}},
    // Without overflow for large x.
    {"Softplus",
     0,
     {[](float x, float, float) { return std::max(x, 0.0f) + std::log1p(std::exp(-std::abs(x))); }, 0, 0}},
};

/// Names are not case sensitive.
const Named& named_activation(const ir::Node& node, std::string_view name) {
  const auto lower = [](char c) { return std::tolower(static_cast<unsigned char>(c)); };
  for (const Named& a : kActivations)
    if (std::ranges::equal(a.name, name, {}, lower, lower)) return a;
  unsupported(node, "activation '{}'", name);
}

}  // namespace

void infer_recurrent(InferContext& ctx, int64_t gates, size_t states) {
  const ir::Node& node = ctx.node();
  for (size_t i = 0; i < ctx.inputs(); i++)
    expect_dtype(ctx, i, i == 4 ? TypeSet{DType::i32} : TypeSet{DType::f32});
  const int64_t directions = directions_of(node), per_direction = states == 2 ? 3 : 2;
  const auto names = activation_names(node);
  if (!names.empty() && static_cast<int64_t>(names.size()) != per_direction * directions)
    ctx.error("{} activations for {} directions", names.size(), directions);
  for (int64_t i = 0; i < per_direction * directions; i++)
    recurrent_activation(node, i / per_direction, i % per_direction, per_direction, "Tanh");
  const Shape *x = ctx.shape(0), *r = ctx.shape(2);
  if (!x || !r) {
    for (size_t i = 0; i < ctx.outputs(); i++) ctx.set(i, DType::f32, std::nullopt);
    return;
  }
  const bool batch_first = int_attr(node, "layout", 0, 0, 1) == 1;
  if (x->rank() != 3) ctx.error("an input of shape {}, expected [sequence, batch, input]", to_string(*x));
  if (r->rank() != 3 || is_symbol((*r)[2])) ctx.error("recurrent weights of shape {}", to_string(*r));
  const int64_t hidden = (*r)[2], batch = (*x)[batch_first ? 0 : 1], sequence = (*x)[batch_first ? 1 : 0];
  if (hidden > (int64_t{1} << 31) || node.attrs.get_int("hidden_size", hidden) != hidden)
    ctx.error("recurrent weights of shape {} for hidden_size {}", to_string(*r),
              node.attrs.get_int("hidden_size", hidden));
  expect_shape(ctx, 1, Shape{directions, gates * hidden, (*x)[2]});
  expect_shape(ctx, 2, Shape{directions, gates * hidden, hidden});
  expect_shape(ctx, 3, Shape{directions, 2 * gates * hidden});
  expect_vector(ctx, 4, batch);
  const Shape state = batch_first ? Shape{batch, directions, hidden} : Shape{directions, batch, hidden};
  for (size_t i = 5; i < 5 + states; i++) expect_shape(ctx, i, state);
  if (states == 2) expect_shape(ctx, 7, Shape{directions, 3 * hidden});
  ctx.set(
      0, DType::f32,
      batch_first ? Shape{batch, sequence, directions, hidden} : Shape{sequence, directions, batch, hidden});
  for (size_t i = 1; i < ctx.outputs(); i++) ctx.set(i, DType::f32, state);
}

Recurrent resolve_recurrent(const EvalContext& ctx) {
  const Shape& x = *ctx.in(0).shape;
  Recurrent p;
  p.batch_first = ctx.attrs().get_int("layout", 0) == 1;
  p.sequence = x[p.batch_first ? 1 : 0];
  p.batch = x[p.batch_first ? 0 : 1];
  p.input = x[2];
  p.directions = directions_of(ctx.node);
  p.hidden = (*ctx.in(2).shape)[2];
  p.clip = ctx.attrs().get_float("clip", 0);
  p.backward = text_attr(ctx.attrs(), "direction", "forward") == "reverse";
  return p;
}

RecurrentActivation recurrent_activation(const ir::Node& node, int64_t direction, int64_t index,
                                         int64_t per_direction, std::string_view fallback) {
  const auto names = activation_names(node);
  const size_t wanted = static_cast<size_t>(direction * per_direction + index);
  if (names.empty()) return named_activation(node, fallback).activation;
  // Parameters are listed for those activations that take any, in order.
  const auto alphas = float_list(node, "activation_alpha"), betas = float_list(node, "activation_beta");
  size_t alpha = 0, beta = 0;
  for (size_t i = 0; i < names.size(); i++) {
    const Named& named = named_activation(node, names[i]);
    RecurrentActivation a = named.activation;
    if (named.parameters > 0 && alpha < alphas.size()) a.alpha = alphas[alpha++];
    if (named.parameters > 1 && beta < betas.size()) a.beta = betas[beta++];
    if (i == wanted) return a;
  }
  invalid(node, "{} activations", names.size());
}

double recurrent_macs(const ir::Graph& graph, const ir::Node& node) {
  const auto &x = graph.value(node.input(0)).shape, &w = graph.value(node.input(1)).shape,
             &r = graph.value(node.input(2)).shape;
  if (!x || !w || !r || !x->is_static() || !w->is_static() || !r->is_static()) return 0;
  return static_cast<double>(x->elements(0, 2)) * static_cast<double>(w->elements() + r->elements());
}

RecurrentWeights::RecurrentWeights(const EvalContext& ctx, const Recurrent& p, int64_t gate_count,
                                   int64_t direction)
    : w(ctx.in(1).as<float>() + direction * gate_count * p.hidden * p.input),
      r(ctx.in(2).as<float>() + direction * gate_count * p.hidden * p.hidden),
      b(ctx.has_input(3) ? ctx.in(3).as<float>() + direction * 2 * gate_count * p.hidden : nullptr),
      input(p.input),
      hidden(p.hidden),
      gates(gate_count) {}

double RecurrentWeights::from_input(const float* x, int64_t row) const {
  return dot(x, w + row * input, input) + (b ? static_cast<double>(b[row]) : 0.0);
}

double RecurrentWeights::from_state(const float* h, int64_t row) const {
  return dot(h, r + row * hidden, hidden) + (b ? static_cast<double>(b[gates * hidden + row]) : 0.0);
}

void load_state(const EvalContext& ctx, size_t i, int64_t at, std::span<float> to) {
  if (ctx.has_input(i))
    std::copy_n(ctx.in(i).as<float>() + at, to.size(), to.data());
  else
    std::fill(to.begin(), to.end(), 0.0f);
}

void store_state(const EvalContext& ctx, size_t i, int64_t at, std::span<const float> from) {
  if (i < ctx.outputs.size() && ctx.out(i).data)
    std::copy(from.begin(), from.end(), ctx.out(i).as<float>() + at);
}

}  // namespace tenfold::ops
