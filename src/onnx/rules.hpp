// The table of rewrites from the operators of files to canonical ones.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "onnx/node_import.hpp"

namespace tenfold::onnx {

inline constexpr std::string_view kMicrosoft = "com.microsoft";
inline constexpr int64_t kOldestOpset = 7, kNewestOpset = 27;
inline constexpr int64_t kAnyOpset = INT64_MAX;

/// `rewrite` translates `op` of `domain` up to and including version `up_to` of the domain's operator set. An
/// operator of the default domain that no rule matches is canonical as it is.
struct Rule {
  std::string_view op;
  int64_t up_to;
  void (*rewrite)(NodeImport&);
  std::string_view domain = "";
};

/// The rule for an operator at a version, the one with the lowest `up_to` that still covers it; nullptr if
/// there is none.
const Rule* find_rule(std::string_view domain, std::string_view op, int64_t opset);

// One table per family, each in rules_<family>.cpp.
std::span<const Rule> constant_rules();   // Constant, Identity, Cast, If, ...
std::span<const Rule> shape_rules();      // axes, pads, splits, sizes from attributes to inputs
std::span<const Rule> nn_rules();         // normalisation, softmax, resize, pooling, ...
std::span<const Rule> quant_rules();      // QuantizeLinear, DequantizeLinear
std::span<const Rule> qlinear_rules();    // QLinearConv and its like to QDQ form
std::span<const Rule> attention_rules();  // Attention
std::span<const Rule> contrib_rules();    // com.microsoft operators

}  // namespace tenfold::onnx
