// QConv | QMatMul with float output -> Add of bytes -> activation -> factors by channel -> QuantizeLinear ==>
// one operator.
// For files that quantize behind an activation and not in front of it (NNCF, PyTorch), where it is no
// function of a byte: floats stay in the first-level cache.
#include <cmath>

#include "ops/op.hpp"
#include "passes/activation.hpp"
#include "passes/int8/quantized.hpp"
#include "passes/match.hpp"
#include "passes/pass.hpp"

namespace tenfold::passes {
namespace {

/// The operator with float output that alone gives `real`.
const ir::Node* float_host(const ir::Graph& g, ir::ValueId real) {
  const ir::Node* host = real == ir::kNone ? nullptr : g.producer(real);
  if (!host || (host->op != "QConv" && host->op != "QMatMul") || !used_once(g, real)) return nullptr;
  return host->attrs.get_string("output", "u8") == "f32" ? host : nullptr;
}

/// An Add of a dequantized tensor of the same shape as input and attributes.
bool set_residual(const ir::Graph& g, const ir::Node& add, ir::ValueId real, std::vector<ir::ValueId>& inputs,
                  ir::Attributes& attrs) {
  const ir::ValueId other = add.op == "Add" ? other_operand(add, real) : ir::kNone;
  const auto residual = other == ir::kNone ? std::nullopt : dequantized(g, other);
  if (!residual || !same_shape(g, real, other) || attrs.get_int("group", 1) != 1) return false;
  const auto offset = -static_cast<float>(residual->params.zero_point) * residual->params.scale;
  if (!std::isfinite(offset)) return false;
  inputs.resize(5, ir::kNone);
  inputs[4] = residual->value;
  attrs.set("float_residual", int64_t{1});
  attrs.set("r_scale", residual->params.scale);
  attrs.set("offset", offset);
  return true;
}

/// A Mul of `real` by one constant for each channel as an attribute.
bool set_factors(const ir::Graph& g, const ir::Node& mul, ir::ValueId real, const ir::Node& host,
                 ir::Attributes& attrs) {
  const ir::ValueId other = mul.op == "Mul" ? other_operand(mul, real) : ir::kNone;
  const Tensor* t = other == ir::kNone ? nullptr : g.constant(other);
  const int rank = rank_of(g, real), axis = host.op == "QConv" ? 1 : rank - 1;
  const int64_t channels = g.value(host.input(2)).shape->elements();
  if (!t || t->dtype() != DType::f32 || t->elements() != channels || attrs.has("factors")) return false;
  if (!lies_along(t->shape(), rank, axis, channels)) return false;
  attrs.set("factors", t->reshaped({channels}));
  return true;
}

bool set_quantization(const ir::Graph& g, const ir::Node& quantize, ir::Attributes& attrs) {
  const auto params = quantize_params(g, quantize);
  if (!params) return false;
  attrs.set("output", std::string("u8"));
  attrs.set("y_scale", params->scale);
  attrs.set("y_zero_point", int64_t{params->zero_point});
  return true;
}

std::optional<ir::Patch> rewrite(const ir::Graph& g, ir::NodeId id) {
  const ir::Node& n = g.node(id);
  for (size_t side = 0; side < std::min<size_t>(n.inputs.size(), 2); side++) {
    const ir::ValueId real = n.input(side);
    const ir::Node* host = float_host(g, real);
    if (!host || (side == 1 && n.op != "Mul" && n.op != "Add")) continue;
    ir::Attributes attrs = host->attrs;
    std::vector<ir::ValueId> inputs = host->inputs;
    const bool plain = !attrs.has("activation") && !attrs.has("factors");
    const bool sum = plain && host->input(4) == ir::kNone && set_residual(g, n, real, inputs, attrs);
    if (!sum && !(plain && set_activation(g, n, attrs)) && !set_factors(g, n, real, *host, attrs) &&
        !set_quantization(g, n, attrs))
      continue;
    ir::Patch patch(g);
    patch.replace(n.output(), patch.add(host->op, inputs, attrs, host->name));
    return patch;
  }
  return std::nullopt;
}

}  // namespace

extern const Pass pass_int8_float_tail;
const Pass pass_int8_float_tail{"int8-float-tail",
                                "float activations and quantization behind INT8 products into their epilogue",
                                rewrite};

}  // namespace tenfold::passes
