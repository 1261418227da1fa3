// What is quantized after it was moved leaves its kernel as bytes.
#include "passes/byte_builder.hpp"

namespace tenfold::test {
namespace {

using Ints = std::vector<int64_t>;

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
