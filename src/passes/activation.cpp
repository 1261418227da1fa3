#include "passes/activation.hpp"

#include <algorithm>

#include "passes/int8/quantized.hpp"

namespace tenfold::passes {
namespace {

using ir::Attributes;
using ir::Graph;
using ir::Node;

/// Activations without parameters keep their name.
constexpr std::string_view kPlain[] = {"Relu", "SiLU", "HardSwish", "Sigmoid", "Tanh", "Mish"};

/// Adds a Clip with constant bounds to `attrs`; false where a bound is computed.
bool set_clip(const Graph& graph, const Node& clip, Attributes& attrs) {
  const auto bounds = clamp_bounds(graph, clip);
  if (!bounds) return false;
  attrs.set("activation", std::string("Clip"));
  attrs.set("activation_lo", bounds->first);
  attrs.set("activation_hi", bounds->second);
  return true;
}

}  // namespace

bool set_activation(const Graph& graph, const Node& node, Attributes& attrs) {
  if (std::ranges::find(kPlain, node.op) != std::end(kPlain)) {
    attrs.set("activation", node.op);
  } else if (node.op == "Clip") {
    return set_clip(graph, node, attrs);
  } else if (node.op == "Gelu") {
    const bool tanh = node.attrs.get_string("approximate", "none") == "tanh";
    attrs.set("activation", std::string(tanh ? "GeluTanh" : "Gelu"));
  } else if (node.op == "HardSigmoid") {
    attrs.set("activation", node.op);
    attrs.set("activation_alpha", node.attrs.get_float("alpha", 0.2f));
    attrs.set("activation_beta", node.attrs.get_float("beta", 0.5f));
  } else if (node.op == "LeakyRelu" || node.op == "Elu") {
    attrs.set("activation", node.op);
    attrs.set("activation_alpha", node.attrs.get_float("alpha", node.op == "Elu" ? 1.0f : 0.01f));
  } else {
    return false;
  }
  return true;
}

}  // namespace tenfold::passes
