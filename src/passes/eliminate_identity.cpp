// Removes nodes that give back one of their operands unchanged.
#include <algorithm>
#include <numeric>

#include "passes/match.hpp"
#include "passes/pass.hpp"

namespace tenfold::passes {
namespace {

using ir::Graph;
using ir::Node;
using ir::ValueId;

bool all_are(const std::vector<int64_t>& values, int64_t expected) {
  return std::all_of(values.begin(), values.end(), [&](int64_t v) { return v == expected; });
}

bool keeps_shape(const Graph& graph, const Node& node) {
  return same_shape(graph, node.input(0), node.output());
}
bool always(const Graph&, const Node&) { return true; }
bool sole_input(const Graph&, const Node& node) { return node.inputs.size() == 1; }
bool sole_output(const Graph& graph, const Node& node) {
  return node.outputs.size() == 1 && keeps_shape(graph, node);
}

bool dropout_at_inference(const Graph& graph, const Node& node) {
  const ValueId mask = node.output(1), training = node.input(2);
  const bool mask_unused =
      mask == ir::kNone || (graph.value(mask).consumers.empty() && !graph.is_output(mask));
  return mask_unused && (training == ir::kNone || scalar(graph, training) == 0.0);
}

bool identity_permutation(const Graph&, const Node& node) {
  const auto perm = node.attrs.get_ints("perm");
  std::vector<int64_t> straight(perm.size());
  std::iota(straight.begin(), straight.end(), 0);
  return !perm.empty() && perm == straight;  // an absent perm reverses
}

bool zero_pads(const Graph& graph, const Node& node) {
  const auto pads = integers(graph, node.input(1));
  return pads && all_are(*pads, 0);
}

/// With equal extents and no step backwards a slice takes everything.
bool whole_slice(const Graph& graph, const Node& node) {
  if (!keeps_shape(graph, node)) return false;
  if (node.input(4) == ir::kNone) return true;
  const auto steps = integers(graph, node.input(4));
  return steps && std::all_of(steps->begin(), steps->end(), [](int64_t s) { return s > 0; });
}

/// Scales of exactly 1, or sizes that are the input's.
bool resize_to_itself(const Graph& graph, const Node& node) {
  if (!keeps_shape(graph, node)) return false;
  if (node.attrs.get_string("coordinate_transformation_mode", "half_pixel") == "tf_crop_and_resize")
    return false;
  if (node.input(2) != ir::kNone && uniform(graph, node.input(2)) == 1.0) return true;
  return node.input(3) != ir::kNone && shape_of(graph, node.input(0))->is_static();
}

/// A window of one element that moves by one element.
bool unit_window(const Graph& graph, const Node& node) {
  return keeps_shape(graph, node) && node.outputs.size() == 1 &&
         all_are(node.attrs.get_ints("kernel_shape"), 1) && all_are(node.attrs.get_ints("strides"), 1) &&
         all_are(node.attrs.get_ints("pads"), 0);
}

bool unbounded(const Graph&, const Node& node) {
  return node.input(1) == ir::kNone && node.input(2) == ir::kNone;
}

/// Operators whose output is input 0 where the condition holds.
struct Rule {
  std::string_view op;
  bool (*holds)(const Graph&, const Node&);
};
constexpr Rule kRules[] = {
    {"Identity", always},
    {"Cast", always},  // the common condition of equal types says it all
    {"CastLike", always},
    {"Dropout", dropout_at_inference},
    {"Reshape", keeps_shape},
    {"Flatten", keeps_shape},
    {"Squeeze", keeps_shape},
    {"Unsqueeze", keeps_shape},
    {"Expand", keeps_shape},
    {"Tile", keeps_shape},
    {"Transpose", identity_permutation},
    {"Pad", zero_pads},
    {"Slice", whole_slice},
    {"Concat", sole_input},
    {"Sum", sole_input},
    {"Max", sole_input},
    {"Min", sole_input},
    {"Mean", sole_input},
    {"Split", sole_output},
    {"Resize", resize_to_itself},
    {"Clip", unbounded},
    {"AveragePool", unit_window},
    {"MaxPool", unit_window},
    {"GlobalAveragePool", keeps_shape},
    {"GlobalMaxPool", keeps_shape},
};

/// Binary operators with a neutral constant.
struct Neutral {
  std::string_view op;
  double constant;
  bool commutes;
};
constexpr Neutral kNeutrals[] = {
    {"Mul", 1, true},  {"Div", 1, false}, {"Pow", 1, false}, {"Add", 0, true},
    {"Sub", 0, false}, {"And", 1, true},  {"Or", 0, true},
};

/// The operand that `node` passes through, or kNone.  Broadcasting x against the constant must not enlarge
/// it.
ValueId passed_operand(const Graph& graph, const Node& node) {
  for (const Rule& rule : kRules)
    if (node.op == rule.op) return rule.holds(graph, node) ? node.input(0) : ir::kNone;
  for (const Neutral& n : kNeutrals) {
    if (node.op != n.op || node.inputs.size() != 2) continue;
    for (size_t side = 0; side < (n.commutes ? 2u : 1u); side++)
      if (uniform(graph, node.input(1 - side)) == n.constant &&
          same_shape(graph, node.input(side), node.output()))
        return node.input(side);
  }
  return ir::kNone;
}

std::optional<ir::Patch> rewrite(const Graph& graph, ir::NodeId id) {
  const Node& node = graph.node(id);
  if (node.attrs.has("activation") || node.output() == ir::kNone) return std::nullopt;
  const ValueId x = passed_operand(graph, node);
  if (x == ir::kNone || graph.value(x).dtype != graph.value(node.output()).dtype) return std::nullopt;
  if (!may_replace(graph, node.output(), x)) return std::nullopt;
  ir::Patch patch(graph);
  patch.replace(node.output(), x);
  return patch;
}

}  // namespace

extern const Pass pass_eliminate_identity;
const Pass pass_eliminate_identity{
    .name = "eliminate-identity",
    .description = "remove casts, reshapes, slices, arithmetic, ... that change nothing",
    .rewrite = rewrite,
};

}  // namespace tenfold::passes
