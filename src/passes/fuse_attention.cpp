// softmax(scale · q kᵀ + mask) v becomes one Attention node (engine only).
#include <numeric>

#include "passes/match.hpp"
#include "passes/pass.hpp"
#include "passes/product.hpp"

namespace tenfold::passes {
namespace {

using ir::Graph;
using ir::Node;
using ir::Patch;
using ir::ValueId;

/// A MatMul without fusions, whose output has one use.
const Node* plain_matmul(const Graph& graph, ValueId id) {
  const Node* node = produced_by(graph, id, "MatMul");
  return node && node->inputs.size() == 2 && !node->attrs.has("activation") && used_once(graph, id) ? node
                                                                                                    : nullptr;
}

/// Removes scalar factors in front of `id`, which must have one use, and multiplies them into `scale`.
ValueId strip_scale(const Graph& graph, ValueId id, double& scale) {
  if (!used_once(graph, id)) return id;
  const Product p = expand_product(graph, id);
  if (p.factors.size() != 1 || p.factors[0] == id) return id;
  scale *= p.k;
  return p.factors[0];
}

/// The Softmax over the last axis behind the probabilities; `guarded` where rows that are masked altogether
/// become zeros: Where(IsNaN(softmax), 0, softmax), as torch writes scaled_dot_product_attention.
const Node* softmax_behind(const Graph& graph, ValueId id, bool& guarded) {
  if (const Node* where = produced_by(graph, id, "Where")) {
    const Node* is_nan = produced_by(graph, where->input(0), "IsNaN");
    if (!is_nan || is_nan->input(0) != where->input(2) || scalar(graph, where->input(1)) != 0.0)
      return nullptr;
    if (!used_once(graph, id) || !used_once(graph, where->input(0)) || !used_times(graph, where->input(2), 2))
      return nullptr;
    guarded = true;
    id = where->input(2);
  } else if (!used_once(graph, id)) {
    return nullptr;
  }
  const Node* softmax = produced_by(graph, id, "Softmax");
  if (!softmax) return nullptr;
  const int rank = rank_of(graph, id);
  const int64_t axis = softmax->attrs.get_int("axis", -1);
  return rank >= 3 && (axis == -1 || axis == rank - 1) ? softmax : nullptr;
}

struct Scores {
  const Node* product = nullptr;  ///< q kᵀ
  ValueId mask = ir::kNone;       ///< added after scaling
  double scale = 1;
};

std::optional<Scores> unmasked(const Graph& graph, ValueId id) {
  Scores s;
  const ValueId product = strip_scale(graph, id, s.scale);
  s.product = plain_matmul(graph, product);
  return s.product ? std::optional(s) : std::nullopt;
}

/// scale · q kᵀ, or that and an added mask that does not enlarge it.
std::optional<Scores> scores_behind(const Graph& graph, ValueId id) {
  if (!used_once(graph, id)) return std::nullopt;
  if (const auto plain = unmasked(graph, id)) return plain;
  const Node* add = produced_by(graph, id, "Add");
  if (!add || add->inputs.size() != 2 || add->attrs.has("activation")) return std::nullopt;
  for (size_t side = 0; side < 2; side++) {
    auto s = unmasked(graph, add->input(side));
    if (!s || !same_shape(graph, add->input(side), id)) continue;
    s->mask = add->input(1 - side);
    return s;
  }
  return std::nullopt;
}

/// k from kᵀ: undoes a Transpose that exists, else adds one.
ValueId transposed_keys(Patch& patch, const Graph& graph, ValueId keys) {
  const int rank = rank_of(graph, keys);
  ValueId source = keys;
  std::vector<int64_t> perm(static_cast<size_t>(rank));
  std::iota(perm.begin(), perm.end(), 0);
  const auto straight = perm;
  if (const Node* transpose = produced_by(graph, keys, "Transpose")) {
    source = transpose->input(0);
    perm = transpose->attrs.get_ints("perm", {});
    if (static_cast<int>(perm.size()) != rank) return ir::kNone;
  }
  std::swap(perm[perm.size() - 1], perm[perm.size() - 2]);
  return perm == straight
             ? source
             : patch.add("Transpose", {source}, {{"perm", perm}}, graph.value(keys).name + "_keys");
}

ValueId reshape(Patch& patch, ValueId x, const Shape& shape) {
  const Tensor target = Tensor::from<int64_t>({shape.rank()}, shape.dims());
  return patch.add("Reshape", {x, patch.constant(target, "attention_shape")});
}

std::optional<Patch> rewrite(const Graph& graph, ir::NodeId id) {
  const Node& node = graph.node(id);
  if (node.op != "MatMul" || node.inputs.size() != 2 || node.attrs.has("activation") ||
      !is_f32(graph, node.output()))
    return std::nullopt;
  bool guarded = false;
  const Node* softmax = softmax_behind(graph, node.input(0), guarded);
  auto scores = softmax ? scores_behind(graph, softmax->input(0)) : std::nullopt;
  if (!scores) return std::nullopt;
  const ValueId q = strip_scale(graph, scores->product->input(0), scores->scale);
  const ValueId keys = strip_scale(graph, scores->product->input(1), scores->scale), v = node.input(1);
  const int rank = rank_of(graph, node.output());
  for (ValueId operand : {q, keys, v})
    if (rank_of(graph, operand) != rank) return std::nullopt;
  if (rank != 4 && rank != 3) return std::nullopt;
  // Batch and heads must be equal, not broadcast.
  for (int axis = 0; axis < rank - 2; axis++)
    for (ValueId operand : {keys, v})
      if ((*shape_of(graph, operand))[axis] != (*shape_of(graph, q))[axis]) return std::nullopt;

  Patch patch(graph);
  const ValueId k = transposed_keys(patch, graph, keys);
  if (k == ir::kNone) return std::nullopt;
  const Shape &out = *shape_of(graph, node.output()), &q_shape = *shape_of(graph, q),
              &v_shape = *shape_of(graph, v);
  if (rank == 3 && !(out.is_static() && q_shape.is_static() && v_shape.is_static())) return std::nullopt;
  // Attention has heads; without them the batch takes their place, so that a mask still lines up.
  const auto with_heads = [&](ValueId operand, const Shape& shape) {
    return rank == 4 ? operand : reshape(patch, operand, Shape{1, shape[0], shape[1], shape[2]});
  };
  const Shape k_shape{q_shape[0], v_shape[rank - 2], q_shape[rank - 1]};
  std::vector<ValueId> inputs{with_heads(q, q_shape), with_heads(k, k_shape), with_heads(v, v_shape)};
  if (scores->mask != ir::kNone) inputs.push_back(scores->mask);
  ir::Attributes attrs{{"scale", static_cast<float>(scores->scale)}};
  if (guarded) attrs.set("masked_rows_zero", int64_t{1});
  const ValueId result = patch.add("Attention", std::move(inputs), std::move(attrs), softmax->name);
  patch.replace(node.output(), rank == 4 ? result : reshape(patch, result, out));
  return patch;
}

}  // namespace

extern const Pass pass_fuse_attention;
const Pass pass_fuse_attention{
    .name = "fuse-attention",
    .description = "softmax(scale * q kT + mask) v becomes one Attention",
    .rewrite = rewrite,
};

}  // namespace tenfold::passes
