// x * Tanh(Softplus(x)) becomes Mish.
#include "passes/match.hpp"
#include "passes/pass.hpp"
#include "passes/product.hpp"

namespace tenfold::passes {
namespace {

/// Softplus(x), or the Log(1 + Exp(x)) that older exporters write.
bool is_softplus(const ir::Graph& graph, ir::ValueId id, ir::ValueId x) {
  if (const ir::Node* softplus = produced_by(graph, id, "Softplus")) return softplus->input(0) == x;
  const ir::Node* log = produced_by(graph, id, "Log");
  const auto sum = log ? with_scalar(graph, log->input(0), "Add") : std::nullopt;
  const ir::Node* exp = sum && sum->c == 1 ? produced_by(graph, sum->x, "Exp") : nullptr;
  return exp && exp->input(0) == x && used_once(graph, log->input(0)) && used_once(graph, sum->x);
}

bool is_mish(const ir::Graph& graph, ir::ValueId x, ir::ValueId f, double k) {
  const ir::Node* tanh = produced_by(graph, f, "Tanh");
  return k == 1 && tanh && used_once(graph, tanh->input(0)) && is_softplus(graph, tanh->input(0), x);
}

std::optional<ir::Patch> rewrite(const ir::Graph& graph, ir::NodeId id) {
  const ir::Node& node = graph.node(id);
  const ir::ValueId x = find_gated(graph, node, is_mish);
  if (x == ir::kNone) return std::nullopt;
  ir::Patch patch(graph);
  patch.replace(node.output(), patch.add("Mish", {x}, {}, node.name));
  return patch;
}

}  // namespace

extern const Pass pass_fuse_mish;
const Pass pass_fuse_mish{
    .name = "fuse-mish",
    .description = "x * Tanh(Softplus(x)) becomes Mish",
    .rewrite = rewrite,
};

}  // namespace tenfold::passes
