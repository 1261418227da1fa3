// Operators between bytes that have INT8 kernels of their own.
#include "passes/byte_builder.hpp"

namespace tenfold::test {
namespace {

using Ints = std::vector<int64_t>;

TEST(Int8ChannelLookup, PRelu) {
  Bytes b;
  b.output(b.quantize(b.op("PRelu", {b.pixels(), b.random({4, 1, 1})})));
  EXPECT_EQ(b.lowered(), "QChannelLookup");
}

TEST(Int8ChannelLookup, BatchNormalizationWithQuantizedParameters) {
  Bytes b;
  const ValueId scale =
      b.op("DequantizeLinear", {b.constant(Tensor::from<int8_t>({4}, {{1, 2, -3, 4}})), b.scalar(0.5f)});
  b.output(b.quantize(b.op("BatchNormalization",
                           {b.pixels(), scale, b.random({4}), b.random({4}), b.floats({4}, {1, 2, 3, 4})})));
  EXPECT_EQ(b.lowered(), "QChannelLookup");
}

TEST(Int8ChannelLookup, severalOperators) {
  Bytes b;
  const ValueId scaled = b.op("Mul", {b.pixels(), b.random({1, 4, 1, 1})});
  b.output(b.quantize(b.op("Relu", {b.op("Add", {scaled, b.random({4, 1, 1})})})));
  EXPECT_EQ(b.lowered(), "QChannelLookup");
}

TEST(Int8ChannelLookup, constantsAlongOtherAxesStay) {
  for (const Shape& shape : {Shape{6}, Shape{5, 1}, Shape{4, 5, 1}}) {
    Bytes b;
    b.output(b.quantize(b.op("PRelu", {b.pixels(), b.random(shape)})));
    EXPECT_EQ(b.lowered(), "DequantizeLinear PRelu QuantizeLinear");
  }
}

TEST(Int8ChannelLookup, quantizationByChannelOfMatrices) {
  Bytes b;
  const ValueId x = b.input({3, 4}, DType::u8);
  const ValueId real = b.op("DequantizeLinear", {x, b.floats({4}, {1, 2, 3, 4})}, {{"axis", int64_t{1}}});
  b.output(b.quantize(b.op("Relu", {real})));
  const ValueId bias =
      b.op("DequantizeLinear",
           {b.constant(Tensor::from<int32_t>({4}, {{5, 6, -7, 8}})), b.floats({4}, {1, 2, 3, 4})},
           {{"axis", int64_t{0}}});
  b.output(b.quantize(b.op("Add", {bias, b.op("DequantizeLinear", {x, b.scale, b.zero})})));
  EXPECT_EQ(b.lowered(), "DequantizeLinear QChannelLookup Relu QuantizeLinear");
}

TEST(Int8ChannelLookup, noChannels) {
  Bytes b;
  const ValueId x = b.op("DequantizeLinear", {b.input({1, 0, 4, 4}, DType::u8), b.scale, b.zero}),
                none = b.floats({0}, {});
  b.output(b.quantize(b.op("BatchNormalization", {x, none, none, none, none})));
  EXPECT_EQ(b.lowered(), "DequantizeLinear BatchNormalization QuantizeLinear");
}

/// Conv -> `clamp` -> quantization with one scale a channel -> depthwise Conv with `outputs` channels.
std::string by_channel(std::string_view clamp, uint8_t zero_point, int64_t outputs,
                       std::vector<uint8_t> zeros = {}) {
  Bytes b;
  if (zeros.empty()) zeros.assign(4, zero_point);
  const ValueId scales = b.floats({4}, {0.02f, 0.01f, 0.015f, 0.005f}),
                zero = b.constant(Tensor::from<uint8_t>({4}, zeros));
  ValueId x = b.op("Conv", {b.pixels(), b.weights({4, 4, 1, 1}, 0), b.random({4})});
  if (clamp == "Relu") x = b.op("Relu", {x});
  if (clamp == "Clip") x = b.op("Clip", {x, b.scalar(0), b.scalar(6)});
  if (clamp == "Sigmoid") x = b.op("Sigmoid", {x});
  const ValueId q = b.op("QuantizeLinear", {x, scales, zero}, {{"axis", int64_t{1}}}),
                y = b.op("DequantizeLinear", {q, scales, zero}, {{"axis", int64_t{-3}}});
  b.output(b.quantize(b.op("Conv", {y, b.weights({outputs, 1, 3, 3}, 0)},
                           {{"group", int64_t{4}}, {"pads", Ints{1, 1, 1, 1}}})));
  return b.lowered(nullptr, 8);  // a step of the bytes between them is several of the result
}

TEST(Int8ChannelScales, moveIntoWeightsOnBothSides) {
  EXPECT_EQ(by_channel("", 128, 4), "QConv QConv");
  EXPECT_EQ(by_channel("Clip", 0, 4), "QConv QConv");
  EXPECT_EQ(by_channel("Relu", 100, 8), "QConv QConv");
}

TEST(Int8ChannelScales, becomeFactorsBehindOtherOperators) {
  EXPECT_EQ(by_channel("Sigmoid", 0, 4), "QConv QConv");
}

TEST(Int8ChannelScales, severalZeroPointsStay) {
  EXPECT_EQ(by_channel("Relu", 0, 4, {0, 1, 0, 0}),
            "DequantizeLinear QConv QuantizeLinear DequantizeLinear Conv QuantizeLinear");
}

struct Product : Bytes {
  ValueId conv() { return op("Conv", {pixels(), weights({4, 4, 3, 3}, 0), random({4})}); }
  ValueId matmul() {
    return op("MatMul",
              {op("DequantizeLinear", {input({3, 4}, DType::u8), scale, zero}), weights({4, 6}, 1)});
  }
};

TEST(Int8FloatTail, quantizedBehindAnActivation) {
  Product b;
  b.output(b.quantize(b.op("HardSwish", {b.conv()})));
  b.output(b.quantize(b.op("LeakyRelu", {b.matmul()}, {{"alpha", 0.3f}})));
  EXPECT_EQ(b.lowered(nullptr, 1), "QConv QMatMul");
}

TEST(Int8FloatTail, factorsByChannel) {
  Product b;
  b.output(b.quantize(b.op("Mul", {b.random({4, 1, 1}), b.op("Sigmoid", {b.conv()})})));
  b.output(b.op("Mul", {b.op("Tanh", {b.matmul()}), b.random({6})}));
  b.output(b.op("Mul", {b.op("Tanh", {b.matmul()}), b.random({3, 1})}));  // one a row
  EXPECT_EQ(b.lowered(nullptr, 1), "QMatMul QMatMul QConv Mul");
}

TEST(Int8FloatTail, anActivationBehindFactorsStays) {
  Product b;
  b.output(b.op("Tanh", {b.op("Mul", {b.op("Sigmoid", {b.conv()}), b.random({4, 1, 1})})}));
  EXPECT_EQ(b.lowered(), "QConv Tanh");
}

TEST(Int8FloatTail, aResultWithTwoReadersStays) {
  Product b;
  const ValueId y = b.conv();
  b.output(b.quantize(b.op("Sigmoid", {y})));
  b.output(y);
  EXPECT_EQ(b.lowered(nullptr, 1), "QConv Sigmoid QuantizeLinear");
}

TEST(Int8FloatTail, functionOfASumWithBytes) {
  Product b;
  const ValueId r = b.op("DequantizeLinear", {b.input({1, 4, 3, 4}, DType::u8), b.scale, b.zero});
  const ValueId sum = b.quantize(b.op("Add", {b.conv(), r}));
  b.output(b.quantize(b.op("Sigmoid", {b.op("DequantizeLinear", {sum, b.scale, b.zero})})));
  EXPECT_EQ(b.lowered(nullptr, 1), "QConv");
}

TEST(Int8FloatTail, residualOfBytes) {
  Product b;
  const ValueId r = b.op("DequantizeLinear", {b.input({1, 4, 3, 4}, DType::u8), b.scale, b.zero});
  b.output(b.quantize(b.op("Relu", {b.op("Add", {b.conv(), r})})));
  b.output(b.op("Add", {r, b.conv()}));
  b.output(
      b.op("Add", {b.op("DequantizeLinear", {b.input({4, 3, 1}, DType::u8), b.scale, b.zero}), b.conv()}));
  EXPECT_EQ(b.lowered(nullptr, 1), "DequantizeLinear QConv QConv QConv Add");
}

TEST(Int8Concat, equalParametersWithoutQuantizationBehind) {
  Bytes b;
  b.output(b.op("Concat", {b.pixels(), b.pixels()}, {{"axis", int64_t{1}}}));
  b.output(b.op("Concat", {b.pixels(), b.op("DequantizeLinear", {b.input({1, 4, 5, 6}, DType::u8), b.scale})},
                {{"axis", int64_t{1}}}));
  EXPECT_EQ(b.lowered(), "DequantizeLinear DequantizeLinear Concat Concat DequantizeLinear");
}

TEST(Int8FloatTail, bytesGoOnToTablesAndResiduals) {
  Product b;
  const ValueId y = b.op("DequantizeLinear", {b.quantize(b.op("HardSwish", {b.matmul()})), b.scale, b.zero}),
                r = b.op("DequantizeLinear", {b.input({3, 6}, DType::u8), b.scale, b.zero});
  b.output(b.quantize(b.op("Add", {y, r})));
  EXPECT_EQ(b.lowered(nullptr, 1), "QMatMul");
}

TEST(Int8Pool, globalMeansAsFloats) {
  Bytes b;
  const ValueId x = b.pixels();
  b.output(b.op("Sigmoid", {b.op("GlobalAveragePool", {x})}));
  b.output(b.quantize(b.op("Flatten", {b.op("GlobalAveragePool", {x})})));
  EXPECT_EQ(b.lowered(), "QGlobalAveragePool QGlobalAveragePool Sigmoid Flatten");
}

TEST(Int8GroupNorm, instancesAndGroups) {
  Bytes b;
  b.output(b.quantize(b.op("InstanceNormalization", {b.pixels(), b.random({4}), b.random({4})})));
  b.output(b.quantize(
      b.op("GroupNormalization", {b.pixels(), b.random({2}), b.random({2})}, {{"num_groups", int64_t{2}}})));
  b.output(
      b.quantize(b.op("Relu", {b.op("InstanceNormalization", {b.pixels(), b.random({4}), b.random({4})})})));
  EXPECT_EQ(b.lowered(nullptr, 1), "QGroupNormalization QGroupNormalization QGroupNormalization QLookup");
}

TEST(Int8Resize, linearAndCubic) {
  for (const char* mode : {"linear", "cubic"})
    for (const std::vector<float>& scales :
         {std::vector<float>{1, 1, 2, 1.5f}, {1, 1, 0.5f, 1}, {1, 1, 1, 3}}) {
      Bytes b;
      b.output(b.quantize(
          b.op("Resize", {b.pixels(), kNone, b.floats({4}, scales)}, {{"mode", std::string(mode)}})));
      EXPECT_EQ(b.lowered(nullptr, 1), "QResize") << mode;
    }
}

TEST(Int8Resize, alongThreeAxesStays) {
  for (float channels : {2.0f, 1.1f}) {  // the latter leaves four channels, each of which moves
    Bytes b;
    b.output(b.quantize(b.op("Resize", {b.pixels(), kNone, b.floats({4}, {1, channels, 2, 2})},
                             {{"mode", std::string("linear")}})));
    EXPECT_EQ(b.lowered(), "DequantizeLinear Resize QuantizeLinear");
  }
}

TEST(Int8Movement, paddingThatAByteHolds) {
  Bytes b;
  const ValueId pads = b.constant(Tensor::from<int64_t>({8}, {{0, 0, 1, 2, 0, 0, 2, 1}}));
  b.output(b.quantize(b.op("Pad", {b.pixels(), pads})));
  b.output(b.quantize(b.op("Pad", {b.pixels(), pads, b.scalar(0.4f)})));
  EXPECT_EQ(b.lowered(), "Pad Pad");
}

TEST(Int8Movement, paddingBetweenTwoBytesStays) {
  Bytes b;
  const ValueId pads = b.constant(Tensor::from<int64_t>({8}, {{0, 0, 1, 2, 0, 0, 2, 1}}));
  b.output(b.quantize(b.op("Pad", {b.pixels(), pads, b.scalar(0.41f)})));
  EXPECT_EQ(b.lowered(), "DequantizeLinear Pad QuantizeLinear");
}

TEST(Int8Movement, paddingMovesIntoTheConvolution) {
  Bytes b;
  const ValueId pads = b.constant(Tensor::from<int64_t>({8}, {{0, 0, 1, 2, 0, 0, 2, 1}}));
  const ValueId padded =
      b.op("DequantizeLinear", {b.quantize(b.op("Pad", {b.pixels(), pads})), b.scale, b.zero});
  b.output(b.quantize(b.op("Conv", {padded, b.weights({8, 4, 3, 3}, 0)})));
  Graph lowered;
  EXPECT_EQ(b.lowered(&lowered), "Pad QConv");
  EXPECT_EQ(optimised(lowered, {}, Stage::fuse, &lowered, 1e-6), "QConv");
  EXPECT_EQ(only(lowered, "QConv").attrs.get_ints("pads"), (Ints{1, 2, 2, 1}));
}

TEST(Int8Movement, extremesAndTheirPositions) {
  Bytes b;
  const ValueId channels = b.constant(Tensor::from<int64_t>({1}, {{1}}));
  b.output(b.quantize(b.op("ReduceMax", {b.pixels(), channels})));
  b.output(b.quantize(b.op("GlobalMaxPool", {b.pixels()})));
  b.output(b.op("ArgMax", {b.pixels()}, {{"axis", int64_t{1}}}));
  EXPECT_EQ(b.lowered(), "ReduceMax GlobalMaxPool ArgMax");
}

TEST(Int8ChannelMean, isAConvolution) {
  Bytes b;
  const ValueId channels = b.constant(Tensor::from<int64_t>({1}, {{1}}));
  b.output(b.quantize(b.op("ReduceMean", {b.pixels(), channels})));
  EXPECT_EQ(b.lowered(nullptr, 1), "QConv");
}

}  // namespace
}  // namespace tenfold::test
