// Average pools between DequantizeLinear and QuantizeLinear run on bytes; global ones also where nothing
// quantizes their result.
#include "passes/int8/quantized.hpp"
#include "passes/pass.hpp"

namespace tenfold::passes {
namespace {

std::optional<ir::Patch> rewrite(const ir::Graph& g, ir::NodeId id) {
  const ir::Node& n = g.node(id);
  const bool global = n.op == "GlobalAveragePool";
  if (!global && n.op != "AveragePool") return std::nullopt;
  const auto x = dequantized(g, n.input(0));
  const auto requant = requantization(g, n.output());
  const bool to_bytes = requant && !requant->clamp;
  if (!x || (!to_bytes && !global)) return std::nullopt;
  ir::Attributes attrs = n.attrs;
  if (!set_scaling(attrs, x->params, to_bytes ? requant->params : ActivationParams{1, 0}))
    return std::nullopt;
  if (!to_bytes) attrs.set("output", std::string("f32"));
  ir::Patch patch(g);
  patch.replace(to_bytes ? requant->result : n.output(),
                patch.add(global ? "QGlobalAveragePool" : "QAveragePool", {x->value}, attrs, n.name));
  return patch;
}

}  // namespace

extern const Pass pass_int8_pool;
const Pass pass_int8_pool{"int8-pool", "quantized average pools to INT8 kernels", rewrite};

}  // namespace tenfold::passes
