// An activation behind an operator with an epilogue becomes its attribute (engine only), see ops/fusion.hpp.
#include <algorithm>
#include <iterator>
#include <limits>

#include "passes/match.hpp"
#include "passes/pass.hpp"

namespace tenfold::passes {
namespace {

using ir::Attributes;
using ir::Graph;
using ir::Node;

constexpr std::string_view kHosts[] = {"Conv", "ConvTranspose", "MatMul", "Gemm", "BatchNormalization", "Add",
                                       "Mul"};

/// Activations without parameters keep their name.
constexpr std::string_view kPlain[] = {"Relu", "SiLU", "HardSwish", "Sigmoid", "Tanh", "Mish"};

bool contains(auto& names, std::string_view name) {
  return std::find(std::begin(names), std::end(names), name) != std::end(names);
}

/// Adds a Clip with constant bounds to `attrs`; false where a bound is computed.
bool set_clip(const Graph& graph, const Node& clip, Attributes& attrs) {
  float bounds[2] = {-std::numeric_limits<float>::infinity(), std::numeric_limits<float>::infinity()};
  for (size_t i = 0; i < 2; i++) {
    if (clip.input(i + 1) == ir::kNone) continue;
    const auto bound = scalar(graph, clip.input(i + 1));
    if (!bound) return false;
    bounds[i] = static_cast<float>(*bound);
  }
  attrs.set("activation", std::string("Clip"));
  attrs.set("activation_lo", bounds[0]);
  attrs.set("activation_hi", bounds[1]);
  return true;
}

/// Writes the activation `node` as attributes; false where it is none, or not constant.
bool set_activation(const Graph& graph, const Node& node, Attributes& attrs) {
  if (contains(kPlain, node.op)) {
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

std::optional<ir::Patch> rewrite(const Graph& graph, ir::NodeId id) {
  const Node& node = graph.node(id);
  if (node.inputs.empty() || node.input(0) == ir::kNone) return std::nullopt;
  const Node* host = graph.producer(node.input(0));
  if (!host || !contains(kHosts, host->op) || host->attrs.has("activation")) return std::nullopt;
  if (!used_once(graph, node.input(0)) || !is_f32(graph, node.input(0))) return std::nullopt;
  Attributes attrs = host->attrs;
  if (!set_activation(graph, node, attrs)) return std::nullopt;
  ir::Patch patch(graph);
  patch.replace(node.output(), patch.add(host->op, host->inputs, std::move(attrs), host->name));
  return patch;
}

}  // namespace

extern const Pass pass_fuse_activation;
const Pass pass_fuse_activation{
    .name = "fuse-activation",
    .description = "an activation behind Conv, MatMul, BatchNormalization, Add, ... becomes its attribute",
    .rewrite = rewrite,
};

}  // namespace tenfold::passes
