// Gemm with constant weights becomes MatMul with bias (engine only): one kind of matrix product to plan.
#include <algorithm>

#include "passes/linear.hpp"
#include "passes/match.hpp"
#include "passes/pass.hpp"

namespace tenfold::passes {
namespace {

using ir::Graph;
using ir::Node;
using ir::Patch;
using ir::ValueId;

Tensor transposed(const Tensor& t) {
  constexpr int64_t kBlock = 32;  // a block of either matrix stays in the first-level cache
  const int64_t rows = t.shape()[0], columns = t.shape()[1];
  Tensor result(t.dtype(), {columns, rows});
  dispatch(t.dtype(), [&](auto tag) {
    using T = decltype(tag);
    const T* from = t.data<T>();
    T* to = result.mutable_data<T>();
    for (int64_t i0 = 0; i0 < rows; i0 += kBlock)
      for (int64_t j0 = 0; j0 < columns; j0 += kBlock)
        for (int64_t j = j0; j < std::min(j0 + kBlock, columns); j++)
          for (int64_t i = i0; i < std::min(i0 + kBlock, rows); i++) to[j * rows + i] = from[i * columns + j];
  });
  return result;
}

/// The weights as [K, N]; behind a DequantizeLinear the quantized ones are transposed and its axis with them.
ValueId straight_weights(Patch& patch, const Graph& graph, ValueId id) {
  if (const Tensor* w = graph.constant(id)) return patch.constant(transposed(*w), graph.value(id).name);
  const Node* dq = produced_by(graph, id, "DequantizeLinear");
  const Tensor* q = dq ? graph.constant(dq->input(0)) : nullptr;
  if (!q || dq->attrs.get_int("block_size", 0) != 0) return ir::kNone;
  const int64_t axis = dq->attrs.get_int("axis", 1);
  std::vector<ValueId> inputs = dq->inputs;
  inputs[0] = patch.constant(transposed(*q), graph.value(dq->input(0)).name);
  ir::Attributes attrs = dq->attrs;
  attrs.set("axis", 1 - (axis < 0 ? axis + 2 : axis));
  return patch.add("DequantizeLinear", std::move(inputs), std::move(attrs), dq->name);
}

/// The same Gemm with alpha in its weights.
std::optional<Patch> without_alpha(const Graph& graph, const Node& node, double alpha) {
  auto op = linear_producer(graph, node.output());
  if (!op) return std::nullopt;
  Patch patch(graph);
  const ValueId weights =
      scaled_weights(patch, graph, *op, std::vector<double>(static_cast<size_t>(op->channels), alpha));
  if (weights == ir::kNone) return std::nullopt;
  std::vector<ValueId> inputs = node.inputs;
  inputs[1] = weights;
  ir::Attributes attrs = node.attrs;
  attrs.erase("alpha");
  patch.replace(node.output(), patch.add("Gemm", std::move(inputs), std::move(attrs), node.name));
  return patch;
}

std::optional<Patch> rewrite(const Graph& graph, ir::NodeId id) {
  const Node& node = graph.node(id);
  if (node.op != "Gemm" || node.attrs.get_int("transA", 0) != 0) return std::nullopt;
  if (const float alpha = node.attrs.get_float("alpha", 1); alpha != 1)
    return without_alpha(graph, node, alpha);
  const auto op = linear_producer(graph, node.output());
  if (!op) return std::nullopt;
  Patch patch(graph);
  const bool flipped = node.attrs.get_int("transB", 0) != 0;
  std::vector<ValueId> inputs{node.input(0),
                              flipped ? straight_weights(patch, graph, node.input(1)) : node.input(1)};
  if (inputs[1] == ir::kNone) return std::nullopt;
  if (node.input(2) != ir::kNone) {
    // One value a column: a constant, or a dequantized vector as it is.
    auto bias = constant_vector(graph, node.input(2), op->channels);
    const double beta = node.attrs.get_float("beta", 1);
    if (!bias || !lies_along_columns(graph, node.input(2), op->channels)) return std::nullopt;
    const bool as_it_is = beta == 1 && *shape_of(graph, node.input(2)) == Shape{op->channels};
    for (double& b : *bias) b *= beta;
    inputs.push_back(as_it_is ? node.input(2)
                              : patch.constant(f32_vector(*bias), graph.value(node.input(2)).name));
  }
  patch.replace(node.output(), patch.add("MatMul", std::move(inputs), {}, node.name));
  return patch;
}

}  // namespace

extern const Pass pass_gemm_to_matmul;
const Pass pass_gemm_to_matmul{
    .name = "gemm-to-matmul",
    .description = "Gemm with constant weights becomes MatMul with bias",
    .rewrite = rewrite,
};

}  // namespace tenfold::passes
