// Merges nodes that compute the same thing from the same operands, and constants with the same bytes.
#include <algorithm>
#include <cstring>
#include <functional>
#include <unordered_map>

#include "passes/match.hpp"
#include "passes/pass.hpp"

namespace tenfold::passes {
namespace {

using ir::Graph;
using ir::Node;
using ir::ValueId;

size_t mix(size_t seed, size_t value) {
  return seed ^ (value + 0x9e3779b97f4a7c15u + (seed << 6) + (seed >> 2));
}

/// A hash of the type, the shape and a few bytes: reading all weights would touch every page of a mapped
/// file.
size_t hash(const Tensor& t) {
  size_t h = mix(static_cast<size_t>(t.dtype()), t.bytes());
  for (int64_t d : t.shape()) h = mix(h, static_cast<size_t>(d));
  constexpr size_t kSamples = 16;
  const auto* bytes = static_cast<const unsigned char*>(t.raw());
  const size_t step = t.bytes() / kSamples + 1;
  for (size_t at = 0; at < t.bytes(); at += step) h = mix(h, bytes[at]);
  return h;
}

bool equal(const Tensor& a, const Tensor& b) {
  if (a.dtype() != b.dtype() || !(a.shape() == b.shape())) return false;
  return a.raw() == b.raw() || a.bytes() == 0 || std::memcmp(a.raw(), b.raw(), a.bytes()) == 0;
}

size_t merge_constants(Graph& graph) {
  std::unordered_multimap<size_t, ValueId> seen;
  size_t merged = 0;
  for (ValueId id = 0; id < static_cast<ValueId>(graph.value_count()); id++) {
    const Tensor* t = graph.constant(id);
    if (!t || t->dtype() == DType::string || graph.value(id).consumers.empty() || graph.is_output(id))
      continue;
    const size_t key = hash(*t);
    const auto [first, last] = seen.equal_range(key);
    const auto same = std::find_if(
        first, last, [&](const auto& entry) { return equal(*graph.constant(entry.second), *t); });
    if (same == last) {
      seen.emplace(key, id);
    } else {
      graph.replace_uses(id, same->second);
      merged++;
    }
  }
  return merged;
}

size_t hash(const Node& node) {
  size_t h = mix(std::hash<std::string>()(node.op), node.outputs.size());
  for (ValueId in : node.inputs) h = mix(h, static_cast<size_t>(in));
  for (const auto& [name, value] : node.attrs) h = mix(h, mix(std::hash<std::string>()(name), value.index()));
  return h;
}

/// Same operator, operands and attributes, and no output of one that the other lacks.
bool equal(const Node& a, const Node& b) {
  if (a.op != b.op || a.inputs != b.inputs || a.outputs.size() != b.outputs.size() || !(a.attrs == b.attrs))
    return false;
  for (size_t i = 0; i < a.outputs.size(); i++)
    if ((a.outputs[i] == ir::kNone) != (b.outputs[i] == ir::kNone)) return false;
  return true;
}

bool replaceable(const Graph& graph, const Node& node, const Node& by) {
  for (size_t i = 0; i < node.outputs.size(); i++)
    if (node.outputs[i] != ir::kNone && !may_replace(graph, node.outputs[i], by.outputs[i])) return false;
  return true;
}

size_t merge_nodes(Graph& graph) {
  std::unordered_multimap<size_t, ir::NodeId> seen;
  size_t merged = 0;
  for (ir::NodeId id : graph.topological_order()) {
    const Node& node = graph.node(id);
    if (node.op.starts_with("Random") || node.op == "Dropout" || node.op == "Bernoulli" ||
        node.op == "Multinomial")
      continue;
    const size_t key = hash(node);
    const auto [first, last] = seen.equal_range(key);
    const auto same =
        std::find_if(first, last, [&](const auto& entry) { return equal(graph.node(entry.second), node); });
    if (same == last) {
      seen.emplace(key, id);
    } else if (const Node& kept = graph.node(same->second); replaceable(graph, node, kept)) {
      for (size_t i = 0; i < node.outputs.size(); i++)
        if (node.outputs[i] != ir::kNone) graph.replace_uses(node.outputs[i], kept.outputs[i]);
      graph.remove_node(id);
      merged++;
    }
  }
  return merged;
}

size_t transform(Graph& graph) { return merge_constants(graph) + merge_nodes(graph); }

}  // namespace

extern const Pass pass_eliminate_common_subexpressions;
const Pass pass_eliminate_common_subexpressions{
    .name = "eliminate-common-subexpressions",
    .description = "compute equal subexpressions once and store equal constants once",
    .transform = transform,
};

}  // namespace tenfold::passes
