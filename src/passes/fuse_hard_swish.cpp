// x * HardSigmoid(x), x * Clip(x + 3, 0, 6) / 6 become HardSwish.
#include "passes/match.hpp"
#include "passes/pass.hpp"
#include "passes/product.hpp"

namespace tenfold::passes {
namespace {

/// Clip(x + 3, 0, 6)
bool is_shifted_clip(const ir::Graph& graph, ir::ValueId id, ir::ValueId x) {
  const ir::Node* clip = produced_by(graph, id, "Clip");
  if (!clip || scalar(graph, clip->input(1)) != 0.0 || scalar(graph, clip->input(2)) != 6.0) return false;
  const auto sum = with_scalar(graph, clip->input(0), "Add");
  return sum && sum->x == x && sum->c == 3 && used_once(graph, clip->input(0));
}

bool is_hard_swish(const ir::Graph& graph, ir::ValueId x, ir::ValueId f, double k) {
  if (const ir::Node* gate = produced_by(graph, f, "HardSigmoid"))
    return k == 1 && gate->input(0) == x && near(gate->attrs.get_float("alpha", 0.2f), 1.0 / 6) &&
           near(gate->attrs.get_float("beta", 0.5f), 0.5);
  return near(k, 1.0 / 6) && is_shifted_clip(graph, f, x);
}

std::optional<ir::Patch> rewrite(const ir::Graph& graph, ir::NodeId id) {
  const ir::Node& node = graph.node(id);
  const ir::ValueId x = find_gated(graph, node, is_hard_swish);
  if (x == ir::kNone) return std::nullopt;
  ir::Patch patch(graph);
  patch.replace(node.output(), patch.add("HardSwish", {x}, {}, node.name));
  return patch;
}

}  // namespace

extern const Pass pass_fuse_hard_swish;
const Pass pass_fuse_hard_swish{
    .name = "fuse-hard-swish",
    .description = "x * HardSigmoid(x) and x * Clip(x + 3, 0, 6) / 6 become HardSwish",
    .rewrite = rewrite,
};

}  // namespace tenfold::passes
