// (x - mean) / √(variance + ε) becomes LayerNormalization, which then absorbs constant scales and shifts
// behind it.
#include <algorithm>

#include "passes/linear.hpp"
#include "passes/match.hpp"
#include "passes/pass.hpp"

namespace tenfold::passes {
namespace {

using ir::Graph;
using ir::Node;
using ir::ValueId;

/// ReduceMean over the last axes that keeps the rank; returns how many axes.
std::optional<int> trailing_mean(const Graph& graph, ValueId id, ValueId& x) {
  const Node* mean = produced_by(graph, id, "ReduceMean");
  if (!mean || mean->attrs.get_int("keepdims", 1) == 0) return std::nullopt;
  const auto axes = reduced_axes(graph, *mean);
  if (!axes || axes->empty()) return std::nullopt;
  for (size_t i = 0; i < axes->size(); i++)
    if ((*axes)[i] != rank_of(graph, mean->input(0)) - static_cast<int>(axes->size() - i))
      return std::nullopt;
  x = mean->input(0);
  return static_cast<int>(axes->size());
}

/// v of Pow(v, 2) or v * v.
ValueId squared(const Graph& graph, ValueId id) {
  if (!used_once(graph, id)) return ir::kNone;
  if (const auto pow = with_scalar(graph, id, "Pow"); pow && pow->c == 2) return pow->x;
  const Node* mul = produced_by(graph, id, "Mul");
  return mul && mul->inputs.size() == 2 && mul->input(0) == mul->input(1) ? mul->input(0) : ir::kNone;
}

/// The root's operand: v of Sqrt(v) or Pow(v, 0.5).
ValueId rooted(const Graph& graph, ValueId id) {
  if (!used_once(graph, id)) return ir::kNone;
  if (const Node* sqrt = produced_by(graph, id, "Sqrt")) return sqrt->input(0);
  const auto pow = with_scalar(graph, id, "Pow");
  return pow && pow->c == 0.5 ? pow->x : ir::kNone;
}

/// Splits d / √v, or d * Reciprocal(√v) and d * (1 / √v), into d and v.
std::optional<std::pair<ValueId, ValueId>> quotient(const Graph& graph, const Node& node) {
  if (node.inputs.size() != 2) return std::nullopt;
  if (node.op == "Div") {
    const ValueId v = rooted(graph, node.input(1));
    return v == ir::kNone ? std::nullopt : std::optional(std::pair(node.input(0), v));
  }
  if (node.op != "Mul") return std::nullopt;
  for (size_t side = 0; side < 2; side++) {
    const Node* inverse = graph.producer(node.input(side));
    if (!inverse || !used_once(graph, node.input(side))) continue;
    const bool one_over = inverse->op == "Div" && scalar(graph, inverse->input(0)) == 1.0;
    if (inverse->op != "Reciprocal" && !one_over) continue;
    const ValueId v = rooted(graph, inverse->input(one_over ? 1 : 0));
    if (v != ir::kNone) return std::pair(node.input(1 - side), v);
  }
  return std::nullopt;
}

std::optional<ir::Patch> core(const Graph& graph, const Node& node) {
  const auto parts = quotient(graph, node);
  if (!parts || !is_f32(graph, node.output())) return std::nullopt;
  const auto [centred, root] = *parts;
  const auto shifted = with_scalar(graph, root, "Add");
  const Node* sub = produced_by(graph, centred, "Sub");
  if (!shifted || !sub || !used_once(graph, root) || !used_once(graph, shifted->x)) return std::nullopt;

  ValueId square = ir::kNone, x = ir::kNone;
  const auto variance_axes = trailing_mean(graph, shifted->x, square);
  if (!variance_axes || squared(graph, square) != centred) return std::nullopt;
  const auto mean_axes = trailing_mean(graph, sub->input(1), x);
  if (mean_axes != variance_axes || x != sub->input(0) || !used_once(graph, sub->input(1)))
    return std::nullopt;
  const size_t uses = graph.producer(square)->op == "Pow" ? 2 : 3;
  if (!used_times(graph, centred, uses)) return std::nullopt;

  const Shape& shape = *shape_of(graph, x);
  const Shape rows(std::span(shape.dims()).subspan(static_cast<size_t>(shape.rank() - *mean_axes)));
  if (!rows.is_static()) return std::nullopt;
  ir::Patch patch(graph);
  Tensor ones(DType::f32, rows);
  std::fill_n(ones.mutable_data<float>(), ones.elements(), 1.0f);
  const ir::Attributes attrs{{"axis", int64_t{-*mean_axes}}, {"epsilon", static_cast<float>(shifted->c)}};
  patch.replace(node.output(), patch.add("LayerNormalization",
                                         {x, patch.constant(ones, node.name + "_scale")}, attrs, node.name));
  return patch;
}

/// A constant that broadcasts over everything but the normalised axes, one value per element of a row.
std::optional<std::vector<double>> row_constant(const Graph& graph, ValueId id, const Shape& rows, int rank) {
  const Tensor* t = graph.constant(id);
  if (!t || t->dtype() != DType::f32 || t->shape().rank() > rank) return std::nullopt;
  if (t->elements() != 1) {
    const int extra = t->shape().rank() - rows.rank();
    if (extra < 0) return std::nullopt;
    for (int i = 0; i < t->shape().rank(); i++)
      if (t->shape()[i] != (i < extra ? 1 : rows[i - extra])) return std::nullopt;
  }
  return constant_vector(graph, id, rows.elements());
}

std::optional<ir::Patch> absorb(const Graph& graph, const Node& node) {
  if ((node.op != "Mul" && node.op != "Add") || node.inputs.size() != 2) return std::nullopt;
  const size_t side = graph.constant(node.input(0)) ? 1 : 0;
  const Node* norm = produced_by(graph, node.input(side), "LayerNormalization");
  if (!norm || !used_once(graph, node.input(side)) || norm->outputs.size() > 1) return std::nullopt;
  const Tensor* scale = graph.constant(norm->input(1));
  const Shape* shape = shape_of(graph, norm->output());
  if (!scale || !shape) return std::nullopt;
  const int64_t axis = norm->attrs.get_int("axis", -1);
  const Shape rows(
      std::span(shape->dims()).subspan(static_cast<size_t>(axis < 0 ? axis + shape->rank() : axis)));
  if (!rows.is_static()) return std::nullopt;
  const auto factor = row_constant(graph, node.input(1 - side), rows, shape->rank());
  auto gamma = constant_vector(graph, norm->input(1), rows.elements());
  std::optional<std::vector<double>> beta = std::vector<double>(static_cast<size_t>(rows.elements()), 0);
  if (norm->input(2) != ir::kNone) beta = constant_vector(graph, norm->input(2), rows.elements());
  if (!factor || !gamma || !beta) return std::nullopt;
  for (size_t i = 0; i < factor->size(); i++) {
    if (node.op == "Add") {
      (*beta)[i] += (*factor)[i];
      continue;
    }
    (*gamma)[i] *= (*factor)[i];
    (*beta)[i] *= (*factor)[i];
  }
  ir::Patch patch(graph);
  const ValueId gamma_id = patch.constant(f32_vector(*gamma).reshaped(rows), norm->name + "_scale");
  std::vector<ValueId> inputs{norm->input(0), gamma_id};
  if (node.op == "Add" || norm->input(2) != ir::kNone)
    inputs.push_back(patch.constant(f32_vector(*beta).reshaped(rows), norm->name + "_bias"));
  patch.replace(node.output(), patch.add("LayerNormalization", inputs, norm->attrs, norm->name));
  return patch;
}

std::optional<ir::Patch> rewrite(const Graph& graph, ir::NodeId id) {
  const Node& node = graph.node(id);
  if (auto patch = core(graph, node)) return patch;
  return absorb(graph, node);
}

}  // namespace

extern const Pass pass_fuse_layer_norm;
const Pass pass_fuse_layer_norm{
    .name = "fuse-layer-norm",
    .description = "mean, variance, division, scale and shift over the last axes become LayerNormalization",
    .rewrite = rewrite,
};

}  // namespace tenfold::passes
