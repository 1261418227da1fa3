// Attention reads its heads where the projections wrote them: Reshape, Transpose, Slice and Split in front of
// it, and the Transpose behind it, become strides (engine only).
#include "passes/match.hpp"
#include "passes/pass.hpp"
#include "passes/view.hpp"

namespace tenfold::passes {
namespace {

using ir::Graph;
using ir::Node;
using ir::ValueId;
using Ints = std::vector<int64_t>;

/// start, batch, head and row of [batch, heads, length, size]; nothing where the elements of a row are apart.
std::optional<Ints> rows(const View& v) {
  if (v.extents[3] != 1 && v.strides[3] != 1) return std::nullopt;
  return Ints{v.start, v.strides[0], v.strides[1], v.strides[2]};
}

/// What the output becomes: the Transpose behind it where that keeps rows together, else itself.
struct Output {
  ValueId replaced;
  Shape shape;
  Ints strides;
};
Output output_of(const Graph& graph, const Node& attention) {
  const Shape& shape = *shape_of(graph, attention.output());
  const Ints plain = shape.strides();
  const Output unchanged{attention.output(), shape, {0, plain[0], plain[1], plain[2]}};
  const ir::NodeId user = graph.single_consumer(attention.output());
  if (user == ir::kNone || graph.node(user).op != "Transpose") return unchanged;
  const Ints perm = graph.node(user).attrs.get_ints("perm");
  if (perm.size() != 4 || perm[3] != 3) return unchanged;
  const Shape& moved = *shape_of(graph, graph.node(user).output());
  const Ints steps = moved.strides();
  Output result{graph.node(user).output(), moved, Ints(4, 0)};
  for (size_t i = 0; i < 3; i++) result.strides[static_cast<size_t>(perm[i]) + 1] = steps[i];
  return result;
}

std::optional<ir::Patch> rewrite(const Graph& graph, ir::NodeId id) {
  const Node& node = graph.node(id);
  if (node.op != "Attention" || node.attrs.has("strides")) return std::nullopt;
  for (size_t i = 0; i < 3; i++)
    if (const Shape* s = shape_of(graph, node.input(i));
        !s || s->rank() != 4 || !s->is_static() || s->elements() == 0)
      return std::nullopt;
  const Shape &q = *shape_of(graph, node.input(0)), &k = *shape_of(graph, node.input(1)),
              &v = *shape_of(graph, node.input(2));
  if (q[1] != k[1]) return std::nullopt;  // shared key heads have no strided form

  Ints strides;
  std::vector<ValueId> inputs = node.inputs;
  const Output out = output_of(graph, node);
  bool gained = out.replaced != node.output();
  for (size_t i = 0; i < 3; i++) {
    const View view = view_of(graph, node.input(i));
    const auto strided = rows(view);
    if (strided) inputs[i] = view.root;
    const Ints plain = shape_of(graph, node.input(i))->strides();
    const Ints operand = strided ? *strided : Ints{0, plain[0], plain[1], plain[2]};
    gained |= inputs[i] != node.input(i);
    strides.insert(strides.end(), operand.begin(), operand.end());
  }
  if (!gained) return std::nullopt;
  strides.insert(strides.end(), out.strides.begin(), out.strides.end());
  ir::Attributes attrs = node.attrs;
  attrs.set("sizes", Ints{q[0], q[1], q[2], k[2], q[3], v[3]});
  attrs.set("strides", strides);
  attrs.set("out_shape", out.shape.dims());
  ir::Patch patch(graph);
  patch.replace(out.replaced, patch.add("Attention", std::move(inputs), std::move(attrs), node.name));
  return patch;
}

}  // namespace

extern const Pass pass_stride_attention;
const Pass pass_stride_attention{
    .name = "stride-attention",
    .description = "movement of heads in front of and behind Attention becomes strides",
    .rewrite = rewrite,
};

}  // namespace tenfold::passes
