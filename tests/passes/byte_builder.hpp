// Graphs with quantized tensors.
#pragma once

#include "passes/pass_fixture.hpp"

namespace tenfold::test {

struct Bytes : Builder {
  ValueId scale = scalar(0.04f), zero = constant(Tensor::scalar<uint8_t>(100));
  ValueId quantize(ValueId real) { return op("QuantizeLinear", {real, scale, zero}); }
  ValueId pixels() { return op("DequantizeLinear", {input({1, 4, 5, 6}, DType::u8), scale, zero}); }
  ValueId weights(Shape shape, int64_t axis) {
    const int64_t count = shape.elements(), channels = shape[static_cast<int>(axis)];
    Tensor w(DType::s8, std::move(shape)), scales(DType::f32, {channels});
    for (int64_t i = 0; i < count; i++) w.mutable_data<int8_t>()[i] = static_cast<int8_t>(i * 37 % 251 - 125);
    for (int64_t i = 0; i < channels; i++)
      scales.mutable_data<float>()[i] = 0.001f * static_cast<float>(i + 1);
    return op("DequantizeLinear", {constant(w), constant(scales)}, {{"axis", axis}});
  }
  /// After the INT8 passes; `steps`: how far bytes may be off.
  std::string lowered(Graph* result = nullptr, double steps = 0) {
    return optimised(graph, {}, Stage::int8, result, 1e-6 + steps / 100);
  }
};

}  // namespace tenfold::test
