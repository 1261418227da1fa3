// Brings clamps to one form: Relu where only 0 bounds, else one Clip with scalar bounds.
#include <algorithm>
#include <cmath>
#include <limits>

#include "passes/match.hpp"
#include "passes/pass.hpp"

namespace tenfold::passes {
namespace {

using ir::Graph;
using ir::Node;
using ir::ValueId;

constexpr double kInfinity = std::numeric_limits<double>::infinity();

struct Clamp {
  ValueId x;
  double lo, hi;
};

/// A constant bound, infinite where absent; nothing where it is computed.  The largest float is a bound:
/// attention masks count on it to make -inf finite.
std::optional<double> bound(const Graph& graph, ValueId id, double absent) {
  return id == ir::kNone ? absent : scalar(graph, id);
}

/// Relu, Clip, Min or Max with a scalar, seen as min(max(x, lo), hi); a bound may be NaN.
std::optional<Clamp> clamp_of(const Graph& graph, const Node* node) {
  if (!node || node->attrs.has("activation") || !is_f32(graph, node->output())) return std::nullopt;
  if (node->op == "Relu") return Clamp{node->input(0), 0, kInfinity};
  if (const auto m = with_scalar(graph, node, "Max")) return Clamp{m->x, m->c, kInfinity};
  if (const auto m = with_scalar(graph, node, "Min")) return Clamp{m->x, -kInfinity, m->c};
  if (node->op != "Clip") return std::nullopt;
  const auto lo = bound(graph, node->input(1), -kInfinity), hi = bound(graph, node->input(2), kInfinity);
  if (!lo || !hi) return std::nullopt;
  // How some exporters write Relu.
  const bool relu = *lo == 0 && *hi == static_cast<double>(std::numeric_limits<float>::max());
  return Clamp{node->input(0), *lo, relu ? kInfinity : *hi};
}

std::optional<Clamp> clamp(const Graph& graph, const Node* node) {
  const auto c = clamp_of(graph, node);
  return c && !std::isnan(c->lo) && !std::isnan(c->hi) ? c : std::nullopt;
}

bool is_plain(const Node& node, const Clamp& c) {
  return node.op == "Relu" || (node.op == "Clip" && !(c.lo == 0 && c.hi == kInfinity));
}

std::optional<ir::Patch> rewrite(const Graph& graph, ir::NodeId id) {
  const Node& node = graph.node(id);
  auto outer = clamp(graph, &node);
  if (!outer) return std::nullopt;
  bool changed = !is_plain(node, *outer);
  if (const auto inner = clamp(graph, graph.producer(outer->x)); inner && used_once(graph, outer->x)) {
    // The second clamp applied to both ends of the range of the first.
    const auto second = [&](double v) { return std::min(std::max(v, outer->lo), outer->hi); };
    outer = Clamp{inner->x, second(inner->lo), second(inner->hi)};
    changed = true;
  }
  if (!changed) return std::nullopt;
  ir::Patch patch(graph);
  const auto constant = [&](double v, double absent, const char* stem) {
    return v == absent ? ir::kNone : patch.constant(Tensor::scalar(static_cast<float>(v)), node.name + stem);
  };
  ValueId result;
  if (outer->lo == 0 && outer->hi == kInfinity) {
    result = patch.add("Relu", {outer->x}, {}, node.name);
  } else {
    const ValueId lo = constant(outer->lo, -kInfinity, "_min"), hi = constant(outer->hi, kInfinity, "_max");
    result = patch.add("Clip", {outer->x, lo, hi}, {}, node.name);
  }
  patch.replace(node.output(), result);
  return patch;
}

}  // namespace

extern const Pass pass_merge_clips;
const Pass pass_merge_clips{
    .name = "merge-clips",
    .description = "merge consecutive clamps; Min, Max and Clip with constants become one Clip or Relu",
    .rewrite = rewrite,
};

}  // namespace tenfold::passes
