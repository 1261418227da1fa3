// The com.microsoft operators that exporters and optimisers write.
#include <array>
#include <numeric>

#include "onnx/rules.hpp"

namespace tenfold::onnx {
namespace {

using ir::kNone;
using ir::ValueId;

ir::Attributes approximate(const char* how) { return {{"approximate", std::string(how)}}; }

void gelu(NodeImport& n) { n.finish("Gelu", {n.need(0)}, approximate("none")); }
void bias_gelu(NodeImport& n) {
  n.finish("Gelu", {n.emit("Add", {n.need(0), n.need(1)})}, approximate("none"));
}
void fast_gelu(NodeImport& n) {
  n.finish("Gelu", {n.has_input(1) ? n.emit("Add", {n.need(0), n.inputs[1]}) : n.need(0)},
           approximate("tanh"));
}

void quick_gelu(NodeImport& n) {
  const float alpha = n.attrs.get_float("alpha", 1.702f);
  if (alpha == 1.0f) return n.finish("SiLU", {n.need(0)});
  n.finish("Mul", {n.need(0), n.emit("Sigmoid", {n.emit("Mul", {n.inputs[0], n.scalar(alpha, "alpha")})})});
}

/// Input + skip (+ bias), normalised; output 3 is the sum.
void skip_normalization(NodeImport& n, const char* op, size_t bias, std::vector<ValueId> parameters) {
  if (n.has_output(1) || n.has_output(2)) return n.unsupported("statistics as outputs");
  ValueId sum = n.emit("Add", {n.need(0), n.need(1)});
  if (n.has_input(bias)) sum = n.emit("Add", {sum, n.inputs[bias]});
  std::vector<ValueId> in{sum};
  in.insert(in.end(), parameters.begin(), parameters.end());
  n.produce(0, op, std::move(in), {{"axis", int64_t{-1}}, {"epsilon", n.attrs.get_float("epsilon", 1e-12f)}});
  if (n.has_output(3)) n.alias(3, sum);
}

void skip_layer_normalization(NodeImport& n) {
  std::vector<ValueId> parameters{n.need(2)};
  if (n.has_input(3)) parameters.push_back(n.inputs[3]);
  skip_normalization(n, "LayerNormalization", 4, std::move(parameters));
}
void skip_rms_normalization(NodeImport& n) { skip_normalization(n, "RMSNormalization", 3, {n.need(2)}); }

ValueId swap_last_axes(NodeImport& n, ValueId x, int rank) {
  std::vector<int64_t> perm(static_cast<size_t>(rank));
  std::iota(perm.begin(), perm.end(), 0);
  std::swap(perm[perm.size() - 1], perm[perm.size() - 2]);
  return n.emit("Transpose", {x}, {{"perm", perm}});
}

/// alpha * A B with either side transposed.
void fused_matmul(NodeImport& n) {
  if (n.attrs.get_int("transBatchA", 0) != 0 || n.attrs.get_int("transBatchB", 0) != 0)
    return n.unsupported("transposed batches");
  std::vector<ValueId> sides{n.need(0), n.need(1)};
  const char* const flags[] = {"transA", "transB"};
  for (size_t i = 0; i < 2; i++) {
    if (n.attrs.get_int(flags[i], 0) == 0) continue;
    const auto rank = n.rank_of(sides[i]);
    if (!rank) return n.unsupported("the rank of its input is not known");
    if (*rank >= 2) sides[i] = swap_last_axes(n, sides[i], *rank);
  }
  const float alpha = n.attrs.get_float("alpha", 1.0f);
  if (alpha == 1.0f) return n.finish("MatMul", std::move(sides));
  n.finish("Mul", {n.emit("MatMul", std::move(sides)), n.scalar(alpha, "alpha")});
}

/// The attribute `activation` of a fused operator as a node of its own, which makes output 0.
void finish_activation(NodeImport& n, ValueId x, const std::string& activation,
                       const std::vector<float>& parameters) {
  const auto parameter = [&](size_t i, float fallback) {
    return i < parameters.size() ? parameters[i] : fallback;
  };
  if (activation.empty()) return n.alias(0, x);
  if (activation == "Clip")
    return n.finish("Clip", {x, n.scalar(parameter(0, -3.4028235e38f), "min"),
                             n.scalar(parameter(1, 3.4028235e38f), "max")});
  if (activation == "LeakyRelu") return n.finish(activation, {x}, {{"alpha", parameter(0, 0.01f)}});
  if (activation == "HardSigmoid")
    return n.finish(activation, {x}, {{"alpha", parameter(0, 0.2f)}, {"beta", parameter(1, 0.5f)}});
  for (const char* plain : {"Relu", "Sigmoid", "Tanh", "HardSwish", "Softplus", "Softsign"})
    if (activation == plain) return n.finish(activation, {x});
  n.unsupported("activation " + activation);
}

void fused_conv(NodeImport& n) {
  const std::string activation = n.attrs.get_string("activation", "");
  const std::vector<float> parameters = n.attrs.get_floats("activation_params");
  n.attrs.erase("activation");
  n.attrs.erase("activation_params");
  std::vector<ValueId> in{n.need(0), n.need(1)};
  if (n.has_input(2)) in.push_back(n.inputs[2]);
  ValueId y = n.emit("Conv", std::move(in), n.attrs);
  if (n.has_input(3)) y = n.emit("Add", {y, n.inputs[3]});
  finish_activation(n, y, activation, parameters);
}

void fused_gemm(NodeImport& n) {
  const std::string activation = n.attrs.get_string("activation", "");
  const std::vector<float> parameters{
      n.attrs.get_float("activation_alpha", activation == "LeakyRelu" ? 0.01f : 0.2f),
      n.attrs.get_float("activation_beta", 0.5f)};
  for (const char* name : {"activation", "activation_alpha", "activation_beta", "activation_gamma"})
    n.attrs.erase(name);
  finish_activation(n, n.emit("Gemm", n.inputs, n.attrs), activation, parameters);
}

/// Operators that are the standard ones under another domain.
void standard(NodeImport& n) { n.keep(); }

void nhwc_max_pool(NodeImport& n) {
  const auto rank = n.rank_of(n.need(0));
  if (rank != 4) return n.unsupported("inputs of a rank other than 4");
  const ValueId x = n.emit("Transpose", {n.inputs[0]}, {{"perm", std::vector<int64_t>{0, 3, 1, 2}}});
  n.finish("Transpose", {n.emit("MaxPool", {x}, n.attrs)}, {{"perm", std::vector<int64_t>{0, 2, 3, 1}}});
}

constexpr std::array kRules{
    Rule{"Gelu", kAnyOpset, gelu, kMicrosoft},
    Rule{"BiasGelu", kAnyOpset, bias_gelu, kMicrosoft},
    Rule{"FastGelu", kAnyOpset, fast_gelu, kMicrosoft},
    Rule{"QuickGelu", kAnyOpset, quick_gelu, kMicrosoft},
    Rule{"SkipLayerNormalization", kAnyOpset, skip_layer_normalization, kMicrosoft},
    Rule{"SkipSimplifiedLayerNormalization", kAnyOpset, skip_rms_normalization, kMicrosoft},
    Rule{"FusedMatMul", kAnyOpset, fused_matmul, kMicrosoft},
    Rule{"TransposeMatMul", kAnyOpset, fused_matmul, kMicrosoft},
    Rule{"FusedConv", kAnyOpset, fused_conv, kMicrosoft},
    Rule{"FusedGemm", kAnyOpset, fused_gemm, kMicrosoft},
    Rule{"NhwcMaxPool", kAnyOpset, nhwc_max_pool, kMicrosoft},
    Rule{"Pad", kAnyOpset, standard, kMicrosoft},
    Rule{"Trilu", kAnyOpset, standard, kMicrosoft},
    Rule{"Range", kAnyOpset, standard, kMicrosoft},
};

}  // namespace

std::span<const Rule> contrib_rules() { return kRules; }

}  // namespace tenfold::onnx
