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

}  // namespace tenfold::passes
