#include "onnx/qdq.hpp"

namespace tenfold::onnx {

using ir::kNone;
using ir::ValueId;

ValueId zero_point(NodeImport& n, DType dtype, ValueId scale) {
  // One a channel at most: a computed scale of any size may not ask for as many zeros.
  constexpr int64_t kMostChannels = 1 << 20;
  const Shape* shape = n.shape_of(scale);
  if (!shape || !shape->is_static() || shape->elements() > kMostChannels) return kNone;
  return n.zeros(dtype, *shape);
}

ValueId dequantize(NodeImport& n, ValueId x, ValueId scale, ValueId zero, int64_t axis) {
  if (zero == kNone)
    if (const auto dtype = n.dtype_of(x)) zero = zero_point(n, *dtype, scale);
  std::vector<ValueId> in{x, scale, zero};
  if (zero == kNone) in.pop_back();
  return n.emit("DequantizeLinear", std::move(in), {{"axis", axis}});
}

ValueId dequantize(NodeImport& n, size_t at, int64_t axis) {
  return dequantize(n, n.need(at), n.need(at + 1), n.input(at + 2), axis);
}

void finish_quantized(NodeImport& n, ValueId y, size_t at) {
  ValueId zero = n.input(at + 1);
  // Without a zero point the type is that of the first tensor among the inputs, which all share.
  if (zero == kNone) zero = zero_point(n, n.dtype_of(n.need(0)).value_or(DType::u8), n.need(at));
  n.finish("QuantizeLinear", {y, n.need(at), zero}, {{"axis", int64_t{1}}});
}

ValueId multiply_scales(NodeImport& n, ValueId a, ValueId b) {
  const Tensor *x = n.constant_of(a), *y = n.constant_of(b);
  const bool known = x && y && x->dtype() == DType::f32 && y->dtype() == DType::f32 &&
                     (x->elements() == 1 || y->elements() == 1);
  if (!known) return n.emit("Mul", {a, b});
  const Tensor &many = x->elements() == 1 ? *y : *x, &one = x->elements() == 1 ? *x : *y;
  Tensor product(DType::f32, many.shape());
  for (int64_t i = 0; i < many.elements(); i++)
    product.mutable_data<float>()[i] = many.data<float>()[i] * one.data<float>()[0];
  return n.constant(std::move(product), "scale");
}

}  // namespace tenfold::onnx
