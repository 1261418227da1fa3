// QuantizeLinear and DequantizeLinear with all inputs.
#include <algorithm>
#include <array>

#include "onnx/elem_type.hpp"
#include "onnx/qdq.hpp"
#include "onnx/rules.hpp"

namespace tenfold::onnx {
namespace {

using ir::kNone;
using ir::ValueId;

/// The element type that QuantizeLinear makes where it has no zero point.
std::optional<DType> quantized_type(const NodeImport& n) {
  const int64_t code = n.attrs.get_int("output_dtype", 0);
  return code == 0 ? DType::u8 : ir_dtype(code);
}

void quantize_linear(NodeImport& n) {
  if (n.attrs.get_int("block_size", 0) != 0) return n.unsupported("blocked quantization of activations");
  const auto dtype = quantized_type(n);
  if (!dtype || n.is_nibbles(n.input(2)))
    return n.unsupported("quantization to less than 8 bits or to float8");
  const ValueId zero = n.has_input(2) ? n.inputs[2] : zero_point(n, *dtype, n.need(1));
  if (zero == kNone && *dtype != DType::u8)
    return n.unsupported("a type without zero point and a scale of unknown shape");
  n.finish("QuantizeLinear", {n.need(0), n.need(1), zero}, {{"axis", n.attrs.get_int("axis", 1)}});
}

/// A block of `size` values along an axis shares a scale: repeats a constant so that every value has its own.
/// The last block may be shorter.
ValueId repeat_blocks(NodeImport& n, ValueId id, int64_t axis, int64_t size, const Shape& to) {
  const int at = static_cast<int>(axis);
  const Shape from = *n.shape_of(id);
  Shape columns = from, wide = from, whole = to;
  columns.push_back(1);
  wide.push_back(size);
  whole[at] = from[at] * size;
  std::vector<int64_t> perm;  // the repetition goes behind its axis
  for (int64_t i = 0; i < from.rank(); i++) {
    perm.push_back(i);
    if (i == axis) perm.push_back(from.rank());
  }
  const ValueId repeated = n.emit(
      "Expand", {n.emit("Reshape", {id, n.ints(columns.dims(), "columns")}), n.ints(wide.dims(), "wide")});
  const ValueId ordered = n.emit("Transpose", {repeated}, {{"perm", perm}});
  const ValueId each = n.emit("Reshape", {ordered, n.ints(whole.dims(), "shape")});
  if (whole == to) return each;
  return n.emit("Slice", {each, n.ints({0}, "begin"), n.ints({to[at]}, "end"), n.ints({axis}, "axis")});
}

/// Blocks as Cast, Sub, Mul; on weights constant folding makes one f32 tensor of them.
void dequantize_blocks(NodeImport& n) {
  const Shape* x = n.shape_of(n.need(0));
  const Shape* scale = n.shape_of(n.need(1));
  if (!x || !scale || !x->is_static() || !scale->is_static() || x->rank() != scale->rank())
    return n.unsupported("blocked quantization of shapes that are not known before running");
  int64_t axis = n.attrs.get_int("axis", 1);
  if (axis < 0) axis += x->rank();
  if (axis < 0 || axis >= x->rank()) n.fail("axis {} for rank {}", axis, x->rank());
  const int64_t extent = (*x)[static_cast<int>(axis)], blocks = (*scale)[static_cast<int>(axis)],
                size = n.attrs.get_int("block_size", 0);
  if (size < 0 || blocks != extent / size + (extent % size != 0))
    n.fail("{} scales for {} values in blocks of {}", blocks, extent, size);
  if (n.has_input(2) && (!n.shape_of(n.inputs[2]) || *n.shape_of(n.inputs[2]) != *scale))
    n.fail("scale and zero point differ in shape");
  const int64_t repeat = std::min(size, extent);
  const Shape to = *x;
  const ir::Attributes to_float{{"to", kFloat}};
  ValueId value = n.emit("Cast", {n.inputs[0]}, to_float);
  if (n.has_input(2))
    value =
        n.emit("Sub", {value, n.emit("Cast", {repeat_blocks(n, n.inputs[2], axis, repeat, to)}, to_float)});
  n.finish("Mul", {value, repeat_blocks(n, n.inputs[1], axis, repeat, to)});
}

void dequantize_linear(NodeImport& n) {
  if (n.attrs.get_int("block_size", 0) != 0) return dequantize_blocks(n);
  const ValueId x = n.need(0), scale = n.need(1);
  ValueId zero = n.input(2);
  if (zero == kNone)
    if (const auto dtype = n.dtype_of(x)) zero = zero_point(n, *dtype, scale);
  std::vector<ValueId> in{x, scale, zero};
  if (zero == kNone) in.pop_back();
  n.finish("DequantizeLinear", std::move(in), {{"axis", n.attrs.get_int("axis", 1)}});
}

constexpr std::array kRules{
    Rule{"QuantizeLinear", kAnyOpset, quantize_linear},
    Rule{"DequantizeLinear", kAnyOpset, dequantize_linear},
    Rule{"QuantizeLinear", kAnyOpset, quantize_linear, kMicrosoft},
    Rule{"DequantizeLinear", kAnyOpset, dequantize_linear, kMicrosoft},
};

}  // namespace

std::span<const Rule> quant_rules() { return kRules; }

}  // namespace tenfold::onnx
