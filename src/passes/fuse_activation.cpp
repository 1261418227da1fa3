// An activation behind an operator with an epilogue becomes its attribute (engine only), see ops/fusion.hpp.
#include <algorithm>

#include "passes/activation.hpp"
#include "passes/match.hpp"
#include "passes/pass.hpp"

namespace tenfold::passes {
namespace {

using ir::Graph;
using ir::Node;

constexpr std::string_view kHosts[] = {"Conv", "ConvTranspose", "MatMul", "Gemm", "BatchNormalization", "Add",
                                       "Mul"};

std::optional<ir::Patch> rewrite(const Graph& graph, ir::NodeId id) {
  const Node& node = graph.node(id);
  if (node.inputs.empty() || node.input(0) == ir::kNone) return std::nullopt;
  const Node* host = graph.producer(node.input(0));
  if (!host || std::ranges::find(kHosts, host->op) == std::end(kHosts) || host->attrs.has("activation"))
    return std::nullopt;
  if (!used_once(graph, node.input(0)) || !is_f32(graph, node.input(0))) return std::nullopt;
  ir::Attributes attrs = host->attrs;
  if (!set_activation(graph, node, attrs)) return std::nullopt;
  ir::Patch patch(graph);
  patch.replace(node.output(), patch.add(host->op, host->inputs, std::move(attrs), host->name));
  return patch;
}

}  // namespace

extern const Pass pass_fuse_activation;
const Pass pass_fuse_activation{
    .name = "fuse-activation",
    .description = "an activation behind Conv, MatMul, BatchNormalization, Add, ... becomes its attribute",
    .rewrite = rewrite,
};

}  // namespace tenfold::passes
