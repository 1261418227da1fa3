// The com.microsoft operators that exporters and quantizers write.
#include <array>

#include "onnx/rules.hpp"

namespace tenfold::onnx {
namespace {

using ir::ValueId;

ir::Attributes approximate(const char* how) { return {{"approximate", std::string(how)}}; }

void gelu(NodeImport& n) { n.finish("Gelu", {n.need(0)}, approximate("none")); }
void bias_gelu(NodeImport& n) { n.finish("Gelu", {n.emit("Add", {n.need(0), n.need(1)})}, approximate("none")); }
void fast_gelu(NodeImport& n) {
  n.finish("Gelu", {n.has_input(1) ? n.emit("Add", {n.need(0), n.inputs[1]}) : n.need(0)}, approximate("tanh"));
}

constexpr std::array kRules{
    Rule{"Gelu", kAnyOpset, gelu, kMicrosoft},
    Rule{"BiasGelu", kAnyOpset, bias_gelu, kMicrosoft},
    Rule{"FastGelu", kAnyOpset, fast_gelu, kMicrosoft},
};

}  // namespace

std::span<const Rule> contrib_rules() { return kRules; }

}  // namespace tenfold::onnx
