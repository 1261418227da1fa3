// MatMulInteger -> Cast -> Mul by (x scale * weight scales) [-> Add bias]  ==>  QMatMulDynamic: what dynamic
// quantizers write for a matrix product.  The quantization of x stays a node of its own, which several
// products may share.
#include "ops/op.hpp"
#include "passes/int8/linear.hpp"
#include "passes/match.hpp"
#include "passes/pass.hpp"

namespace tenfold::passes {
namespace {

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
  const auto weights = centred_weights(*w, n.input(3) == ir::kNone ? nullptr : g.constant(n.input(3)), 1);
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
