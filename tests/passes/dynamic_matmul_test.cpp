// Products of activations that are quantized at run time.
#include "passes/dynamic_case.hpp"

namespace tenfold::test {
namespace {

const std::set<std::string> kPasses{"int8-dynamic-matmul", "eliminate-dead-code"};

struct Dynamic : DynamicCase {
  explicit Dynamic(Shape shape = {3, 8}) : DynamicCase(std::move(shape)) {}
  ValueId sums(Tensor weights, Tensor weight_zero) {
    return b.op("MatMulInteger",
                {values, b.constant(std::move(weights)), zero, b.constant(std::move(weight_zero))});
  }
};

Tensor weights(DType dtype, double lo, double hi, unsigned seed = 3) {
  std::mt19937 rng(seed);
  return random_tensor(dtype, {8, 5}, rng, lo, hi);
}
Tensor signed_weights(unsigned seed = 3) { return weights(DType::s8, -128, 127, seed); }
Tensor zero_s8() { return Tensor::scalar<int8_t>(0); }

TEST(DynamicMatMul, TakesScalesAndBias) {
  Dynamic d;
  const ValueId y = d.scaled(d.sums(signed_weights(), zero_s8()), d.b.random({5}, 0.001, 0.01));
  d.b.output(d.b.op("Add", {d.b.random({5}), y}));
  EXPECT_EQ(optimised(d.b.graph, kPasses, Stage::int8), "DynamicQuantizeLinear QMatMulDynamic");
}

TEST(DynamicMatMul, SharesOneQuantization) {
  Dynamic d;
  for (unsigned i : {1u, 2u, 3u})
    d.b.output(d.scaled(d.sums(signed_weights(i), zero_s8()), d.b.scalar(0.01f)));
  EXPECT_EQ(optimised(d.b.graph, kPasses, Stage::int8),
            "DynamicQuantizeLinear QMatMulDynamic QMatMulDynamic QMatMulDynamic");
}

TEST(DynamicMatMul, CentresUnsignedWeights) {
  Dynamic d;
  d.b.output(d.scaled(d.sums(weights(DType::u8, 0, 255), Tensor::scalar<uint8_t>(128)), d.b.scalar(0.01f)));
  EXPECT_EQ(optimised(d.b.graph, kPasses, Stage::int8), "DynamicQuantizeLinear QMatMulDynamic");
}

TEST(DynamicMatMul, AsymmetricWeightsAreWider) {
  Dynamic d;
  Tensor w = weights(DType::u8, 0, 255);
  w.mutable_data<uint8_t>()[0] = 255;
  d.b.output(d.scaled(d.sums(std::move(w), Tensor::scalar<uint8_t>(100)), d.b.scalar(0.01f)));
  Graph after;
  EXPECT_EQ(optimised(d.b.graph, kPasses, Stage::int8, &after), "DynamicQuantizeLinear QMatMulDynamic");
  EXPECT_EQ(after.constant(after.producer(after.outputs[0])->input(1))->dtype(), DType::s16);
}

TEST(DynamicMatMul, StaysWhereSumsAreUsedTwiceOrTheFactorHasAnotherForm) {
  Dynamic twice;
  const ValueId sums = twice.sums(signed_weights(), zero_s8());
  twice.b.output(twice.scaled(sums, twice.b.scalar(0.01f)));
  twice.b.output(sums);
  Dynamic rows;
  rows.b.output(rows.scaled(rows.sums(signed_weights(), zero_s8()), rows.b.random({3, 1})));
  for (const Graph& g : {twice.b.graph, rows.b.graph})
    EXPECT_EQ(optimised(g, kPasses, Stage::int8), "DynamicQuantizeLinear Mul MatMulInteger Cast Mul");
}

TEST(DynamicMatMul, LeavesABiasThatRaisesTheRank) {
  Dynamic d;
  const ValueId y = d.scaled(d.sums(signed_weights(), zero_s8()), d.b.scalar(0.01f));
  d.b.output(d.b.op("Add", {y, d.b.random({1, 1, 5})}));
  EXPECT_EQ(optimised(d.b.graph, kPasses, Stage::int8), "DynamicQuantizeLinear QMatMulDynamic Add");
}

}  // namespace
}  // namespace tenfold::test
