#include "passes/int8/quantized.hpp"

#include <algorithm>
#include <cmath>

#include "ops/op.hpp"
#include "ops/quantization.hpp"

namespace tenfold::passes {
namespace {

std::optional<ActivationParams> scalar_params(const ir::Graph& g, const ir::Node& n, DType type) {
  const Tensor* scale = g.constant(n.input(1));
  const Tensor* zero = g.constant(n.input(2));
  if (!scale || scale->elements() != 1 || scale->dtype() != DType::f32) return std::nullopt;
  if (n.input(2) != ir::kNone && !zero) return std::nullopt;  // known only at run time
  if (zero ? zero->elements() != 1 || zero->dtype() != type : type != DType::u8) return std::nullopt;
  const float value = scale->data<float>()[0];
  if (!(value > 0) || !std::isfinite(value))
    return std::nullopt;  // bytes would not grow with what they stand for
  return ActivationParams{value, zero ? static_cast<int>(zero->at_int(0)) : 0};
}

const ir::Node* producer_of(const ir::Graph& g, ir::ValueId v, std::string_view op) {
  const ir::Node* n = g.producer(v);
  return n && n->op == op ? n : nullptr;
}

}  // namespace

std::optional<Quantized> dequantized(const ir::Graph& g, ir::ValueId real) {
  const ir::Node* n = producer_of(g, real, "DequantizeLinear");
  if (!n || g.value(n->input(0)).dtype != DType::u8) return std::nullopt;
  const auto params = scalar_params(g, *n, DType::u8);
  if (!params) return std::nullopt;
  return Quantized{n->input(0), *params};
}

std::optional<ActivationParams> quantize_params(const ir::Graph& g, const ir::Node& n) {
  if (n.op != "QuantizeLinear" || g.value(n.output()).dtype != DType::u8) return std::nullopt;
  return scalar_params(g, n, DType::u8);
}

std::optional<Tensor> centred_weights(const Tensor& w, const Tensor* zero, int64_t axis) {
  if ((w.dtype() != DType::s8 && w.dtype() != DType::u8) || axis >= w.shape().rank()) return std::nullopt;
  const int at = static_cast<int>(axis);
  const int64_t channels = w.shape()[at], inner = w.shape().elements(at + 1, w.shape().rank());
  if (zero && (zero->dtype() != w.dtype() || (zero->elements() != 1 && zero->elements() != channels)))
    return std::nullopt;
  std::vector<int> zeros(static_cast<size_t>(channels));
  for (size_t c = 0; zero && c < zeros.size(); c++)
    zeros[c] = static_cast<int>(zero->at_int(zero->elements() == 1 ? 0 : static_cast<int64_t>(c)));
  if (w.dtype() == DType::s8 && std::ranges::all_of(zeros, [](int z) { return z == 0; })) return w;
  Tensor wide(DType::s16, w.shape()), narrow(DType::s8, w.shape());
  bool fits = true;
  const auto subtract = [&](const auto* in) {
    for (int64_t i = 0; i < w.elements(); i++) {
      const int value = in[i] - zeros[static_cast<size_t>(i / inner % channels)];
      fits = fits && value == static_cast<int8_t>(value);
      wide.mutable_data<int16_t>()[i] = static_cast<int16_t>(value);
      narrow.mutable_data<int8_t>()[i] = static_cast<int8_t>(value);
    }
  };
  w.dtype() == DType::s8 ? subtract(w.data<int8_t>()) : subtract(w.data<uint8_t>());
  return fits ? narrow : wide;
}

std::optional<QuantizedWeights> quantized_weights(const ir::Graph& g, ir::ValueId real) {
  const ir::Node* n = producer_of(g, real, "DequantizeLinear");
  const Tensor* data = n ? g.constant(n->input(0)) : nullptr;
  const Tensor* scale = n ? g.constant(n->input(1)) : nullptr;
  const Tensor* zero = n ? g.constant(n->input(2)) : nullptr;
  if (!data || data->elements() == 0 || !scale || scale->dtype() != DType::f32) return std::nullopt;
  if (n->input(2) != ir::kNone && !zero) return std::nullopt;  // known only at run time
  int64_t axis = n->attrs.get_int("axis", 1);
  if (axis < 0) axis += data->shape().rank();
  const auto scales = scale->span<float>();
  if (scales.size() != 1 && (axis >= data->shape().rank() ||
                             static_cast<int64_t>(scales.size()) != data->shape()[static_cast<int>(axis)]))
    return std::nullopt;
  if (scales.size() == 1) axis = 0;  // any will do
  if (zero && zero->elements() != 1 && zero->elements() != std::ssize(scales)) return std::nullopt;
  auto centred = centred_weights(*data, zero, axis);
  if (!centred) return std::nullopt;
  return QuantizedWeights{std::move(*centred), {scales.begin(), scales.end()}, axis};
}

std::optional<std::vector<float>> constant_floats(const ir::Graph& g, ir::ValueId real) {
  if (const Tensor* t = g.constant(real)) {
    if (t->dtype() != DType::f32) return std::nullopt;
    const auto values = t->span<float>();
    return std::vector<float>(values.begin(), values.end());
  }
  const ir::Node* n = producer_of(g, real, "DequantizeLinear");
  if (!n) return std::nullopt;
  std::vector<Tensor> inputs;
  for (ir::ValueId v : n->inputs) {
    if (v != ir::kNone && !g.constant(v)) return std::nullopt;
    inputs.push_back(v == ir::kNone ? Tensor() : *g.constant(v));
  }
  const Tensor result = ops::evaluate(g, g.value(real).producer, inputs)[0];
  const auto values = result.span<float>();
  return std::vector<float>(values.begin(), values.end());
}

Tensor table_tensor(const Table& table) {
  return Tensor::from<uint8_t>({256}, std::span<const uint8_t>(table));
}

Table compose(const Table& a, const Table& b) {
  Table c;
  for (size_t i = 0; i < c.size(); i++) c[i] = b[a[i]];
  return c;
}

uint8_t quantize(float real, ActivationParams p) {
  return ops::quantize<uint8_t>(real / p.scale, p.zero_point);
}

std::optional<std::pair<float, float>> clamp_bounds(const ir::Graph& g, const ir::Node& n) {
  if (n.op == "Relu") return std::pair{0.0f, INFINITY};
  if (n.op != "Clip") return std::nullopt;
  float bounds[2] = {-INFINITY, INFINITY};
  for (size_t i = 0; i < 2; i++) {
    if (n.input(i + 1) == ir::kNone) continue;
    const Tensor* t = g.constant(n.input(i + 1));
    if (!t || t->elements() != 1) return std::nullopt;
    bounds[i] = static_cast<float>(t->at_double(0));
  }
  return std::pair{bounds[0], bounds[1]};
}

std::optional<Requantization> requantization(const ir::Graph& g, ir::ValueId real) {
  ir::NodeId user = g.single_consumer(real);
  if (user == ir::kNone) return std::nullopt;
  std::optional<std::pair<float, float>> bounds = clamp_bounds(g, g.node(user));
  if (bounds) {
    user = g.single_consumer(g.node(user).output());
    if (user == ir::kNone) return std::nullopt;
  }
  const auto params = quantize_params(g, g.node(user));
  if (!params) return std::nullopt;
  Requantization r{*params, g.node(user).output(), std::nullopt};
  if (!bounds) return r;
  const uint8_t lo = quantize(bounds->first, *params), hi = quantize(bounds->second, *params);
  if (lo == 0 && hi == 255) return r;
  r.clamp.emplace();
  for (int i = 0; i < 256; i++)
    (*r.clamp)[static_cast<size_t>(i)] = static_cast<uint8_t>(std::min(std::max<int>(i, lo), int{hi}));
  return r;
}

bool set_scaling(ir::Attributes& attrs, const ActivationParams& x, const ActivationParams& y) {
  const float scale = x.scale / y.scale;
  attrs.set("scale", scale);
  attrs.set("x_zero_point", int64_t{x.zero_point});
  attrs.set("y_zero_point", int64_t{y.zero_point});
  return std::isfinite(scale);
}

}  // namespace tenfold::passes
