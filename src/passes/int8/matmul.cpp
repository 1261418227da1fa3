// DequantizeLinear -> MatMul | Gemm [-> Add bias] [-> Relu | Clip] [-> QuantizeLinear]  ==>  QMatMul.
#include "ops/op.hpp"
#include "passes/int8/linear.hpp"
#include "passes/match.hpp"
#include "passes/pass.hpp"

namespace tenfold::passes {
namespace {

bool plain_gemm(const ir::Node& n) {
  return n.attrs.get_int("transA", 0) == 0 && n.attrs.get_float("alpha", 1) == 1 &&
         n.attrs.get_float("beta", 1) == 1;
}

std::optional<ir::Patch> rewrite(const ir::Graph& g, ir::NodeId id) {
  const ir::Node& n = g.node(id);
  const bool gemm = n.op == "Gemm";
  if (gemm ? !plain_gemm(n) : n.op != "MatMul" || n.inputs.size() > 2) return std::nullopt;
  const auto x = dequantized(g, n.input(0));
  const auto w = x ? quantized_weights(g, n.input(1)) : std::nullopt;
  if (!w || w->data.shape().rank() != 2) return std::nullopt;
  const auto& x_shape = g.value(x->value).shape;
  if (!x_shape || x_shape->rank() < 2) return std::nullopt;
  const bool transposed_weights = gemm && n.attrs.get_int("transB", 0);
  const int channel_axis = transposed_weights ? 0 : 1;
  if (w->scales.size() > 1 && w->axis != channel_axis) return std::nullopt;
  const int64_t channels = w->data.shape()[channel_axis];
  ir::ValueId result = n.output(), bias = gemm ? n.input(2) : ir::kNone;
  if (bias != ir::kNone && !lies_along_columns(g, bias, channels)) return std::nullopt;
  if (!gemm)
    if (const auto add = bias_add(g, result, channels)) {
      result = add->sum;
      bias = add->bias;
    }
  const auto requant = requantization(g, result);
  const auto linear = linear_params(g, *x, *w, channels, bias, requant);
  if (!linear) return std::nullopt;
  ir::Patch patch(g);
  ir::Attributes attrs;
  set_linear_attributes(attrs, *x, requant);
  if (transposed_weights) attrs.set("transB", int64_t{1});  // packing takes either order
  const ir::ValueId y =
      patch.add("QMatMul",
                {x->value, patch.constant(w->data, "weights"),
                 patch.constant(linear->multiplier, "multiplier"), patch.constant(linear->bias, "bias")},
                attrs, n.name);
  patch.replace(requant ? requant->result : result, y);
  return patch;
}

}  // namespace

extern const Pass pass_int8_matmul;
const Pass pass_int8_matmul{"int8-matmul", "quantized matrix products to INT8 kernels", rewrite};

}  // namespace tenfold::passes
