// What is quantized after it was moved leaves its kernel as bytes.
#include "passes/pass_fixture.hpp"

namespace tenfold::test {
namespace {

using Ints = std::vector<int64_t>;

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
  std::string lowered() { return optimised(graph, {}, Stage::int8, nullptr, 1e-6); }
};

TEST(QuantizeBeforeMovement, pixelShuffle) {
  Bytes b;
  const ValueId y = b.op("Conv", {b.pixels(), b.weights({8, 4, 3, 3}, 0)});
  b.output(b.quantize(b.op("DepthToSpace", {b.op("Relu", {y})}, {{"blocksize", int64_t{2}}})));
  EXPECT_EQ(b.lowered(), "QConv DepthToSpace");
}

TEST(QuantizeBeforeMovement, whatTwoReadStays) {
  Bytes b;
  const ValueId y = b.op("DepthToSpace", {b.op("Conv", {b.pixels(), b.weights({8, 4, 3, 3}, 0)})},
                         {{"blocksize", int64_t{2}}});
  b.output(b.quantize(y));
  b.output(y);
  EXPECT_EQ(b.lowered(), "QConv DepthToSpace QuantizeLinear");
}

TEST(QuantizeBeforeMovement, transposedConvolutionWithAScalePerFilter) {
  Bytes b;
  const ValueId y = b.op("ConvTranspose", {b.pixels(), b.weights({4, 6, 4, 4}, 1)},
                         {{"strides", Ints{2, 2}}, {"pads", Ints{1, 1, 1, 1}}});
  b.output(b.quantize(y));
  Graph canonical;
  optimised(b.graph, {}, Stage::canonicalise, &canonical);
  EXPECT_EQ(count(canonical, "ConvTranspose"), 0u);
  EXPECT_EQ(count(canonical, "DequantizeLinear"), 2u);  // of the pixels and of the weights, which stay bytes
}

TEST(QuantizeBeforeMovement, transposedConvolutionWithAScalePerInputChannelStays) {
  Bytes b;
  b.output(b.op("ConvTranspose", {b.pixels(), b.weights({4, 6, 4, 4}, 0)}, {{"strides", Ints{2, 2}}}));
  Graph canonical;
  optimised(b.graph, {}, Stage::canonicalise, &canonical);
  EXPECT_EQ(count(canonical, "ConvTranspose"), 1u);
}

}  // namespace
}  // namespace tenfold::test
