#include "ops/op.hpp"
#include "passes/linear.hpp"
#include "quant/correct.hpp"

namespace tenfold::quant {

ir::Graph batch_norms_as_convolutions(const ir::Graph& graph, const QuantizeOptions& options) {
  ir::Graph g = graph;
  if (!options.ops.empty() && !options.ops.contains("Conv")) return g;
  for (ir::NodeId id : graph.topological_order()) {
    const ir::Node n = g.node(id);
    if (n.op != "BatchNormalization" || options.exclude.contains(node_label(g, id))) continue;
    const auto conv = passes::depthwise_affine(g, n);
    if (!conv) continue;
    const std::string label = node_label(g, id);
    const int64_t channels = conv->bias.elements();
    const ir::ValueId out = n.output();
    const ir::ValueId w = g.add_constant(g.unique_name(label + "_weight"), conv->weights);
    const ir::ValueId b = g.add_constant(g.unique_name(label + "_bias"), conv->bias);
    g.remove_node(id);
    ops::infer(g, g.add_node_onto("Conv", {n.input(0), w, b}, {out}, {{"group", channels}}, n.name));
  }
  return g;
}

}  // namespace tenfold::quant
