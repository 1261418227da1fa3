// INT8 lowering: byte tables, convolutions, and what has to stay as it is.
#include "passes/pass_fixture.hpp"

namespace tenfold::test {
namespace {

struct Bytes : Builder {
  ValueId scale = scalar(0.04f), zero = constant(Tensor::scalar<uint8_t>(100));
  ValueId quantize(ValueId real) { return op("QuantizeLinear", {real, scale, zero}); }
  ValueId real(ValueId q) { return op("DequantizeLinear", {q, scale, zero}); }
  ValueId pixels() { return input({1, 3, 4, 5}, DType::u8); }
  std::string lowered() { return optimised(graph, {}, Stage::int8, nullptr, 0); }
};

TEST(Int8Lookup, activationBetweenBytes) {
  Bytes b;
  b.output(b.quantize(b.op("Sigmoid", {b.real(b.pixels())})));
  EXPECT_EQ(b.lowered(), "QLookup");
}

TEST(Int8Lookup, siluWithItsGateQuantizedIsOneTable) {
  Bytes b;
  const ValueId x = b.real(b.pixels());
  const ValueId gate = b.real(b.quantize(b.op("Sigmoid", {x})));
  b.output(b.quantize(b.op("Mul", {x, gate})));
  EXPECT_EQ(b.lowered(), "QLookup");
}

TEST(Int8Lookup, aTableWithTwoReadersIsComputedOnce) {
  Bytes b;
  const ValueId y = b.quantize(b.op("HardSwish", {b.real(b.pixels())}));
  b.output(y);
  b.output(b.quantize(b.op("Sigmoid", {b.real(y)})));
  Graph after;
  EXPECT_EQ(optimised(b.graph, {}, Stage::int8, &after, 0), "QLookup QLookup");
  EXPECT_EQ(after.producer(after.outputs[1])->input(0), after.outputs[0]);
}

TEST(Int8Lookup, functionOfTwoTensorsStays) {
  Bytes b;
  const ValueId x = b.real(b.pixels()), y = b.real(b.pixels());
  b.output(b.quantize(b.op("Mul", {x, b.real(b.quantize(b.op("Sigmoid", {y})))})));
  Graph after;
  optimised(b.graph, {}, Stage::int8, &after, 0.02);
  EXPECT_EQ(count(after, "QLookup"), 1u);
  EXPECT_EQ(count(after, "QMul"), 1u);
}

TEST(Int8Lookup, scalesThatBytesCannotFollowStay) {
  for (float scale : {-0.04f, 0.0f, INFINITY, NAN}) {
    Bytes b;
    b.scale = b.scalar(scale);
    const ValueId pooled =
        b.op("MaxPool", {b.real(b.pixels())}, {{"kernel_shape", std::vector<int64_t>{2, 2}}});
    b.output(b.quantize(pooled));
    EXPECT_EQ(b.lowered(), "DequantizeLinear MaxPool QuantizeLinear") << scale;
  }
}

// Sums in INT8 whether or not a QuantizeLinear follows; only the depthwise kernel writes nothing but bytes.
TEST(Int8Conv, groupedOnesMayEndInFloats) {
  for (const auto& [group, expected] : {std::pair{2, "QConv"}, std::pair{1, "QConv"},
                                        std::pair{6, "DequantizeLinear DequantizeLinear Conv"}}) {
    Bytes b;
    const ValueId x = b.real(b.input({1, 6, 4, 5}, DType::u8));
    const ValueId w =
        b.constant(Tensor::from<int8_t>({6, 6 / group, 1, 1}, std::vector<int8_t>(36 / size_t(group), 3)));
    b.output(b.op("Conv", {x, b.op("DequantizeLinear", {w, b.scalar(0.01f)})}, {{"group", int64_t{group}}}));
    EXPECT_EQ(optimised(b.graph, {}, Stage::int8, nullptr, 1e-6), expected) << group;  // sums round otherwise
  }
}

/// Convolution weights [5, 6, 1, 1] of a type with the zero points given: one, or one for each filter.
template <class T>
ValueId dequantized_weights(Bytes& b, const std::vector<T>& zeros) {
  std::mt19937 rng(7);
  Tensor w = random_tensor(dtype_of<T>, {5, 6, 1, 1}, rng, std::numeric_limits<T>::min(),
                           std::numeric_limits<T>::max());
  for (int64_t i : {0, 29}) w.mutable_data<T>()[i] = std::numeric_limits<T>::max();
  const Shape shape = zeros.size() == 1 ? Shape{} : Shape{5};
  const ValueId scales = b.constant(Tensor::from<float>(shape, std::vector<float>(zeros.size(), 0.01f))),
                zero = b.constant(Tensor::from<T>(shape, zeros));
  return b.op("DequantizeLinear", {b.constant(std::move(w)), scales, zero}, {{"axis", int64_t{0}}});
}

TEST(Int8Conv, WeightsWithZeroPoints) {
  const auto weights_after = [](Bytes& b, ValueId w) {
    b.output(b.quantize(b.op("Conv", {b.real(b.input({1, 6, 4, 5}, DType::u8)), w})));
    Graph after;
    EXPECT_EQ(optimised(b.graph, {}, Stage::int8, &after, 0.04), "QConv");
    return after.constant(after.producer(after.outputs[0])->input(1))->dtype();
  };
  Bytes middle, low, signed_one, each;
  EXPECT_EQ(weights_after(middle, dequantized_weights<uint8_t>(middle, {128})), DType::s8);
  EXPECT_EQ(weights_after(low, dequantized_weights<uint8_t>(low, {100})), DType::s16);
  EXPECT_EQ(weights_after(signed_one, dequantized_weights<int8_t>(signed_one, {-9})), DType::s16);
  EXPECT_EQ(weights_after(each, dequantized_weights<uint8_t>(each, {0, 128, 127, 255, 30})), DType::s16);
}

TEST(Int8MatMul, aColumnIsNoBias) {
  for (const Shape& shape : {Shape{4, 1}, Shape{1, 4}, Shape{1}}) {
    Bytes b;
    const ValueId w =
        b.op("DequantizeLinear",
             {b.constant(Tensor::from<int8_t>({2, 4}, {{1, 2, 3, 4, 5, 6, 7, 8}})), b.scalar(0.01f)});
    b.output(b.op("Gemm", {b.real(b.input({4, 2}, DType::u8)), w, b.random(shape)}));
    EXPECT_EQ(optimised(b.graph, {}, Stage::int8),
              shape[0] == 4 ? "DequantizeLinear DequantizeLinear Gemm" : "QMatMul");
  }
}

TEST(Int8Clamp, boundsInTheWrongOrderGiveTheUpperOne) {
  Bytes b;
  const ValueId w = b.op("DequantizeLinear",
                         {b.constant(Tensor::from<int8_t>({1, 3, 1, 1}, {{30, -20, 50}})), b.scalar(0.01f)});
  b.output(b.quantize(b.op("Clip", {b.op("Conv", {b.real(b.pixels()), w}), b.scalar(1), b.scalar(-1)})));
  EXPECT_EQ(b.lowered(), "QConv");
}

TEST(Int8Movement, aCropReachesBeyondTheImage) {
  Bytes b;
  const ValueId y = b.op("Resize",
                         {b.real(b.pixels()), b.floats({8}, {0, 0, -0.5f, 0, 1, 1, 1.5f, 1}), kNone,
                          b.constant(Tensor::from<int64_t>({4}, {{1, 3, 8, 5}}))},
                         {{"mode", std::string("nearest")},
                          {"coordinate_transformation_mode", std::string("tf_crop_and_resize")},
                          {"extrapolation_value", 3.0f}});
  b.output(b.quantize(y));
  EXPECT_EQ(b.lowered(), "DequantizeLinear Resize QuantizeLinear");
}

TEST(Int8Conv, zeroPointsOfTheCallerStay) {
  Bytes b;
  b.zero = b.input({}, DType::u8);
  b.output(b.op("Relu", {b.real(b.pixels())}));
  EXPECT_EQ(b.lowered(), "DequantizeLinear Relu");
}

struct SignedBytes : Builder {
  ValueId scale = scalar(0.04f), zero = constant(Tensor::scalar<int8_t>(-28));
  ValueId quantize(ValueId x) { return op("QuantizeLinear", {x, scale, zero}); }
  ValueId real(ValueId q) { return op("DequantizeLinear", {q, scale, zero}); }
  ValueId conv(ValueId x) {
    const ValueId w = op("DequantizeLinear",
                         {constant(Tensor::from<int8_t>({1, 3, 1, 1}, {{30, -20, 50}})), scalar(0.01f)});
    return op("Conv", {x, w});
  }
  std::string lowered() { return optimised(graph, {}, Stage::int8, nullptr, 1e-5); }
};

TEST(Int8Signedness, bytesOfTheCaller) {
  SignedBytes b;
  b.output(b.conv(b.real(b.input({1, 3, 4, 5}, DType::s8))));
  EXPECT_EQ(b.lowered(), "QLookup QConv");
}

TEST(Int8Signedness, movedBytes) {
  SignedBytes b;
  const ValueId q = b.quantize(b.input({1, 3, 4, 5}));
  const ValueId pooled = b.op("MaxPool", {q}, {{"kernel_shape", std::vector<int64_t>{2, 2}}});
  b.output(b.conv(b.real(b.op("Transpose", {pooled}, {{"perm", std::vector<int64_t>{0, 1, 3, 2}}}))));
  EXPECT_EQ(b.lowered(), "QuantizeLinear MaxPool Transpose QConv");
}

TEST(Int8Signedness, bytesWithTwoReaders) {
  SignedBytes b;
  const ValueId q = b.quantize(b.input({1, 3, 4, 5}));
  b.output(b.conv(b.real(q)));
  b.output(b.conv(b.real(b.op("MaxPool", {q}, {{"kernel_shape", std::vector<int64_t>{2, 2}}}))));
  EXPECT_EQ(b.lowered(), "QuantizeLinear QConv MaxPool QConv");
}

TEST(Int8Signedness, functionOfBytesOfTheCaller) {
  SignedBytes b;
  const ValueId zero = b.constant(Tensor::scalar<uint8_t>(100));
  b.output(b.op("QuantizeLinear", {b.op("Tanh", {b.real(b.input({1, 3, 4, 5}, DType::s8))}), b.scale, zero}));
  EXPECT_EQ(b.lowered(), "QLookup");
}

TEST(Int8Signedness, bytesThatTheCallerReadsToo) {
  SignedBytes b;
  const ValueId q = b.quantize(b.input({1, 3, 4, 5}));
  b.output(q);
  b.output(b.conv(b.real(q)));
  EXPECT_EQ(b.lowered(), "QuantizeLinear QLookup QConv");
}

}  // namespace
}  // namespace tenfold::test
