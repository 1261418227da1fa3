// x + x * g becomes x * (g + 1) for a gate g of one value a channel: one step over the image instead of two.
#include "passes/match.hpp"
#include "passes/pass.hpp"

namespace tenfold::passes {
namespace {

/// One value a channel, for x with more.
bool is_gate(const ir::Graph& graph, ir::ValueId g, ir::ValueId x) {
  const Shape *gate = shape_of(graph, g), *shape = shape_of(graph, x);
  if (!gate || !shape || gate->rank() != shape->rank() || shape->rank() < 3) return false;
  bool smaller = false;
  for (int i = 2; i < shape->rank(); i++) {
    if ((*gate)[i] != 1) return false;
    smaller |= (*shape)[i] != 1;
  }
  return smaller;
}

std::optional<ir::Patch> rewrite(const ir::Graph& graph, ir::NodeId id) {
  const ir::Node& add = graph.node(id);
  if (add.op != "Add" || add.inputs.size() != 2 || add.attrs.has("activation")) return std::nullopt;
  for (size_t side = 0; side < 2; side++) {
    const ir::ValueId x = add.input(1 - side), product = add.input(side);
    const ir::Node* mul = produced_by(graph, product, "Mul");
    const ir::ValueId gate = mul && !mul->attrs.has("activation") ? other_operand(*mul, x) : ir::kNone;
    if (gate == ir::kNone || graph.constant(gate) || !used_once(graph, product)) continue;
    if (!is_f32(graph, x) || !is_gate(graph, gate, x) || !same_shape(graph, x, product)) continue;
    ir::Patch patch(graph);
    const ir::ValueId one = patch.constant(Tensor::scalar(1.0f), add.name + "_one");
    const ir::ValueId opened = patch.add("Add", {gate, one}, {}, add.name);
    patch.replace(add.output(), patch.add("Mul", {x, opened}, {}, mul->name));
    return patch;
  }
  return std::nullopt;
}

}  // namespace

extern const Pass pass_factor_gate;
const Pass pass_factor_gate{
    .name = "factor-gate",
    .description = "x + x * g becomes x * (g + 1) for a gate of one value a channel",
    .rewrite = rewrite,
};

}  // namespace tenfold::passes
