// A pool over three axes is one over the last two and one over the first: kernels know windows over two.
#include "passes/match.hpp"
#include "passes/pass.hpp"

namespace tenfold::passes {
namespace {

using Ints = std::vector<int64_t>;

/// The mean of means is the mean where every window is full.
bool separates(const ir::Node& node) {
  if (node.op == "MaxPool") return node.outputs.size() == 1;
  const Ints pads = node.attrs.get_ints("pads");
  return node.op == "AveragePool" && node.attrs.get_int("ceil_mode", 0) == 0 &&
         !node.attrs.get_string("auto_pad", "NOTSET").starts_with("SAME") &&
         std::ranges::all_of(pads, [](int64_t p) { return p == 0; });
}

/// The attributes of the pool over the axes in `keep`.
ir::Attributes along(const ir::Node& node, const std::array<bool, 3>& keep) {
  ir::Attributes attrs = node.attrs;
  for (const auto& [name, neutral] :
       {std::pair{"kernel_shape", 1}, {"strides", 1}, {"dilations", 1}, {"pads", 0}}) {
    Ints values = node.attrs.get_ints(name);
    for (size_t i = 0; i < values.size(); i++)
      if (!keep[i % 3]) values[i] = neutral;
    if (!values.empty()) attrs.set(name, values);
  }
  return attrs;
}

std::optional<ir::Patch> rewrite(const ir::Graph& graph, ir::NodeId id) {
  const ir::Node& node = graph.node(id);
  const Ints kernel = node.attrs.get_ints("kernel_shape");
  if (kernel.size() != 3 || !separates(node)) return std::nullopt;
  if (kernel[0] == 1 || (kernel[1] == 1 && kernel[2] == 1)) return std::nullopt;
  ir::Patch patch(graph);
  const ir::ValueId planes = patch.add(node.op, {node.input(0)}, along(node, {false, true, true}), node.name);
  patch.replace(node.output(), patch.add(node.op, {planes}, along(node, {true, false, false}), node.name));
  return patch;
}

}  // namespace

extern const Pass pass_split_pool;
const Pass pass_split_pool{"split-pool", "a pool over three axes as one over two and one over the other",
                           rewrite};

}  // namespace tenfold::passes
