// x * Sigmoid(x) becomes SiLU.
#include "passes/match.hpp"
#include "passes/pass.hpp"
#include "passes/product.hpp"

namespace tenfold::passes {
namespace {

bool is_silu(const ir::Graph& graph, ir::ValueId x, ir::ValueId f, double k) {
  const ir::Node* sigmoid = produced_by(graph, f, "Sigmoid");
  return k == 1 && sigmoid && sigmoid->input(0) == x;
}

std::optional<ir::Patch> rewrite(const ir::Graph& graph, ir::NodeId id) {
  const ir::Node& node = graph.node(id);
  const ir::ValueId x = find_gated(graph, node, is_silu);
  if (x == ir::kNone) return std::nullopt;
  ir::Patch patch(graph);
  patch.replace(node.output(), patch.add("SiLU", {x}, {}, node.name));
  return patch;
}

}  // namespace

extern const Pass pass_fuse_silu;
const Pass pass_fuse_silu{
    .name = "fuse-silu",
    .description = "x * Sigmoid(x) becomes SiLU",
    .rewrite = rewrite,
};

}  // namespace tenfold::passes
