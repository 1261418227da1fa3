// QuantizeLinear(DequantizeLinear(a) + DequantizeLinear(b))  ==>  QAdd; the same for Sub and Mul.
#include <cmath>

#include "passes/int8/quantized.hpp"
#include "passes/pass.hpp"

namespace tenfold::passes {
namespace {

ir::Attributes parameters(const std::string& op, ActivationParams a, ActivationParams b, ActivationParams y) {
  const double inverse = 1.0 / static_cast<double>(y.scale);
  ir::Attributes attrs{{"y_zero_point", int64_t{y.zero_point}}};
  if (op == "Mul") {
    attrs.set("a_scale",
              static_cast<float>(static_cast<double>(a.scale) * static_cast<double>(b.scale) * inverse));
    attrs.set("a_zero_point", int64_t{a.zero_point});
    attrs.set("b_zero_point", int64_t{b.zero_point});
    return attrs;
  }
  const double sa = static_cast<double>(a.scale) * inverse,
               sb = (op == "Sub" ? -1 : 1) * static_cast<double>(b.scale) * inverse;
  attrs.set("a_scale", static_cast<float>(sa));
  attrs.set("b_scale", static_cast<float>(sb));
  attrs.set("offset", static_cast<float>(-(a.zero_point * sa + b.zero_point * sb)));
  return attrs;
}

std::optional<ir::Patch> rewrite(const ir::Graph& g, ir::NodeId id) {
  const ir::Node& n = g.node(id);
  if (n.op != "Add" && n.op != "Sub" && n.op != "Mul") return std::nullopt;
  const auto a = dequantized(g, n.input(0)), b = dequantized(g, n.input(1));
  const auto requant = requantization(g, n.output());
  if (!a || !b || !requant) return std::nullopt;
  ir::Attributes attrs = parameters(n.op, a->params, b->params, requant->params);
  for (const char* name : {"a_scale", "b_scale", "offset"})
    if (!std::isfinite(attrs.get_float(name, 0))) return std::nullopt;
  if (requant->clamp) attrs.set("table", table_tensor(*requant->clamp));
  ir::Patch patch(g);
  patch.replace(requant->result,
                patch.add(n.op == "Mul" ? "QMul" : "QAdd", {a->value, b->value}, attrs, n.name));
  return patch;
}

}  // namespace

extern const Pass pass_int8_binary;
const Pass pass_int8_binary{"int8-binary", "quantized Add, Sub and Mul to INT8 kernels", rewrite};

}  // namespace tenfold::passes
