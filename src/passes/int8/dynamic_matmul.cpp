// MatMulInteger -> Cast -> Mul by (x scale * weight scales) [-> Add bias]  ==>  QMatMulDynamic: what dynamic
// quantizers write for a matrix product.  The quantization of x stays a node of its own, which several
// products may share.
#include <algorithm>

#include "ops/op.hpp"
#include "passes/int8/linear.hpp"
#include "passes/match.hpp"
#include "passes/pass.hpp"

namespace tenfold::passes {
namespace {

/// w - zero point where every difference is an s8: symmetric weights, and asymmetric ones of a narrow range.
std::optional<Tensor> centred_weights(const Tensor& w, const Tensor* zero) {
  const int64_t n = w.shape()[1];
  if (zero && zero->elements() != 1 && zero->elements() != n) return std::nullopt;
  std::vector<int> offsets;
  for (int64_t j = 0; j < n; j++)
    offsets.push_back(zero ? static_cast<int>(zero->at_int(zero->elements() == 1 ? 0 : j)) : 0);
  if (w.dtype() == DType::s8 && std::ranges::all_of(offsets, [](int z) { return z == 0; })) return w;
  Tensor centred(DType::s8, w.shape());
  auto* out = centred.mutable_data<int8_t>();
  const auto subtract = [&](const auto* in) {
    for (int64_t i = 0; i < w.elements(); i++) {
      const int value = in[i] - offsets[static_cast<size_t>(i % n)];
      if (value != static_cast<int8_t>(value)) return false;
      out[i] = static_cast<int8_t>(value);
    }
    return true;
  };
  const bool fits = w.dtype() == DType::s8 ? subtract(w.data<int8_t>()) : subtract(w.data<uint8_t>());
  return fits ? std::optional(centred) : std::nullopt;
}

bool one_value(const ir::Graph& g, ir::ValueId id) {
  const Shape* s = shape_of(g, id);
  return s && s->is_static() && s->elements() == 1;
}

/// The factors of an integer product: the scale of x, known at run time, and those of the weights.
struct Scales {
  ir::ValueId x;
  Tensor weights;  ///< [n]
};
std::optional<Scales> scales(const ir::Graph& g, ir::ValueId factor, int64_t n) {
  const ir::Node* mul = produced_by(g, factor, "Mul");
  if (!mul) return std::nullopt;
  for (size_t side : {0u, 1u}) {
    const Tensor* w = g.constant(mul->input(side));
    const ir::ValueId x = mul->input(1 - side);
    if (!w || w->dtype() != DType::f32 || !one_value(g, x)) continue;
    if (w->elements() != 1 && (w->elements() != n || w->shape().back() != n)) continue;
    Scales s{x, Tensor(DType::f32, {n})};
    for (int64_t i = 0; i < n; i++)
      s.weights.mutable_data<float>()[i] = w->data<float>()[w->elements() == 1 ? 0 : i];
    return s;
  }
  return std::nullopt;
}

/// The Mul that turns the sums of an integer product into floats, and what it multiplies with.
struct Scaled {
  ir::ValueId result, factor;
};
std::optional<Scaled> scaled(const ir::Graph& g, ir::ValueId sums) {
  const ir::NodeId cast = g.single_consumer(sums);
  if (cast == ir::kNone || g.node(cast).op != "Cast" || !is_f32(g, g.node(cast).output()))
    return std::nullopt;
  const ir::ValueId real = g.node(cast).output();
  const ir::NodeId mul = g.single_consumer(real);
  if (mul == ir::kNone || g.node(mul).op != "Mul" || !same_shape(g, real, g.node(mul).output()))
    return std::nullopt;
  return Scaled{g.node(mul).output(), other_operand(g.node(mul), real)};
}

Tensor bias_vector(const std::vector<float>& values, int64_t n) {
  Tensor t(DType::f32, {n});
  for (int64_t i = 0; i < n; i++)
    t.mutable_data<float>()[i] = values[values.size() == 1 ? 0 : static_cast<size_t>(i)];
  return t;
}

std::optional<ir::Patch> rewrite(const ir::Graph& g, ir::NodeId id) {
  const ir::Node& n = g.node(id);
  if (n.op != "MatMulInteger" || g.value(n.input(0)).dtype != DType::u8 || rank_of(g, n.input(0)) < 2)
    return std::nullopt;
  const Tensor* w = g.constant(n.input(1));
  const bool constant_zero = n.input(3) == ir::kNone || g.constant(n.input(3));
  if (!w || w->shape().rank() != 2 || w->elements() == 0 || !constant_zero) return std::nullopt;
  if (n.input(2) != ir::kNone && !one_value(g, n.input(2))) return std::nullopt;
  const int64_t channels = w->shape()[1];
  const auto mul = scaled(g, n.output());
  const auto factors = mul ? scales(g, mul->factor, channels) : std::nullopt;
  if (!factors) return std::nullopt;
  const auto weights = centred_weights(*w, n.input(3) == ir::kNone ? nullptr : g.constant(n.input(3)));
  if (!weights) return std::nullopt;
  const auto add = bias_add(g, mul->result, channels);
  const std::vector<float> bias = add ? *constant_floats(g, add->bias) : std::vector<float>{0.0f};
  ir::Patch patch(g);
  std::vector<ir::ValueId> inputs{n.input(0), patch.constant(*weights, "weights"),
                                  patch.constant(factors->weights, "multiplier"),
                                  patch.constant(bias_vector(bias, channels), "bias"), factors->x};
  if (n.input(2) != ir::kNone) inputs.push_back(n.input(2));
  patch.replace(add ? add->sum : mul->result, patch.add("QMatMulDynamic", inputs, {}, n.name));
  return patch;
}

}  // namespace

extern const Pass pass_int8_dynamic_matmul;
const Pass pass_int8_dynamic_matmul{"int8-dynamic-matmul",
                                    "products of dynamically quantized activations to INT8 kernels", rewrite};

}  // namespace tenfold::passes
