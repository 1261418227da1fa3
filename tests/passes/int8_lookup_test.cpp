// Elementwise functions between bytes become one table, however many quantizers stand in between.
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

}  // namespace
}  // namespace tenfold::test
