// Arithmetic with a constant along one axis moves in front of a Transpose, where it may meet the weights that
// it scales.
#include "passes/match.hpp"
#include "passes/pass.hpp"

namespace tenfold::passes {
namespace {

using ir::Graph;
using ir::Node;
using ir::ValueId;

/// The constant as it broadcasts against the Transpose's input; nothing where more than one of its axes is
/// longer than 1, or it has more axes.
std::optional<Tensor> moved(const Tensor& constant, const std::vector<int64_t>& perm) {
  const int rank = static_cast<int>(perm.size()), missing = rank - constant.shape().rank();
  if (missing < 0) return std::nullopt;
  Shape shape(std::vector<int64_t>(perm.size(), 1));
  int longer = 0;
  for (int i = missing; i < rank; i++) {
    const int64_t extent = constant.shape()[i - missing];
    longer += extent != 1;
    shape[static_cast<int>(perm[static_cast<size_t>(i)])] = extent;
  }
  return longer == 1 ? std::optional(constant.reshaped(shape)) : std::nullopt;
}

std::optional<ir::Patch> rewrite(const Graph& graph, ir::NodeId id) {
  const Node& node = graph.node(id);
  const bool arithmetic = node.op == "Mul" || node.op == "Add" || node.op == "Sub" || node.op == "Div";
  if (!arithmetic || node.inputs.size() != 2 || node.attrs.has("activation")) return std::nullopt;
  const size_t side = graph.constant(node.input(0)) ? 1 : 0;
  const ValueId x = node.input(side);
  const Tensor* constant = graph.constant(node.input(1 - side));
  const Node* transpose = produced_by(graph, x, "Transpose");
  if (!constant || !transpose || !used_once(graph, x) || !same_shape(graph, x, node.output()))
    return std::nullopt;
  const auto perm = permutation(graph, *transpose);
  const auto operand = perm ? moved(*constant, *perm) : std::nullopt;
  if (!operand) return std::nullopt;
  ir::Patch patch(graph);
  std::vector<ValueId> inputs(2);
  inputs[side] = transpose->input(0);
  inputs[1 - side] = patch.constant(*operand, graph.value(node.input(1 - side)).name);
  const ValueId result = patch.add(node.op, std::move(inputs), {}, node.name);
  patch.replace(node.output(), patch.add("Transpose", {result}, transpose->attrs, transpose->name));
  return patch;
}

}  // namespace

extern const Pass pass_constant_before_transpose;
const Pass pass_constant_before_transpose{
    .name = "constant-before-transpose",
    .description = "arithmetic with a constant along one axis moves in front of a Transpose",
    .rewrite = rewrite,
};

}  // namespace tenfold::passes
