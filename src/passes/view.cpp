#include "passes/view.hpp"

#include <algorithm>
#include <optional>

#include "ops/op.hpp"
#include "passes/match.hpp"

namespace tenfold::passes {
namespace {

using ir::Graph;
using ir::Node;
using ir::ValueId;

/// Chains in real models have fewer links; the bound keeps a hostile one from exhausting the stack.
constexpr int kMaxDepth = 32;

View plain(const Graph& graph, ValueId id) {
  const Shape& shape = *shape_of(graph, id);
  return {id, 0, shape.dims(), shape.strides()};
}

size_t axis_of(int64_t axis, const View& v) {
  return static_cast<size_t>(axis < 0 ? axis + static_cast<int64_t>(v.extents.size()) : axis);
}

std::optional<View> transposed(const Node& node, View v) {
  auto perm = node.attrs.get_ints("perm");
  if (perm.empty())
    for (size_t i = v.extents.size(); i-- > 0;) perm.push_back(static_cast<int64_t>(i));
  View result{v.root, v.start, {}, {}};
  for (int64_t axis : perm) {
    result.extents.push_back(v.extents[static_cast<size_t>(axis)]);
    result.strides.push_back(v.strides[static_cast<size_t>(axis)]);
  }
  return result;
}

std::optional<View> sliced(const Graph& graph, const Node& node, View v) {
  const auto starts = integers(graph, node.input(1));
  const auto steps = node.input(4) == ir::kNone ? std::vector<int64_t>(starts ? starts->size() : 0, 1)
                                                : integers(graph, node.input(4));
  auto axes = node.input(3) == ir::kNone ? std::nullopt : integers(graph, node.input(3));
  if (node.input(3) == ir::kNone) axes.emplace();
  if (!starts || !steps || !axes || steps->size() != starts->size()) return std::nullopt;
  for (size_t i = axes->size(); i < starts->size(); i++) axes->push_back(static_cast<int64_t>(i));
  const Shape& out = *shape_of(graph, node.output());
  for (size_t i = 0; i < starts->size(); i++) {
    const size_t axis = axis_of((*axes)[i], v);
    const int64_t extent = v.extents[axis], start = (*starts)[i] < 0 ? (*starts)[i] + extent : (*starts)[i];
    if ((*steps)[i] <= 0) return std::nullopt;
    v.start += std::clamp<int64_t>(start, 0, extent) * v.strides[axis];
    v.strides[axis] *= (*steps)[i];
    v.extents[axis] = out[static_cast<int>(axis)];
  }
  return v;
}

std::optional<View> part_of_split(const Graph& graph, const Node& node, ValueId id, View v) {
  const size_t axis = axis_of(node.attrs.get_int("axis", 0), v);
  for (ValueId out : node.outputs) {
    if (out == ir::kNone) return std::nullopt;  // its extent is not known
    const int64_t extent = (*shape_of(graph, out))[static_cast<int>(axis)];
    if (out == id) {
      v.extents[axis] = extent;
      return v;
    }
    v.start += extent * v.strides[axis];
  }
  return std::nullopt;
}

std::optional<View> gathered(const Graph& graph, const Node& node, View v) {
  const auto index = integers(graph, node.input(1));
  if (!index || index->size() != 1) return std::nullopt;
  const size_t axis = axis_of(node.attrs.get_int("axis", 0), v);
  v.start += ((*index)[0] < 0 ? (*index)[0] + v.extents[axis] : (*index)[0]) * v.strides[axis];
  const auto at = static_cast<ptrdiff_t>(axis);
  if (rank_of(graph, node.input(1)) == 0) {
    v.extents.erase(v.extents.begin() + at);
    v.strides.erase(v.strides.begin() + at);
  } else {
    v.extents[axis] = 1;
  }
  return v;
}

/// Axes that lie as one in memory, outermost first, without those of extent 1.
View merged(const View& v) {
  View result{v.root, v.start, {}, {}};
  for (size_t i = 0; i < v.extents.size(); i++) {
    if (v.extents[i] == 1) continue;
    if (!result.extents.empty() && result.strides.back() == v.extents[i] * v.strides[i]) {
      result.extents.back() *= v.extents[i];
      result.strides.back() = v.strides[i];
    } else {
      result.extents.push_back(v.extents[i]);
      result.strides.push_back(v.strides[i]);
    }
  }
  return result;
}

/// Splits the merged axes of `v` into those of `shape`; nothing where a new axis would span two of them.
std::optional<View> reshaped(const Shape& shape, const View& v) {
  View rest = merged(v), result{v.root, v.start, shape.dims(), {}};
  result.strides.resize(shape.dims().size());
  for (int i = shape.rank() - 1; i >= 0; i--) {
    int64_t& stride = result.strides[static_cast<size_t>(i)];
    if (shape[i] == 1) {
      stride = 0;
      continue;
    }
    while (!rest.extents.empty() && rest.extents.back() == 1) {
      rest.extents.pop_back();
      rest.strides.pop_back();
    }
    if (rest.extents.empty() || shape[i] == 0 || rest.extents.back() % shape[i] != 0) return std::nullopt;
    stride = rest.strides.back();
    rest.extents.back() /= shape[i];
    rest.strides.back() *= shape[i];
  }
  return result;
}

/// Spatial operators compute channels last: their output does not lie in memory as its shape says.
bool lies_plain(const Graph& graph, ValueId id) {
  const Node* node = graph.producer(id);
  const ops::OpDef* op = node ? ops::find(node->op) : nullptr;
  return !op || op->kind != ops::OpKind::spatial;
}

View view_of(const Graph& graph, ValueId id, int depth) {
  const Node* node = graph.producer(id);
  const bool moves = node && (node->op == "Reshape" || node->op == "Transpose" || node->op == "Slice" ||
                              node->op == "Split" || node->op == "Gather");
  if (!moves || depth == kMaxDepth) return plain(graph, id);
  const ValueId source = node->input(0);
  const Shape* shape = shape_of(graph, source);
  if (!shape || !shape->is_static() || shape->elements() == 0 || !lies_plain(graph, source) ||
      graph.constant(source))
    return plain(graph, id);
  const View v = view_of(graph, source, depth + 1);
  std::optional<View> result;
  if (node->op == "Transpose")
    result = transposed(*node, v);
  else if (node->op == "Slice")
    result = sliced(graph, *node, v);
  else if (node->op == "Split")
    result = part_of_split(graph, *node, id, v);
  else if (node->op == "Gather")
    result = gathered(graph, *node, v);
  else
    result = reshaped(*shape_of(graph, id), v);
  return result ? *result : plain(graph, id);
}

}  // namespace

View view_of(const Graph& graph, ValueId id) { return view_of(graph, id, 0); }

}  // namespace tenfold::passes
