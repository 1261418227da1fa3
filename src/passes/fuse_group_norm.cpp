// Reshape to groups, InstanceNormalization and Reshape back become GroupNormalization, which then absorbs
// scales and shifts of channels.
#include "passes/linear.hpp"
#include "passes/match.hpp"
#include "passes/pass.hpp"

namespace tenfold::passes {
namespace {

using ir::Graph;
using ir::Node;
using ir::Patch;
using ir::ValueId;

/// Quantization with one scale, which does the same to every element wherever it lies.
bool is_elementwise_quantization(const Graph& graph, const Node& node) {
  return (node.op == "QuantizeLinear" || node.op == "DequantizeLinear") && scalar(graph, node.input(1));
}

/// The first node before `id`, through quantizations that nothing else sees; these, the last one first.
const Node* before_quantization(const Graph& graph, ValueId id, std::vector<const Node*>& passed) {
  const Node* node = graph.producer(id);
  while (node && used_once(graph, id) && is_elementwise_quantization(graph, *node)) {
    passed.push_back(node);
    id = node->input(0);
    node = graph.producer(id);
  }
  return node && used_once(graph, id) ? node : nullptr;
}

ValueId repeat_quantization(Patch& patch, const std::vector<const Node*>& nodes, ValueId x) {
  for (auto node = nodes.rbegin(); node != nodes.rend(); ++node) {
    std::vector<ValueId> inputs = (*node)->inputs;
    inputs[0] = x;
    x = patch.add((*node)->op, std::move(inputs), (*node)->attrs, (*node)->name);
  }
  return x;
}

/// Every group's value for each of its channels, as a constant.
ValueId for_channels(Patch& patch, const std::vector<double>& groups, int64_t per_group,
                     const std::string& name) {
  std::vector<double> values;
  for (double v : groups) values.insert(values.end(), static_cast<size_t>(per_group), v);
  return patch.constant(f32_vector(values), name);
}

/// [n, c, ...] as [n, groups, ...] with whole channels in every group.
bool splits_channels(const Shape& x, const Shape& grouped) {
  return x.rank() >= 3 && grouped.rank() >= 3 && grouped[0] == x[0] && x[1] > 0 && grouped[1] > 0 &&
         x[1] % grouped[1] == 0;
}

std::optional<Patch> group(const Graph& graph, const Node& back) {
  std::vector<const Node*> behind, ahead;
  const Node* norm = before_quantization(graph, back.input(0), behind);
  if (!norm || norm->op != "InstanceNormalization" || norm->attrs.has("activation")) return std::nullopt;
  const Node* reshape = before_quantization(graph, norm->input(0), ahead);
  if (!reshape || reshape->op != "Reshape" || !same_shape(graph, reshape->input(0), back.output()))
    return std::nullopt;
  const Shape &x = *shape_of(graph, back.output()), *grouped = shape_of(graph, reshape->output());
  if (!grouped || !splits_channels(x, *grouped)) return std::nullopt;
  const int64_t groups = (*grouped)[1], per_group = x[1] / groups;
  const auto scale = constant_vector(graph, norm->input(1), groups),
             bias = constant_vector(graph, norm->input(2), groups);
  if (!scale || !bias) return std::nullopt;
  Patch patch(graph);
  ir::Attributes attrs = norm->attrs;
  attrs.set("num_groups", groups);
  const ValueId normed = patch.add("GroupNormalization",
                                   {repeat_quantization(patch, ahead, reshape->input(0)),
                                    for_channels(patch, *scale, per_group, norm->name + "_scale"),
                                    for_channels(patch, *bias, per_group, norm->name + "_bias")},
                                   attrs, norm->name);
  patch.replace(back.output(), repeat_quantization(patch, behind, normed));
  return patch;
}

/// A scale or shift of channels right behind a normalization.
std::optional<Patch> absorb(const Graph& graph, const Node& node) {
  const int rank = rank_of(graph, node.output());
  for (const ValueId id : node.inputs) {
    const Node* norm = produced_by(graph, id, "GroupNormalization");
    if (!norm || !used_once(graph, id) || norm->attrs.has("activation") || rank < 3) continue;
    const int64_t channels = (*shape_of(graph, id))[1];
    const auto scale = constant_vector(graph, norm->input(1), channels),
               bias = constant_vector(graph, norm->input(2), channels);
    const auto affine = affine_node(graph, node, 1, channels);
    if (!scale || !bias || !affine || affine->x != id) return std::nullopt;
    const ChannelAffine& a = affine->affine;
    std::vector<double> factors(a.scale.size()), shifts(a.scale.size());
    for (size_t c = 0; c < factors.size(); c++) {
      factors[c] = (*scale)[c] * a.scale[c];
      shifts[c] = (*bias)[c] * a.scale[c] + a.shift[c];
    }
    Patch patch(graph);
    patch.replace(node.output(),
                  patch.add("GroupNormalization",
                            {norm->input(0), patch.constant(f32_vector(factors), norm->name + "_scale"),
                             patch.constant(f32_vector(shifts), norm->name + "_bias")},
                            norm->attrs, norm->name));
    return patch;
  }
  return std::nullopt;
}

std::optional<Patch> rewrite(const Graph& graph, ir::NodeId id) {
  const Node& node = graph.node(id);
  return node.op == "Reshape" ? group(graph, node) : absorb(graph, node);
}

}  // namespace

extern const Pass pass_fuse_group_norm;
const Pass pass_fuse_group_norm{
    .name = "fuse-group-norm",
    .description =
        "InstanceNormalization between reshapes becomes GroupNormalization, with the scale and shift behind "
        "it",
    .rewrite = rewrite,
};

}  // namespace tenfold::passes
