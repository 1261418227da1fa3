// Convolutions of activations that are quantized at run time.
#include "passes/dynamic_case.hpp"

namespace tenfold::test {
namespace {

const std::set<std::string> kPasses{"int8-dynamic-conv", "eliminate-dead-code"};

struct Dynamic : DynamicCase {
  Dynamic() : DynamicCase({1, 6, 5, 4}) {}
  ValueId sums(DType type, const Shape& shape, ValueId weight_zero = kNone, int64_t group = 1) {
    std::mt19937 rng(3);
    Tensor w = type == DType::s8 ? random_tensor(type, shape, rng, -128, 127.9)
                                 : random_tensor(type, shape, rng, 0, 255.9);
    return b.op("ConvInteger", {values, b.constant(std::move(w)), zero, weight_zero}, {{"group", group}});
  }
  std::string lowered(Graph* after = nullptr) { return optimised(b.graph, kPasses, Stage::int8, after); }
};

TEST(DynamicConv, TakesScaleAndBias) {
  Dynamic d;
  const ValueId y = d.scaled(d.sums(DType::s8, {5, 6, 2, 2}), d.b.scalar(0.01f));
  d.b.output(d.b.op("Add", {d.b.random({1, 5, 1, 1}), y}));
  EXPECT_EQ(d.lowered(), "DynamicQuantizeLinear QConvDynamic");
}

TEST(DynamicConv, TakesAScaleForEachChannel) {
  Dynamic d;
  d.b.output(d.scaled(d.sums(DType::s8, {4, 3, 1, 1}, kNone, 2), d.b.random({4, 1, 1})));
  EXPECT_EQ(d.lowered(), "DynamicQuantizeLinear QConvDynamic");
}

TEST(DynamicConv, AsymmetricWeightsAreWider) {
  Dynamic d;
  const ValueId zero = d.b.constant(Tensor::scalar(uint8_t{60}));
  d.b.output(d.scaled(d.sums(DType::u8, {5, 6, 3, 3}, zero), d.b.scalar(0.01f)));
  Graph after;
  EXPECT_EQ(d.lowered(&after), "DynamicQuantizeLinear QConvDynamic");
  EXPECT_EQ(after.constant(only(after, "QConvDynamic").input(1))->dtype(), DType::s16);
}

TEST(DynamicConv, DepthwiseBecomesAConvolutionOfWholeNumbers) {
  Dynamic d;
  d.b.output(d.scaled(d.sums(DType::s8, {6, 1, 3, 3}, kNone, 6), d.b.scalar(0.01f)));
  Graph after;
  EXPECT_NE(d.lowered(&after).find("DequantizeLinear"), std::string::npos);
  EXPECT_EQ(count(after, "Conv"), 1u);
  EXPECT_EQ(count(after, "ConvInteger"), 0u);
}

TEST(DynamicConv, StaysWhereSumsAreUsedTwiceOrTheFactorVariesByPixel) {
  Dynamic twice, columns;
  const ValueId sums = twice.sums(DType::s8, {5, 6, 2, 2});
  twice.b.output(twice.scaled(sums, twice.b.scalar(0.01f)));
  twice.b.output(sums);
  columns.b.output(columns.scaled(columns.sums(DType::s8, {3, 6, 2, 2}), columns.b.random({3})));
  EXPECT_NE(twice.lowered().find("ConvInteger"), std::string::npos);
  EXPECT_NE(columns.lowered().find("ConvInteger"), std::string::npos);
}

}  // namespace
}  // namespace tenfold::test
