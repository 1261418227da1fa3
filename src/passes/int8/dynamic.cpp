#include "passes/int8/dynamic.hpp"

#include "passes/int8/linear.hpp"
#include "passes/match.hpp"

namespace tenfold::passes {
namespace {

bool one_value(const ir::Graph& g, ir::ValueId id) {
  const Shape* s = shape_of(g, id);
  return s && s->is_static() && s->elements() == 1;
}

/// A constant of one value, or of n along an axis counted from the end, as [n].
std::optional<Tensor> by_channel(const Tensor& t, int64_t n, int from_end) {
  const int axis = t.shape().rank() - from_end;
  if (t.dtype() != DType::f32) return std::nullopt;
  if (t.elements() != 1 && (t.elements() != n || axis < 0 || t.shape()[axis] != n)) return std::nullopt;
  Tensor vector(DType::f32, {n});
  for (int64_t i = 0; i < n; i++)
    vector.mutable_data<float>()[i] = t.data<float>()[t.elements() == 1 ? 0 : i];
  return vector;
}

/// The factors of an integer product: the scale of x, known at run time, and those of the weights.
struct Scales {
  ir::ValueId x;
  Tensor weights;  ///< [n]
};
std::optional<Scales> scales(const ir::Graph& g, ir::ValueId factor, int64_t n, int from_end) {
  const ir::Node* mul = produced_by(g, factor, "Mul");
  if (!mul) return std::nullopt;
  for (size_t side : {0u, 1u}) {
    const Tensor* w = g.constant(mul->input(side));
    const ir::ValueId x = mul->input(1 - side);
    if (!w || !one_value(g, x)) continue;
    if (auto weights = by_channel(*w, n, from_end)) return Scales{x, std::move(*weights)};
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

}  // namespace

bool multiplies_dynamic(const ir::Graph& g, const ir::Node& n) {
  const Tensor* w = g.constant(n.input(1));
  const bool constant_zero = n.input(3) == ir::kNone || g.constant(n.input(3));
  return w && w->elements() > 0 && constant_zero && g.value(n.input(0)).dtype == DType::u8 &&
         (n.input(2) == ir::kNone || one_value(g, n.input(2)));
}

std::optional<ir::Patch> lower_dynamic(const ir::Graph& g, const ir::Node& n, const char* op,
                                       ChannelAxes axes, ir::Attributes attrs) {
  const Tensor& w = *g.constant(n.input(1));
  const int64_t channels = w.shape()[axes.weights];
  const auto mul = scaled(g, n.output());
  const auto factors = mul ? scales(g, mul->factor, channels, axes.result_from_end) : std::nullopt;
  if (!factors) return std::nullopt;
  const auto weights =
      centred_weights(w, n.input(3) == ir::kNone ? nullptr : g.constant(n.input(3)), axes.weights);
  if (!weights) return std::nullopt;
  const auto add = bias_add(g, mul->result, channels, axes.result_from_end);
  const std::vector<float> bias = add ? *constant_floats(g, add->bias) : std::vector<float>{0.0f};
  ir::Patch patch(g);
  std::vector<ir::ValueId> inputs{n.input(0), patch.constant(*weights, "weights"),
                                  patch.constant(factors->weights, "multiplier"),
                                  patch.constant(bias_vector(bias, channels), "bias"), factors->x};
  if (n.input(2) != ir::kNone) inputs.push_back(n.input(2));
  patch.replace(add ? add->sum : mul->result, patch.add(op, inputs, std::move(attrs), n.name));
  return patch;
}

}  // namespace tenfold::passes
