// Gemm whose matrices or C are computed becomes MatMul, with Transpose, Mul and Add where it needs them, and
// a computed bias of a convolution an Add behind it (engine only): kernels take weights and biases packed.
#include "passes/match.hpp"
#include "passes/pass.hpp"

namespace tenfold::passes {
namespace {

using ir::Graph;
using ir::Node;
using ir::Patch;
using ir::ValueId;

std::optional<Patch> split_gemm(const Graph& graph, const Node& node) {
  Patch patch(graph);
  const auto transposed = [&](size_t input, const char* flag) {
    const ValueId x = node.input(input);
    if (node.attrs.get_int(flag, 0) == 0) return x;
    return patch.add("Transpose", {x}, {{"perm", std::vector<int64_t>{1, 0}}}, node.name);
  };
  const auto scaled = [&](ValueId x, const char* factor) {
    const float f = node.attrs.get_float(factor, 1);
    return f == 1 ? x : patch.add("Mul", {x, patch.constant(Tensor::scalar(f), factor)}, {}, node.name);
  };
  const ValueId a = transposed(0, "transA"), b = transposed(1, "transB");
  ValueId y = scaled(patch.add("MatMul", {a, b}, {}, node.name), "alpha");
  if (node.input(2) != ir::kNone) y = patch.add("Add", {y, scaled(node.input(2), "beta")}, {}, node.name);
  patch.replace(node.output(), y);
  return patch;
}

std::optional<Patch> split_bias(const Graph& graph, const Node& node) {
  const int rank = rank_of(graph, node.output());
  if (node.input(2) == ir::kNone || graph.constant(node.input(2)) || !graph.constant(node.input(1)) ||
      node.input(3) != ir::kNone || rank < 3)
    return std::nullopt;
  Patch patch(graph);
  std::vector<int64_t> along(static_cast<size_t>(rank) - 1, 1);  // [C, 1, ...]
  along[0] = -1;
  const ValueId bias =
      patch.add("Reshape", {node.input(2), patch.constant(Tensor::from<int64_t>({rank - 1}, along), "along")},
                {}, node.name);
  const ValueId y = patch.add("Conv", {node.input(0), node.input(1)}, node.attrs, node.name);
  patch.replace(node.output(), patch.add("Add", {y, bias}, {}, node.name));
  return patch;
}

std::optional<Patch> rewrite(const Graph& graph, ir::NodeId id) {
  const Node& node = graph.node(id);
  if (node.attrs.has("activation")) return std::nullopt;
  if (node.op == "Gemm") return split_gemm(graph, node);
  return node.op == "Conv" ? split_bias(graph, node) : std::nullopt;
}

}  // namespace

extern const Pass pass_computed_operands;
const Pass pass_computed_operands{
    .name = "computed-operands",
    .description = "Gemm of computed matrices becomes MatMul, a computed bias of Conv an Add",
    .rewrite = rewrite,
};

}  // namespace tenfold::passes
