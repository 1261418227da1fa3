#include "passes/match.hpp"

#include <algorithm>
#include <cmath>
#include <utility>

namespace tenfold::passes {

const ir::Node* produced_by(const ir::Graph& graph, ir::ValueId id, std::string_view op) {
  const ir::Node* node = graph.producer(id);
  return node && node->op == op && node->output() == id ? node : nullptr;
}

bool used_once(const ir::Graph& graph, ir::ValueId id) { return used_times(graph, id, 1); }

bool used_times(const ir::Graph& graph, ir::ValueId id, size_t uses) {
  return graph.value(id).consumers.size() == uses && !graph.is_output(id);
}

const Shape* shape_of(const ir::Graph& graph, ir::ValueId id) {
  if (id == ir::kNone) return nullptr;
  const ir::Value& v = graph.value(id);
  if (v.is_constant()) return &v.constant.shape();
  return v.shape ? &*v.shape : nullptr;
}

int rank_of(const ir::Graph& graph, ir::ValueId id) {
  const Shape* shape = shape_of(graph, id);
  return shape ? shape->rank() : -1;
}

bool same_shape(const ir::Graph& graph, ir::ValueId a, ir::ValueId b) {
  const Shape *sa = shape_of(graph, a), *sb = shape_of(graph, b);
  return sa && sb && *sa == *sb;
}

bool is_f32(const ir::Graph& graph, ir::ValueId id) {
  return id != ir::kNone && graph.value(id).dtype == DType::f32;
}

bool near(double a, double b) {
  if (a == b) return true;
  return std::isfinite(a) && std::isfinite(b) &&
         std::fabs(a - b) <= 1e-6 * std::max(std::fabs(a), std::fabs(b));
}

bool lies_along(const Shape& shape, int rank, int axis, int64_t extent) {
  for (int i = 0; i < shape.rank(); i++) {
    const bool on_axis = i + rank - shape.rank() == axis;
    if (shape[i] != 1 && !(on_axis && shape[i] == extent)) return false;
  }
  return shape.rank() <= rank;
}

bool lies_along_columns(const ir::Graph& graph, ir::ValueId id, int64_t n) {
  const Shape* shape = shape_of(graph, id);
  return shape && lies_along(*shape, shape->rank(), shape->rank() - 1, n);
}

std::optional<double> scalar(const ir::Graph& graph, ir::ValueId id) {
  const Tensor* t = graph.constant(id);
  if (!t || t->dtype() == DType::string || t->elements() != 1) return std::nullopt;
  return t->at_double(0);
}

std::optional<double> uniform(const ir::Graph& graph, ir::ValueId id) {
  const Tensor* t = graph.constant(id);
  if (!t || t->dtype() == DType::string || t->elements() == 0) return std::nullopt;
  const double first = t->at_double(0);
  for (int64_t i = 1; i < t->elements(); i++)
    if (t->at_double(i) != first) return std::nullopt;
  return first;
}

std::optional<std::vector<int64_t>> integers(const ir::Graph& graph, ir::ValueId id) {
  if (id == ir::kNone) return std::nullopt;
  std::vector<int64_t> values;
  if (const Tensor* t = graph.constant(id)) {
    if (!is_integer(t->dtype()) && t->dtype() != DType::boolean) return std::nullopt;
    for (int64_t i = 0; i < t->elements(); i++) values.push_back(t->at_int(i));
  } else if (const auto& content = graph.value(id).content) {
    values = *content;
  } else {
    return std::nullopt;
  }
  if (std::any_of(values.begin(), values.end(), is_symbol)) return std::nullopt;
  return values;
}

std::optional<WithScalar> with_scalar(const ir::Graph& graph, const ir::Node* node, std::string_view op) {
  if (!node || node->op != op || node->inputs.size() != 2 || node->attrs.has("activation"))
    return std::nullopt;
  const bool commutes = op == "Add" || op == "Mul" || op == "Min" || op == "Max";
  for (size_t side : {size_t{1}, size_t{0}}) {
    if (side == 0 && !commutes) break;
    const ir::ValueId x = node->input(1 - side), constant = node->input(side);
    const auto c = scalar(graph, constant);
    if (!c || graph.constant(x)) continue;
    const int constant_rank = rank_of(graph, constant);
    if (constant_rank == 0 || constant_rank <= rank_of(graph, x)) return WithScalar{x, *c};
  }
  return std::nullopt;
}

std::optional<WithScalar> with_scalar(const ir::Graph& graph, ir::ValueId id, std::string_view op) {
  return with_scalar(graph, graph.producer(id), op);
}

ir::ValueId other_operand(const ir::Node& node, ir::ValueId x) {
  if (node.inputs.size() != 2) return ir::kNone;
  if (node.inputs[0] == x) return node.inputs[1];
  return node.inputs[1] == x ? node.inputs[0] : ir::kNone;
}

std::optional<std::vector<int>> reduced_axes(const ir::Graph& graph, const ir::Node& node) {
  const int rank = rank_of(graph, node.input(0));
  if (rank < 0) return std::nullopt;
  std::vector<int64_t> axes;
  if (node.input(1) != ir::kNone) {
    const auto known = integers(graph, node.input(1));
    if (!known) return std::nullopt;
    axes = *known;
  } else {
    axes = node.attrs.get_ints("axes");
  }
  if (axes.empty()) {
    if (node.attrs.get_int("noop_with_empty_axes", 0)) return std::nullopt;
    for (int i = 0; i < rank; i++) axes.push_back(i);
  }
  std::vector<int> result;
  for (int64_t axis : axes) {
    if (axis < -rank || axis >= rank) return std::nullopt;
    result.push_back(static_cast<int>(axis < 0 ? axis + rank : axis));
  }
  std::sort(result.begin(), result.end());
  return result;
}

std::optional<std::vector<int64_t>> permutation(const ir::Graph& graph, const ir::Node& transpose) {
  auto perm = transpose.attrs.get_ints("perm");
  const int rank = rank_of(graph, transpose.input(0));
  if (rank < 0 || (!perm.empty() && static_cast<int>(perm.size()) != rank)) return std::nullopt;
  if (perm.empty())
    for (int64_t i = rank; i-- > 0;) perm.push_back(i);
  return perm;
}

std::optional<Tensor> reshape_target(const Shape& in, const Shape& out) {
  std::vector<int64_t> target;
  bool computed = false;
  for (int i = 0; i < out.rank(); i++) {
    if (out[i] == 0) return std::nullopt;  // would read as "copy"
    if (!is_symbol(out[i]))
      target.push_back(out[i]);
    else if (i < in.rank() && in[i] == out[i])
      target.push_back(0);
    else if (std::exchange(computed, true))
      return std::nullopt;
    else
      target.push_back(-1);
  }
  return Tensor::from<int64_t>({static_cast<int64_t>(target.size())}, target);
}

bool may_replace(const ir::Graph& graph, ir::ValueId old_value, ir::ValueId existing) {
  if (!graph.is_output(old_value)) return true;
  return !graph.is_output(existing) && !graph.is_input(existing) && !graph.value(existing).is_constant();
}

}  // namespace tenfold::passes
