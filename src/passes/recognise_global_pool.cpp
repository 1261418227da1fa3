// Means over all spatial axes become GlobalAveragePool, however they are written; so squeeze-excite looks the
// same everywhere.
#include <algorithm>

#include "passes/match.hpp"
#include "passes/pass.hpp"

namespace tenfold::passes {
namespace {

using ir::Graph;
using ir::Node;
using ir::ValueId;

/// Exactly the axes behind batch and channels.  Of three axes the last are more likely features than pixels.
bool reduces_space(const Graph& graph, const Node& node) {
  const int rank = rank_of(graph, node.input(0));
  const auto axes = rank >= 4 ? reduced_axes(graph, node) : std::nullopt;
  if (!axes || static_cast<int>(axes->size()) != rank - 2) return false;
  for (int i = 0; i < rank - 2; i++)
    if ((*axes)[static_cast<size_t>(i)] != i + 2) return false;
  return true;
}

/// One window that covers the whole image; with ceil_mode it may be larger.
bool covers_image(const Graph& graph, const Node& node) {
  const Shape *in = shape_of(graph, node.input(0)), *out = shape_of(graph, node.output());
  const auto kernel = node.attrs.get_ints("kernel_shape"), pads = node.attrs.get_ints("pads");
  const auto dilations = node.attrs.get_ints("dilations");
  const auto nonzero = [](int64_t p) { return p != 0; };
  if (std::ranges::any_of(dilations, [](int64_t d) { return d != 1; })) return false;
  if (!in || !out || in->rank() < 3 || static_cast<int>(kernel.size()) != in->rank() - 2) return false;
  if (std::any_of(pads.begin(), pads.end(), nonzero) ||
      node.attrs.get_string("auto_pad", "NOTSET").starts_with("SAME"))
    return false;
  for (int i = 2; i < in->rank(); i++)
    if (is_symbol((*in)[i]) || (*in)[i] > kernel[static_cast<size_t>(i - 2)] || (*out)[i] != 1) return false;
  return true;
}

std::optional<ir::Patch> rewrite(const Graph& graph, ir::NodeId id) {
  const Node& node = graph.node(id);
  if (!is_f32(graph, node.input(0))) return std::nullopt;
  const bool mean = node.op == "ReduceMean" && reduces_space(graph, node);
  const bool max = node.op == "ReduceMax" && reduces_space(graph, node);
  const bool pool = node.op == "AveragePool" && covers_image(graph, node);
  if (!mean && !max && !pool) return std::nullopt;
  ir::Patch patch(graph);
  ValueId result = patch.add(max ? "GlobalMaxPool" : "GlobalAveragePool", {node.input(0)}, {}, node.name);
  if (!pool && node.attrs.get_int("keepdims", 1) == 0) {
    const Tensor target = Tensor::from<int64_t>({2}, {0, 0});
    result =
        patch.add("Reshape", {result, patch.constant(target, node.name + "_shape")}, {}, node.name + "_flat");
  }
  patch.replace(node.output(), result);
  return patch;
}

}  // namespace

extern const Pass pass_recognise_global_pool;
const Pass pass_recognise_global_pool{
    .name = "recognise-global-pool",
    .description = "ReduceMean, ReduceMax and AveragePool over whole images become global pools",
    .rewrite = rewrite,
};

}  // namespace tenfold::passes
