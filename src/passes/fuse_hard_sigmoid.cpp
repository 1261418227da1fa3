// Clip(a * x + b, 0, h) / h becomes HardSigmoid.
#include "passes/match.hpp"
#include "passes/pass.hpp"
#include "passes/product.hpp"

namespace tenfold::passes {
namespace {

/// a * x + b with b != 0; without the summand a Clip says it more plainly.
struct Line {
  ir::ValueId x;
  double a, b;
};
std::optional<Line> line(const ir::Graph& graph, ir::ValueId id) {
  const auto sum = with_scalar(graph, id, "Add");
  if (!sum || sum->c == 0 || !used_once(graph, id)) return std::nullopt;
  if (!used_once(graph, sum->x)) return Line{sum->x, 1, sum->c};
  if (const auto mul = with_scalar(graph, sum->x, "Mul")) return Line{mul->x, mul->c, sum->c};
  if (const auto div = with_scalar(graph, sum->x, "Div")) return Line{div->x, 1 / div->c, sum->c};
  return Line{sum->x, 1, sum->c};
}

std::optional<ir::Patch> rewrite(const ir::Graph& graph, ir::NodeId id) {
  const ir::Node& node = graph.node(id);
  if (node.op != "Clip" && node.op != "Mul" && node.op != "Div") return std::nullopt;
  const Product scaled = expand_product(graph, node.output());
  if (scaled.factors.size() != 1) return std::nullopt;
  const ir::ValueId f = scaled.factors[0];
  const ir::Node* clip = produced_by(graph, f, "Clip");
  if (!clip || (clip != &node && !used_once(graph, f)) || !is_f32(graph, f)) return std::nullopt;
  const auto high = scalar(graph, clip->input(2));
  if (scalar(graph, clip->input(1)) != 0.0 || !high || !near(*high * scaled.k, 1)) return std::nullopt;
  const auto inner = line(graph, clip->input(0));
  if (!inner) return std::nullopt;
  ir::Patch patch(graph);
  const auto alpha = static_cast<float>(inner->a * scaled.k), beta = static_cast<float>(inner->b * scaled.k);
  patch.replace(node.output(),
                patch.add("HardSigmoid", {inner->x}, {{"alpha", alpha}, {"beta", beta}}, node.name));
  return patch;
}

}  // namespace

extern const Pass pass_fuse_hard_sigmoid;
const Pass pass_fuse_hard_sigmoid{
    .name = "fuse-hard-sigmoid",
    .description = "Clip(a * x + b, 0, h) / h becomes HardSigmoid",
    .rewrite = rewrite,
};

}  // namespace tenfold::passes
