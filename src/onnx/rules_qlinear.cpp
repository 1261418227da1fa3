// The QLinear operators as DequantizeLinear, the operator, QuantizeLinear: the only form the layers above
// know.
#include <array>
#include <numeric>

#include "onnx/elem_type.hpp"
#include "onnx/qdq.hpp"
#include "onnx/rules.hpp"

namespace tenfold::onnx {
namespace {

using ir::kNone;
using ir::ValueId;

/// Applies `make` between transposes where the attribute channels_last is set.
template <class F>
ValueId channels_first(NodeImport& n, ValueId x, F&& make) {
  const bool last = n.attrs.get_int("channels_last", 0) != 0;
  n.attrs.erase("channels_last");
  if (!last) return make(x);
  const auto rank = n.rank_of(n.need(0));
  if (!rank || *rank < 3) n.fail("channels_last needs an input of known rank, three or more");
  std::vector<int64_t> in{0, *rank - 1}, out{0};
  for (int64_t i = 1; i + 1 < *rank; i++) in.push_back(i);
  for (int64_t i = 2; i < *rank; i++) out.push_back(i);
  out.push_back(1);
  const ValueId y = make(n.emit("Transpose", {x}, {{"perm", in}}));
  return n.emit("Transpose", {y}, {{"perm", out}});
}

/// The bias is i32 in units of input scale times weight scale.
ValueId dequantized_bias(NodeImport& n, ValueId bias, ValueId x_scale, ValueId w_scale) {
  return dequantize(n, bias, multiply_scales(n, x_scale, w_scale), kNone, 0);
}

void conv(NodeImport& n) {
  const ValueId w = dequantize(n, 3, 0);
  const ValueId bias = n.has_input(8) ? dequantized_bias(n, n.inputs[8], n.need(1), n.need(4)) : kNone;
  const ValueId y = channels_first(n, dequantize(n, 0), [&](ValueId x) {
    std::vector<ValueId> in{x, w};
    if (bias != kNone) in.push_back(bias);
    return n.emit("Conv", std::move(in), n.attrs);
  });
  finish_quantized(n, y, 6);
}

/// Scales of A may be one a row, those of B one a column.
void matmul(NodeImport& n) {
  for (const size_t scale : {size_t{1}, size_t{4}})
    if (n.rank_of(n.need(scale)).value_or(0) > 1) return n.unsupported("scales of more than one axis");
  const ValueId a = dequantize(n, 0, -2), b = dequantize(n, 3, -1);
  finish_quantized(n, n.emit("MatMul", {a, b}), 6);
}

/// A, B, C and their scales; C is i32.  Without an output scale the result stays f32.
void gemm(NodeImport& n) {
  const bool trans_b = n.attrs.get_int("transB", 0) != 0;
  std::vector<ValueId> in{dequantize(n, 0), dequantize(n, 3, trans_b ? 0 : 1)};
  const float alpha = n.attrs.get_float("alpha", 1.0f);
  if (n.has_input(6)) {
    ValueId scale = multiply_scales(n, n.need(1), n.need(4));
    if (alpha != 1.0f) scale = multiply_scales(n, scale, n.scalar(alpha, "alpha"));
    const auto rank = n.rank_of(n.inputs[6]);
    in.push_back(dequantize(n, n.inputs[6], scale, kNone, rank.value_or(1) == 2 ? 1 : 0));
  }
  const ir::Attributes attrs{
      {"alpha", alpha}, {"transA", n.attrs.get_int("transA", 0)}, {"transB", int64_t{trans_b}}};
  if (n.has_input(7))
    finish_quantized(n, n.emit("Gemm", std::move(in), attrs), 7);
  else
    n.finish("Gemm", std::move(in), attrs);
}

template <const char* const& Op>
void binary(NodeImport& n) {
  const ValueId a = dequantize(n, 0), b = dequantize(n, 3);
  finish_quantized(n, n.emit(Op, {a, b}), 6);
}

template <const char* const& Op>
void unary(NodeImport& n) {
  finish_quantized(n, n.emit(Op, {dequantize(n, 0)}, n.attrs), 3);
}

template <const char* const& Op>
void pool(NodeImport& n) {
  const ValueId y = channels_first(n, dequantize(n, 0), [&](ValueId x) { return n.emit(Op, {x}, n.attrs); });
  finish_quantized(n, y, 3);
}

/// Attribute `opset` tells which Softmax is meant: before 13 it flattens.
void softmax(NodeImport& n) {
  const auto rank = n.rank_of(n.need(0));
  const bool flat = n.attrs.get_int("opset", 13) < 13;
  int64_t axis = n.attrs.get_int("axis", flat ? 1 : -1);
  if (rank && axis < 0) axis += *rank;
  if (flat && (!rank || axis != *rank - 1)) return n.unsupported("the flattening form over several axes");
  finish_quantized(n, n.emit("Softmax", {dequantize(n, 0)}, {{"axis", axis}}), 3);
}

void reduce_mean(NodeImport& n) {
  std::vector<ValueId> in{dequantize(n, 0)};
  if (n.attrs.has("axes")) in.push_back(n.ints(n.attrs.get_ints("axes"), "axes"));
  finish_quantized(n, n.emit("ReduceMean", std::move(in), {{"keepdims", n.attrs.get_int("keepdims", 1)}}), 3);
}

/// Output scale and zero point come first, then tensor, scale, zero point of each part.
void concat(NodeImport& n) {
  std::vector<ValueId> parts;
  for (size_t i = 2; i < n.inputs.size(); i += 3) parts.push_back(dequantize(n, i));
  if (parts.empty()) n.fail("nothing to concatenate");
  const ValueId y = n.emit("Concat", std::move(parts), {{"axis", n.attrs.get_int("axis", 1)}});
  ValueId zero = n.input(1);
  if (zero == kNone) zero = zero_point(n, n.dtype_of(n.need(2)).value_or(DType::u8), n.need(0));
  n.finish("QuantizeLinear", {y, n.need(0), zero}, {{"axis", int64_t{1}}});
}

void where(NodeImport& n) {
  const ValueId x = dequantize(n, 1), y = dequantize(n, 4);
  const ValueId chosen = n.emit("Where", {n.need(0), x, y});
  n.finish("QuantizeLinear", {chosen, n.need(7), n.need(8)}, {{"axis", int64_t{1}}});
}

/// Integer product of quantized A and B, scaled to f32, plus a bias.
void scaled_integer_product(NodeImport& n, ValueId a, ValueId a_scale, ValueId a_zero, ValueId b_scale,
                            ValueId b_zero, ValueId bias) {
  std::vector<ValueId> in{a, n.need(1), a_zero, b_zero};
  while (in.back() == kNone) in.pop_back();
  const ValueId product = n.emit("Cast", {n.emit("MatMulInteger", std::move(in))}, {{"to", kFloat}});
  const ValueId scale = n.emit("Mul", {a_scale, b_scale});
  if (bias == kNone) return n.finish("Mul", {product, scale});
  n.finish("Add", {n.emit("Mul", {product, scale}), bias});
}

void dynamic_quantize_matmul(NodeImport& n) {
  const std::vector<ValueId> a = n.emit_multi("DynamicQuantizeLinear", {n.need(0)}, {}, 3);
  scaled_integer_product(n, a[0], a[1], a[2], n.need(2), n.input(3), n.input(4));
}

void matmul_integer_to_float(NodeImport& n) {
  scaled_integer_product(n, n.need(0), n.need(2), n.input(4), n.need(3), n.input(5), n.input(6));
}

constexpr const char *kAdd = "Add", *kMul = "Mul", *kSigmoid = "Sigmoid", *kLeakyRelu = "LeakyRelu",
                     *kGlobalAveragePool = "GlobalAveragePool", *kAveragePool = "AveragePool";

constexpr std::array kRules{
    Rule{"QLinearConv", kAnyOpset, conv},
    Rule{"QLinearMatMul", kAnyOpset, matmul},
    Rule{"QLinearConv", kAnyOpset, conv, kMicrosoft},
    Rule{"QGemm", kAnyOpset, gemm, kMicrosoft},
    Rule{"QLinearAdd", kAnyOpset, binary<kAdd>, kMicrosoft},
    Rule{"QLinearMul", kAnyOpset, binary<kMul>, kMicrosoft},
    Rule{"QLinearSigmoid", kAnyOpset, unary<kSigmoid>, kMicrosoft},
    Rule{"QLinearLeakyRelu", kAnyOpset, unary<kLeakyRelu>, kMicrosoft},
    Rule{"QLinearGlobalAveragePool", kAnyOpset, pool<kGlobalAveragePool>, kMicrosoft},
    Rule{"QLinearAveragePool", kAnyOpset, pool<kAveragePool>, kMicrosoft},
    Rule{"QLinearSoftmax", kAnyOpset, softmax, kMicrosoft},
    Rule{"QLinearReduceMean", kAnyOpset, reduce_mean, kMicrosoft},
    Rule{"QLinearConcat", kAnyOpset, concat, kMicrosoft},
    Rule{"QLinearWhere", kAnyOpset, where, kMicrosoft},
    Rule{"DynamicQuantizeMatMul", kAnyOpset, dynamic_quantize_matmul, kMicrosoft},
    Rule{"MatMulIntegerToFloat", kAnyOpset, matmul_integer_to_float, kMicrosoft},
};

}  // namespace

std::span<const Rule> qlinear_rules() { return kRules; }

}  // namespace tenfold::onnx
