// MatMulInteger -> Cast -> Mul by (x scale * weight scales) [-> Add bias]  ==>  QMatMulDynamic: what dynamic
// quantizers write for a matrix product.  The quantization of x stays a node of its own, which several
// products may share.
#include "passes/int8/dynamic.hpp"
#include "passes/match.hpp"
#include "passes/pass.hpp"

namespace tenfold::passes {
namespace {

std::optional<ir::Patch> rewrite(const ir::Graph& g, ir::NodeId id) {
  const ir::Node& n = g.node(id);
  if (n.op != "MatMulInteger" || !multiplies_dynamic(g, n) || rank_of(g, n.input(0)) < 2 ||
      g.constant(n.input(1))->shape().rank() != 2)
    return std::nullopt;
  return lower_dynamic(g, n, "QMatMulDynamic", {.weights = 1, .result_from_end = 1}, {});
}

}  // namespace

extern const Pass pass_int8_dynamic_matmul;
const Pass pass_int8_dynamic_matmul{"int8-dynamic-matmul",
                                    "products of dynamically quantized activations to INT8 kernels", rewrite};

}  // namespace tenfold::passes
