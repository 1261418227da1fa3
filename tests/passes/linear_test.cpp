// Folding scales and shifts into weights.
#include "passes/pass_fixture.hpp"

namespace tenfold::test {
namespace {

const std::set<std::string> kAffine{"fold-channel-affine"};
using Ints = std::vector<int64_t>;

ValueId batch_norm(Builder& b, ValueId x, int64_t channels) {
  return b.op(
      "BatchNormalization",
      {x, b.random({channels}), b.random({channels}), b.random({channels}), b.random({channels}, 0.1, 2)},
      {{"epsilon", 1e-3f}});
}

ValueId conv(Builder& b, ValueId x, bool bias, int64_t groups = 1) {
  std::vector<ValueId> inputs{x, b.random({6, 4 / groups, 3, 3})};
  if (bias) inputs.push_back(b.random({6}));
  return b.op("Conv", inputs, {{"pads", Ints{1, 1, 1, 1}}, {"group", groups}});
}

struct Case {
  const char* name;
  ValueId (*build)(Builder&);
  const char* left;
};
class ChannelAffine : public testing::TestWithParam<Case> {};

TEST_P(ChannelAffine, foldsOrStays) {
  Builder b;
  b.output(GetParam().build(b));
  EXPECT_EQ(optimised(b.graph, kAffine), GetParam().left);
}

ValueId image(Builder& b) { return b.input({2, 4, 5, 5}); }

const Case kCases[] = {
    {"ConvBatchNorm", [](Builder& b) { return batch_norm(b, conv(b, image(b), false), 6); }, "Conv"},
    {"ConvBiasBatchNorm", [](Builder& b) { return batch_norm(b, conv(b, image(b), true), 6); }, "Conv"},
    {"GroupedConvBatchNorm", [](Builder& b) { return batch_norm(b, conv(b, image(b), true, 2), 6); }, "Conv"},
    {"ConvMulScalar",
     [](Builder& b) {
       return b.op("Mul", {b.scalar(0.5f), conv(b, image(b), true)});
     },
     "Conv"},
    {"ConvAddChannels",
     [](Builder& b) {
       return b.op("Add", {conv(b, image(b), false), b.random({1, 6, 1, 1})});
     },
     "Conv"},
    {"ConvSubChannels",
     [](Builder& b) {
       return b.op("Sub", {conv(b, image(b), true), b.random({6, 1, 1})});
     },
     "Conv"},
    {"ConvSubFrom",
     [](Builder& b) {
       return b.op("Sub", {b.random({6, 1, 1}), conv(b, image(b), true)});
     },
     "Conv"},
    {"ConvDiv",
     [](Builder& b) {
       return b.op("Div", {conv(b, image(b), true), b.random({6, 1, 1}, 1, 2)});
     },
     "Conv"},
    {"ConvDivInto",
     [](Builder& b) {
       return b.op("Div", {b.scalar(1), conv(b, image(b), true)});
     },
     "Conv Div"},
    {"ConvAddLastAxis",
     [](Builder& b) {
       return b.op("Add", {conv(b, image(b), false), b.random({5})});
     },
     "Conv Add"},
    {"ConvMulRaisesRank",
     [](Builder& b) {
       return b.op("Mul", {conv(b, image(b), false), b.random({1, 1, 6, 1, 1})});
     },
     "Conv Mul"},
    {"ConvUsedTwice",
     [](Builder& b) {
       const ValueId y = conv(b, image(b), false);
       return b.op("Add", {y, batch_norm(b, y, 6)});
     },
     "Conv BatchNormalization Add"},
    {"ConvChain",
     [](Builder& b) {
       return batch_norm(
           b, b.op("Mul", {b.op("Add", {conv(b, image(b), true), b.random({6, 1, 1})}), b.scalar(2)}), 6);
     },
     "Conv"},
    {"ConvTransposeBatchNorm",
     [](Builder& b) {
       return batch_norm(
           b, b.op("ConvTranspose", {image(b), b.random({4, 6, 2, 2})}, {{"strides", Ints{2, 2}}}), 6);
     },
     "ConvTranspose"},
    {"GroupedConvTransposeBatchNorm",
     [](Builder& b) {
       return batch_norm(
           b,
           b.op("ConvTranspose", {image(b), b.random({4, 3, 2, 2}), b.random({6})}, {{"group", int64_t{2}}}),
           6);
     },
     "ConvTranspose"},
    {"GemmBatchNorm",
     [](Builder& b) {
       return batch_norm(b,
                         b.op("Gemm", {b.input({3, 5}), b.random({5, 6}), b.random({6})},
                              {{"alpha", 0.5f}, {"beta", 2.0f}}),
                         6);
     },
     "Gemm"},
    {"GemmTransposedMul",
     [](Builder& b) {
       return b.op("Mul", {b.op("Gemm", {b.input({3, 5}), b.random({6, 5}), b.random({1, 6})},
                                {{"transB", int64_t{1}}}),
                           b.random({6})});
     },
     "Gemm"},
    {"GemmMatrixBias",
     [](Builder& b) {
       return b.op("Mul",
                   {b.op("Gemm", {b.input({3, 5}), b.random({5, 6}), b.random({3, 6})}), b.random({6})});
     },
     "Gemm Mul"},
    {"MatMulMul",
     [](Builder& b) {
       return b.op("Mul", {b.op("MatMul", {b.input({2, 3, 5}), b.random({5, 6})}), b.random({6})});
     },
     "MatMul"},
    {"MatMulBatchNorm",
     [](Builder& b) {
       return batch_norm(b, b.op("MatMul", {b.input({3, 5}), b.random({5, 6})}), 6);
     },
     "MatMul Add"},
    {"MatMulAdd",
     [](Builder& b) {
       return b.op("Add", {b.op("MatMul", {b.input({3, 5}), b.random({5, 6})}), b.random({6})});
     },
     "MatMul Add"},
    {"MatMulAddMul",
     [](Builder& b) {
       const ValueId y = b.op("Add", {b.random({6}), b.op("MatMul", {b.input({2, 3, 5}), b.random({5, 6})})});
       return b.op("Mul", {b.random({6}), y});
     },
     "MatMul Add"},
    {"MatMulAddMulOtherAxis",
     [](Builder& b) {
       const ValueId y =
           b.op("Add", {b.random({3, 1}), b.op("MatMul", {b.input({2, 3, 5}), b.random({5, 6})})});
       return b.op("Mul", {b.random({6}), y});
     },
     "MatMul Add Mul"},
    {"MatMulOfTwoActivations",
     [](Builder& b) {
       return b.op("Mul", {b.op("MatMul", {b.input({3, 5}), b.input({5, 6})}), b.scalar(2)});
     },
     "MatMul Mul"},
};
INSTANTIATE_TEST_SUITE_P(Cases, ChannelAffine, testing::ValuesIn(kCases),
                         [](const auto& info) { return info.param.name; });

TEST(ChannelAffineShared, weightsAreCopied) {
  Builder b;
  const ValueId x = image(b), w = b.random({6, 4, 1, 1});
  b.output(batch_norm(b, b.op("Conv", {x, w}), 6));
  b.output(b.op("Relu", {b.op("Conv", {x, w})}));
  EXPECT_EQ(optimised(b.graph, kAffine), "Conv Conv Relu");
}

ValueId quantized_conv(Builder& b, bool per_channel) {
  std::mt19937 rng(3);
  const Tensor q = random_tensor(DType::s8, {6, 4, 3, 3}, rng, -127, 127);
  const ValueId scale = per_channel ? b.random({6}, 0.01, 0.02) : b.scalar(0.01f);
  const ValueId zero = per_channel ? b.constant(Tensor::from<int8_t>({6}, {0, 0, 0, 0, 0, 0}))
                                   : b.constant(Tensor::scalar<int8_t>(0));
  const ValueId w = b.op("DequantizeLinear", {b.constant(q), scale, zero}, {{"axis", int64_t{0}}});
  return b.op("Conv", {image(b), w});
}

TEST(ChannelAffineQuantized, scalesTheScales) {
  for (bool per_channel : {false, true}) {
    Builder b;
    b.output(batch_norm(b, quantized_conv(b, per_channel), 6));
    Graph result;
    EXPECT_EQ(optimised(b.graph, kAffine, Stage::canonicalise, &result), "DequantizeLinear Conv");
    const Tensor* q = result.constant(only(result, "DequantizeLinear").input(0));
    ASSERT_TRUE(q && q->dtype() == DType::s8);
    const Tensor* scale = result.constant(only(result, "DequantizeLinear").input(1));
    for (int64_t i = 0; i < scale->elements(); i++) EXPECT_GT(scale->at_double(i), 0);
  }
}

TEST(ChannelAffineQuantized, zeroScaleZeroesTheChannel) {
  Builder b;
  b.output(b.op("Mul", {quantized_conv(b, true), b.floats({6, 1, 1}, {1, 0, -1, 2, 0, 1})}));
  EXPECT_EQ(optimised(b.graph, kAffine), "DequantizeLinear Conv");
}

}  // namespace
}  // namespace tenfold::test
