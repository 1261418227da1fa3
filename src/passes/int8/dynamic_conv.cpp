// ConvInteger -> Cast -> Mul by (x scale * weight scales) [-> Add bias]  ==>  QConvDynamic: what dynamic
// quantizers write for a convolution.  Depthwise ones, for which the INT8 kernels write bytes only, become
// FP32 convolutions of whole numbers, which are exact as long as 24 bits hold their sums.
#include "passes/int8/dynamic.hpp"
#include "passes/match.hpp"
#include "passes/pass.hpp"

namespace tenfold::passes {
namespace {

constexpr int64_t kFloat = 1;  // TensorProto.FLOAT

bool depthwise(const ir::Node& n, const Tensor& w) {
  return n.attrs.get_int("group", 1) > 1 && w.shape()[1] == 1;
}

std::optional<ir::Patch> in_floats(const ir::Graph& g, const ir::Node& n) {
  const Tensor& w = *g.constant(n.input(1));
  if (w.elements() / w.shape()[0] * UINT8_MAX * UINT8_MAX >= int64_t{1} << 24) return std::nullopt;
  const ir::NodeId cast = g.single_consumer(n.output());
  if (cast == ir::kNone || g.node(cast).op != "Cast" || !is_f32(g, g.node(cast).output()))
    return std::nullopt;
  const auto centred = centred_weights(w, n.input(3) == ir::kNone ? nullptr : g.constant(n.input(3)), 0);
  if (!centred) return std::nullopt;
  Tensor weights(DType::f32, w.shape());
  for (int64_t i = 0; i < w.elements(); i++)
    weights.mutable_data<float>()[i] = static_cast<float>(centred->at_int(i));
  ir::Patch patch(g);
  const ir::ValueId one = patch.constant(Tensor::scalar(1.0f), "one");
  ir::ValueId x = patch.add("DequantizeLinear", {n.input(0), one}, {}, n.name);
  if (n.input(2) != ir::kNone)
    x = patch.add("Sub", {x, patch.add("Cast", {n.input(2)}, {{"to", kFloat}}, n.name)}, {}, n.name);
  patch.replace(g.node(cast).output(),
                patch.add("Conv", {x, patch.constant(weights, "weights")}, n.attrs, n.name));
  return patch;
}

std::optional<ir::Patch> rewrite(const ir::Graph& g, ir::NodeId id) {
  const ir::Node& n = g.node(id);
  if (n.op != "ConvInteger" || !multiplies_dynamic(g, n) || rank_of(g, n.output()) < 3) return std::nullopt;
  if (depthwise(n, *g.constant(n.input(1)))) return in_floats(g, n);
  ir::Attributes attrs = n.attrs;
  attrs.set("output", std::string("f32"));
  return lower_dynamic(g, n, "QConvDynamic", {.weights = 0, .result_from_end = rank_of(g, n.output()) - 1},
                       std::move(attrs));
}

}  // namespace

extern const Pass pass_int8_dynamic_conv;
const Pass pass_int8_dynamic_conv{
    "int8-dynamic-conv", "convolutions of dynamically quantized activations to INT8 kernels", rewrite};

}  // namespace tenfold::passes
