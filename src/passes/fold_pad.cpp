// Moves a Pad into the convolution or pool behind it.
#include <algorithm>
#include <limits>

#include "passes/match.hpp"
#include "passes/pass.hpp"

namespace tenfold::passes {
namespace {

using ir::Graph;
using ir::Node;
using ir::ValueId;
using Ints = std::vector<int64_t>;

/// Pads of a constant-mode Pad on spatial axes only, begins then ends as windows list them.
std::optional<Ints> spatial_pads(const Graph& graph, const Node& pad) {
  const int rank = rank_of(graph, pad.input(0));
  const auto pads = integers(graph, pad.input(1));
  if (rank < 3 || !pads || pad.attrs.get_string("mode", "constant") != "constant") return std::nullopt;
  Ints axes;
  if (pad.input(3) != ir::kNone) {
    const auto given = integers(graph, pad.input(3));
    if (!given) return std::nullopt;
    axes = *given;
  } else {
    for (int i = 0; i < rank; i++) axes.push_back(i);
  }
  if (pads->size() != 2 * axes.size()) return std::nullopt;
  const auto spatial = static_cast<size_t>(rank - 2);
  Ints result(2 * spatial, 0);
  for (size_t i = 0; i < axes.size(); i++) {
    const int64_t axis = axes[i] < 0 ? axes[i] + rank : axes[i];
    const int64_t begin = (*pads)[i], end = (*pads)[i + axes.size()];
    if (axis < 0 || axis >= rank || begin < 0 || end < 0) return std::nullopt;
    if (axis < 2 && (begin != 0 || end != 0)) return std::nullopt;
    if (axis < 2) continue;
    result[static_cast<size_t>(axis - 2)] = begin;
    result[static_cast<size_t>(axis - 2) + spatial] = end;
  }
  return result;
}

bool any_nonzero(const Ints& values) {
  return std::any_of(values.begin(), values.end(), [](int64_t v) { return v != 0; });
}

/// Whether `op` treats its own padding as the Pad does: zeros for Conv, the byte of zero for QConv, counted
/// zeros for AveragePool, -inf for MaxPool.
bool agrees(const Node& op, double padding, bool padded) {
  if (op.op == "Conv") return padding == 0;
  if (op.op == "QConv") return padding == static_cast<double>(op.attrs.get_int("x_zero_point", 0));
  if (op.attrs.get_int("ceil_mode", 0) != 0) return false;
  if (op.op == "MaxPool") return padding <= -3.4e38 && op.outputs.size() == 1;
  return op.op == "AveragePool" && padding == 0 && (!padded || op.attrs.get_int("count_include_pad", 0) != 0);
}

std::optional<ir::Patch> rewrite(const Graph& graph, ir::NodeId id) {
  const Node& node = graph.node(id);
  const Node* pad = produced_by(graph, node.input(0), "Pad");
  if (!pad || !used_once(graph, node.input(0))) return std::nullopt;
  static constexpr std::string_view kHosts[] = {"Conv", "QConv", "AveragePool", "MaxPool"};
  if (std::ranges::find(kHosts, node.op) == std::end(kHosts)) return std::nullopt;
  const std::string automatic = node.attrs.get_string("auto_pad", "NOTSET");
  Ints pads = node.attrs.get_ints("pads");
  const auto padding = pad->input(2) == ir::kNone ? std::optional(0.0) : scalar(graph, pad->input(2));
  const auto added = spatial_pads(graph, *pad);
  if (!added || !padding || automatic.starts_with("SAME") || !agrees(node, *padding, any_nonzero(pads)))
    return std::nullopt;
  pads.resize(added->size(), 0);
  constexpr int64_t kMost = std::numeric_limits<int32_t>::max();  // what windows take
  for (size_t i = 0; i < pads.size(); i++) {
    if ((*added)[i] > kMost - pads[i]) return std::nullopt;
    pads[i] += (*added)[i];
  }

  ir::Attributes attrs = node.attrs;
  attrs.erase("auto_pad");
  attrs.set("pads", pads);
  if (node.op == "AveragePool") attrs.set("count_include_pad", int64_t{1});
  ir::Patch patch(graph);
  std::vector<ValueId> inputs = node.inputs;
  inputs[0] = pad->input(0);
  patch.replace(node.output(), patch.add(node.op, std::move(inputs), std::move(attrs), node.name));
  return patch;
}

}  // namespace

extern const Pass pass_fold_pad;
const Pass pass_fold_pad{
    .name = "fold-pad",
    .description = "a constant Pad moves into the convolution or pool behind it",
    .rewrite = rewrite,
};

}  // namespace tenfold::passes
