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

}  // namespace
}  // namespace tenfold::test
