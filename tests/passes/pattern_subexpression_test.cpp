// Common subexpressions, and patterns that quantizers keep apart.
#include "passes/pattern_cases.hpp"

namespace tenfold::test {
namespace {

TEST(CommonSubexpressions, mergesNodesAndConstants) {
  Builder b;
  const ValueId x = x4(b);
  b.output(b.op("Sub", {add(b, b.op("Relu", {x}), 3), b.op("Exp", {add(b, b.op("Relu", {x}), 3)})}));
  EXPECT_EQ(optimised(b.graph, {"eliminate-common-subexpressions"}), "Relu Add Exp Sub");
}

TEST(CommonSubexpressions, differentAttributesStay) {
  Builder b;
  const ValueId x = x4(b);
  b.output(
      b.op("Add", {b.op("LeakyRelu", {x}, {{"alpha", 0.1f}}), b.op("LeakyRelu", {x}, {{"alpha", 0.2f}})}));
  EXPECT_EQ(optimised(b.graph, {"eliminate-common-subexpressions"}), "LeakyRelu LeakyRelu Add");
}

TEST(CommonSubexpressions, differentConstantsStay) {
  Builder b;
  const ValueId x = x4(b);
  b.output(b.op("Add", {add(b, x, 1), add(b, x, 2)}));
  EXPECT_EQ(optimised(b.graph, {"eliminate-common-subexpressions"}), "Add Add Add");
}

TEST(CommonSubexpressions, twoEqualOutputsStayTwo) {
  Builder b;
  const ValueId x = x4(b);
  b.output(b.op("Exp", {x}));
  b.output(b.op("Exp", {x}));
  EXPECT_EQ(optimised(b.graph, {"eliminate-common-subexpressions"}), "Exp Exp");
}

TEST(QuantizedPatterns, gatesBetweenQuantizersStay) {
  Builder b;
  const ValueId scale = b.scalar(0.02f), zero = b.constant(Tensor::scalar<uint8_t>(128));
  const auto requantize = [&](ValueId v) {
    return b.op("DequantizeLinear", {b.op("QuantizeLinear", {v, scale, zero}), scale, zero});
  };
  const ValueId x = requantize(x4(b));
  b.output(mul(b, x, requantize(b.op("Sigmoid", {x}))));
  EXPECT_EQ(optimised(b.graph),
            "QuantizeLinear DequantizeLinear Sigmoid QuantizeLinear DequantizeLinear Mul");
}

}  // namespace
}  // namespace tenfold::test
