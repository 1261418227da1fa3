#include "ops/fusion.hpp"

#include <algorithm>
#include <cmath>
#include <iterator>
#include <limits>
#include <numbers>

#include "ops/checks.hpp"

namespace tenfold::ops {
namespace {

using kernels::Activation;

struct Name {
  std::string_view op;
  Activation kind;
  float lo, hi;
};  // lo, hi: the ONNX defaults
constexpr float kInfinity = std::numeric_limits<float>::infinity();
constexpr Name kNames[] = {
    {"Relu", Activation::clamp, 0, kInfinity},
    {"Clip", Activation::clamp, -kInfinity, kInfinity},
    {"SiLU", Activation::silu, 0, 0},
    {"HardSwish", Activation::hard_swish, 0, 0},
    {"Sigmoid", Activation::sigmoid, 0, 0},
    {"HardSigmoid", Activation::hard_sigmoid, 0.2f, 0.5f},
    {"Gelu", Activation::gelu, 0, 0},
    {"GeluTanh", Activation::gelu_tanh, 0, 0},
    {"Tanh", Activation::tanh, 0, 0},
    {"LeakyRelu", Activation::leaky_relu, 0.01f, 0},
    {"Elu", Activation::elu, 1, 0},
    {"Mish", Activation::mish, 0, 0},
    {"Softplus", Activation::softplus, 0, 0},
    {"Exp", Activation::exp, 0, 0},
    {"Erf", Activation::erf, 0, 0},
    {"Sqrt", Activation::sqrt, 0, 0},
    {"Reciprocal", Activation::reciprocal, 0, 0},
    {"Abs", Activation::abs, 0, 0},
    {"Neg", Activation::neg, 0, 0},
    {"Log", Activation::log, 0, 0},
    {"Square", Activation::square, 0, 0},
};

const Name* find_name(std::string_view op) {
  const auto it =
      std::find_if(std::begin(kNames), std::end(kNames), [&](const Name& n) { return n.op == op; });
  return it == std::end(kNames) ? nullptr : &*it;
}

float sigmoid(float x) { return 1 / (1 + std::exp(-x)); }
/// ln(1 + e^x) without overflow for large x.
float softplus(float x) { return std::max(x, 0.0f) + std::log1p(std::exp(-std::abs(x))); }
float gelu_tanh(float x) {
  constexpr float kScale = 0.7978845608028654f;  // sqrt(2 / pi)
  return 0.5f * x * (1 + std::tanh(kScale * (x + 0.044715f * x * x * x)));
}

/// Calls f with the scalar function of `a`.
template <class F>
void with_function(const Fusion& a, F&& f) {
  const float lo = a.lo, hi = a.hi;
  switch (a.kind) {
    case Activation::none:
      return f([](float x) { return x; });
    case Activation::clamp:
      return f([=](float x) { return std::min(std::max(x, lo), hi); });
    case Activation::silu:
      return f([](float x) { return x * sigmoid(x); });
    case Activation::hard_swish:
      return f([](float x) { return x * std::min(std::max(x / 6 + 0.5f, 0.0f), 1.0f); });
    case Activation::sigmoid:
      return f(sigmoid);
    case Activation::hard_sigmoid:
      return f([=](float x) { return std::min(std::max(lo * x + hi, 0.0f), 1.0f); });
    // erfc keeps the relative accuracy that 1 + erf loses for negative x.
    case Activation::gelu:
      return f([](float x) { return 0.5f * x * std::erfc(-x / std::numbers::sqrt2_v<float>); });
    case Activation::gelu_tanh:
      return f(gelu_tanh);
    case Activation::tanh:
      return f([](float x) { return std::tanh(x); });
    case Activation::leaky_relu:
      return f([=](float x) { return x < 0 ? lo * x : x; });
    case Activation::elu:
      return f([=](float x) { return x < 0 ? lo * std::expm1(x) : x; });
    case Activation::mish:
      return f([](float x) { return x * std::tanh(softplus(x)); });
    case Activation::softplus:
      return f(softplus);
    case Activation::exp:
      return f([](float x) { return std::exp(x); });
    case Activation::erf:
      return f([](float x) { return std::erf(x); });
    case Activation::sqrt:
      return f([](float x) { return std::sqrt(x); });
    case Activation::reciprocal:
      return f([](float x) { return 1 / x; });
    case Activation::abs:
      return f([](float x) { return std::abs(x); });
    case Activation::neg:
      return f([](float x) { return -x; });
    case Activation::log:
      return f([](float x) { return std::log(x); });
    case Activation::square:
      return f([](float x) { return x * x; });
  }
}

}  // namespace

float Fusion::operator()(float x) const {
  with_function(*this, [&](auto&& f) { x = f(x); });
  return x;
}

void Fusion::apply(std::span<float> values) const {
  if (kind == Activation::none) return;
  with_function(*this, [&](auto&& f) {
    for (float& v : values) v = f(v);
  });
}

Fusion fusion_of(const ir::Node& node) {
  const std::string_view op = text_attr(node.attrs, "activation", "");
  if (op.empty()) return {};
  const Name* name = find_name(op);
  if (!name) invalid(node, "unknown activation '{}'", op);
  const bool bounds = name->kind == Activation::clamp;
  Fusion fusion{name->kind, name->lo, name->hi};
  if (op == "Relu") return fusion;
  fusion.lo = node.attrs.get_float(bounds ? "activation_lo" : "activation_alpha", name->lo);
  fusion.hi = node.attrs.get_float(bounds ? "activation_hi" : "activation_beta", name->hi);
  return fusion;
}

bool is_fusible_activation(std::string_view name) { return find_name(name) != nullptr; }

}  // namespace tenfold::ops
