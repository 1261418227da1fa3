#include "passes/int8/linear.hpp"

#include <cmath>

namespace tenfold::passes {

std::optional<LinearParams> linear_params(const ir::Graph& g, const Quantized& x, const QuantizedWeights& w,
                                          int64_t channels, ir::ValueId bias,
                                          const std::optional<Requantization>& requant) {
  std::vector<float> b(1, 0.0f);
  if (bias != ir::kNone) {
    auto values = constant_floats(g, bias);
    if (!values || (values->size() != 1 && static_cast<int64_t>(values->size()) != channels))
      return std::nullopt;
    b = std::move(*values);
  }
  const double inverse = requant ? 1.0 / static_cast<double>(requant->params.scale) : 1.0;
  LinearParams p{Tensor(DType::f32, {channels}), Tensor(DType::f32, {channels})};
  for (int64_t c = 0; c < channels; c++) {
    const auto m =
        static_cast<float>(static_cast<double>(x.params.scale) * static_cast<double>(w.scale(c)) * inverse);
    const auto offset =
        static_cast<float>(static_cast<double>(b[b.size() == 1 ? 0 : static_cast<size_t>(c)]) * inverse);
    if (!std::isfinite(m) || !std::isfinite(offset)) return std::nullopt;
    p.multiplier.mutable_data<float>()[c] = m;
    p.bias.mutable_data<float>()[c] = offset;
  }
  return p;
}

void set_linear_attributes(ir::Attributes& attrs, const Quantized& x,
                           const std::optional<Requantization>& requant) {
  attrs.set("x_zero_point", int64_t{x.params.zero_point});
  if (!requant) {
    attrs.set("output", std::string("f32"));
    return;
  }
  attrs.set("y_zero_point", int64_t{requant->params.zero_point});
  if (requant->clamp) attrs.set("table", table_tensor(*requant->clamp));
}

std::optional<BiasAdd> bias_add(const ir::Graph& g, ir::ValueId product, int64_t channels, int from_end) {
  const ir::NodeId user = g.single_consumer(product);
  if (user == ir::kNone || g.node(user).op != "Add") return std::nullopt;
  const ir::Node& add = g.node(user);
  const ir::ValueId other = add.input(0) == product ? add.input(1) : add.input(0);
  const auto values = constant_floats(g, other);
  const auto &shape = g.value(other).shape, &of = g.value(product).shape;
  if (!values || !shape || !of || shape->rank() > of->rank()) return std::nullopt;
  if (static_cast<int64_t>(values->size()) != channels && values->size() != 1) return std::nullopt;
  const int axis = shape->rank() - from_end;
  if (values->size() > 1 && (axis < 0 || (*shape)[axis] != channels)) return std::nullopt;
  return BiasAdd{add.output(), other};
}

}  // namespace tenfold::passes
