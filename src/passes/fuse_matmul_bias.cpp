// MatMul + constant vector becomes MatMul with bias (engine only).
#include "passes/linear.hpp"
#include "passes/match.hpp"
#include "passes/pass.hpp"

namespace tenfold::passes {
namespace {

using ir::Graph;
using ir::Node;
using ir::ValueId;

/// A bias that the Add spreads over all but the last axis, as [n]; nothing otherwise.
std::optional<ValueId> bias_vector(ir::Patch& patch, const Graph& graph, ValueId id, int rank, int64_t n) {
  const Shape* shape = shape_of(graph, id);
  const auto values = shape && shape->rank() <= rank ? constant_vector(graph, id, n) : std::nullopt;
  if (!values || !is_f32(graph, id) || !lies_along_columns(graph, id, n)) return std::nullopt;
  if (*shape == Shape{n}) return id;
  return patch.constant(f32_vector(*values), graph.value(id).name);
}

std::optional<ir::Patch> rewrite(const Graph& graph, ir::NodeId id) {
  const Node& add = graph.node(id);
  if (add.op != "Add" || add.inputs.size() != 2 || add.attrs.has("activation")) return std::nullopt;
  for (size_t side = 0; side < 2; side++) {
    const ValueId product = add.input(side);
    const Node* matmul = produced_by(graph, product, "MatMul");
    const Shape* out = shape_of(graph, product);
    if (!matmul || matmul->inputs.size() != 2 || matmul->attrs.has("activation") ||
        !used_once(graph, product))
      continue;
    // Behind a product with a vector the last axis is one of rows.
    if (!out || out->rank() < 2 || rank_of(graph, matmul->input(1)) < 2 || is_symbol(out->back()) ||
        !is_f32(graph, product))
      continue;
    ir::Patch patch(graph);
    const auto bias = bias_vector(patch, graph, add.input(1 - side), out->rank(), out->back());
    if (!bias) continue;
    patch.replace(add.output(), patch.add("MatMul", {matmul->input(0), matmul->input(1), *bias},
                                          matmul->attrs, matmul->name));
    return patch;
  }
  return std::nullopt;
}

}  // namespace

extern const Pass pass_fuse_matmul_bias;
const Pass pass_fuse_matmul_bias{
    .name = "fuse-matmul-bias",
    .description = "MatMul and Add of a constant vector become MatMul with bias",
    .rewrite = rewrite,
};

}  // namespace tenfold::passes
