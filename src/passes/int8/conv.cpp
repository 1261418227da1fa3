// DequantizeLinear -> Conv [-> Relu | Clip] [-> QuantizeLinear]  ==>  QConv.
#include "passes/int8/linear.hpp"
#include "passes/pass.hpp"

namespace tenfold::passes {
namespace {

std::optional<ir::Patch> rewrite(const ir::Graph& g, ir::NodeId id) {
  const ir::Node& n = g.node(id);
  if (n.op != "Conv" || n.input(3) != ir::kNone) return std::nullopt;
  const auto x = dequantized(g, n.input(0));
  const auto w = x ? quantized_weights(g, n.input(1)) : std::nullopt;
  if (!w || (w->scales.size() > 1 && w->axis != 0)) return std::nullopt;
  const int64_t channels = w->data.shape()[0];
  const bool depthwise = n.attrs.get_int("group", 1) > 1 && w->data.shape()[1] == 1;
  auto requant = requantization(g, n.output());
  if (!requant && depthwise) return std::nullopt;  // the depthwise INT8 kernel writes bytes only
  auto linear = linear_params(g, *x, *w, channels, n.input(2), requant);
  if (!linear) return std::nullopt;
  ir::Patch patch(g);
  ir::Attributes attrs = n.attrs;
  set_linear_attributes(attrs, *x, requant);
  const ir::ValueId y =
      patch.add("QConv",
                {x->value, patch.constant(w->data, "weights"),
                 patch.constant(linear->multiplier, "multiplier"), patch.constant(linear->bias, "bias")},
                attrs, n.name);
  patch.replace(requant ? requant->result : n.output(), y);
  return patch;
}

}  // namespace

extern const Pass pass_int8_conv;
const Pass pass_int8_conv{"int8-conv", "quantized convolutions to INT8 kernels", rewrite};

}  // namespace tenfold::passes
