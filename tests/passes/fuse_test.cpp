// The engine-only stage: bias, residual and activation in one node, attention.
#include "passes/pass_fixture.hpp"

namespace tenfold::test {
namespace {

using Ints = std::vector<int64_t>;

struct Case {
  const char* name;
  ValueId (*build)(Builder&);
  const char* left;
};
class Fuse : public testing::TestWithParam<Case> {};
TEST_P(Fuse, becomes) {
  Builder b;
  b.output(GetParam().build(b));
  EXPECT_EQ(optimised(b.graph, {}, Stage::fuse), GetParam().left);
}

ValueId image(Builder& b) { return b.input({2, 4, 5, 5}); }
ValueId conv(Builder& b, ValueId x, bool bias = true) {
  std::vector<ValueId> inputs{x, b.random({4, 4, 3, 3})};
  if (bias) inputs.push_back(b.random({4}));
  return b.op("Conv", inputs, {{"pads", Ints{1, 1, 1, 1}}});
}
ValueId matmul(Builder& b, ValueId x) { return b.op("MatMul", {x, b.random({8, 6})}); }
ValueId tokens(Builder& b) { return b.input({2, 3, 8}); }

const Case kCases[] = {
    {"ConvRelu", [](Builder& b) { return b.op("Relu", {conv(b, image(b))}); }, "Conv"},
    {"ConvClip",
     [](Builder& b) {
       return b.op("Clip", {conv(b, image(b)), b.scalar(0), b.scalar(6)});
     },
     "Conv"},
    {"ConvClipBelow",
     [](Builder& b) {
       return b.op("Clip", {conv(b, image(b)), kNone, b.scalar(0.5f)});
     },
     "Conv"},
    {"ConvSiLU", [](Builder& b) { return b.op("SiLU", {conv(b, image(b))}); }, "Conv"},
    {"ConvHardSwish", [](Builder& b) { return b.op("HardSwish", {conv(b, image(b))}); }, "Conv"},
    {"ConvHardSigmoid",
     [](Builder& b) {
       return b.op("HardSigmoid", {conv(b, image(b))}, {{"alpha", 0.3f}, {"beta", 0.4f}});
     },
     "Conv"},
    {"ConvLeakyRelu",
     [](Builder& b) {
       return b.op("LeakyRelu", {conv(b, image(b))}, {{"alpha", 0.3f}});
     },
     "Conv"},
    {"ConvElu", [](Builder& b) { return b.op("Elu", {conv(b, image(b))}); }, "Conv"},
    {"ConvMish", [](Builder& b) { return b.op("Mish", {conv(b, image(b))}); }, "Conv"},
    {"ConvGelu",
     [](Builder& b) {
       return b.op("Gelu", {conv(b, image(b))}, {{"approximate", std::string("none")}});
     },
     "Conv"},
    {"ConvGeluTanh",
     [](Builder& b) {
       return b.op("Gelu", {conv(b, image(b))}, {{"approximate", std::string("tanh")}});
     },
     "Conv"},
    {"ConvSoftmaxStays", [](Builder& b) { return b.op("Abs", {conv(b, image(b))}); }, "Conv Abs"},
    {"ConvReluShared",
     [](Builder& b) {
       const ValueId y = conv(b, image(b));
       return b.op("Sub", {b.op("Relu", {y}), y});
     },
     "Conv Relu Sub"},
    {"TwoActivations", [](Builder& b) { return b.op("Sigmoid", {b.op("Relu", {conv(b, image(b))})}); },
     "Conv Sigmoid"},
    {"ConvTransposeRelu",
     [](Builder& b) {
       return b.op("Relu", {b.op("ConvTranspose", {image(b), b.random({4, 4, 2, 2})},
                                 {{"dilations", std::vector<int64_t>{2, 1}}})});
     },
     "ConvTranspose"},
    {"MulSigmoid",
     [](Builder& b) {
       return b.op("Sigmoid", {b.op("Mul", {image(b), image(b)})});
     },
     "Mul"},
    {"AddRelu",
     [](Builder& b) {
       return b.op("Relu", {b.op("Add", {image(b), image(b)})});
     },
     "Add"},

    {"ResidualRelu",
     [](Builder& b) {
       const ValueId x = image(b);
       return b.op("Relu", {b.op("Add", {x, conv(b, x, false)})});
     },
     "Conv"},
    {"ResidualOfTwoConvs",
     [](Builder& b) {
       const ValueId x = image(b);
       return b.op("Relu", {b.op("Add", {conv(b, x), conv(b, x)})});
     },
     "Conv Conv"},
    {"ResidualAfterActivation",
     [](Builder& b) {
       const ValueId x = image(b);
       return b.op("Add", {x, b.op("Relu", {conv(b, x)})});
     },
     "Conv Add"},
    {"ResidualBroadcast",
     [](Builder& b) {
       return b.op("Add", {conv(b, image(b)), b.input({2, 4, 1, 1})});
     },
     "Conv Add"},
    {"ResidualUsedTwice",  // the other operand depends on the convolution
     [](Builder& b) {
       const ValueId y = conv(b, image(b));
       return b.op("Add", {y, b.op("Sigmoid", {y})});
     },
     "Conv Sigmoid Add"},
    {"ResidualChain",
     [](Builder& b) {
       const ValueId x = image(b), y = b.op("Add", {conv(b, x), x});
       return b.op("Add", {y, conv(b, b.op("Relu", {conv(b, y)}))});
     },
     "Conv Conv Conv"},

    {"MatMulBias",
     [](Builder& b) {
       return b.op("Add", {b.random({6}), matmul(b, tokens(b))});
     },
     "MatMul"},
    {"MatMulBiasRank3",
     [](Builder& b) {
       return b.op("Add", {matmul(b, tokens(b)), b.random({1, 1, 6})});
     },
     "MatMul"},
    {"MatMulBiasPerRow",
     [](Builder& b) {
       return b.op("Add", {matmul(b, tokens(b)), b.random({3, 1})});
     },
     "MatMul Add"},
    {"MatMulBiasGelu",
     [](Builder& b) {
       return b.op("Gelu", {b.op("Add", {matmul(b, tokens(b)), b.random({6})})});
     },
     "MatMul"},
    {"MatMulBiasResidual",
     [](Builder& b) {
       return b.op("Add", {b.input({2, 3, 6}), b.op("Add", {matmul(b, tokens(b)), b.random({6})})});
     },
     "MatMul"},
    {"Gemm",
     [](Builder& b) {
       return b.op("Gemm", {b.input({3, 8}), b.random({8, 6}), b.random({6})});
     },
     "MatMul"},
    {"GemmTransposedScaledBias",
     [](Builder& b) {
       return b.op("Gemm", {b.input({3, 8}), b.random({6, 8}), b.random({1, 6})},
                   {{"transB", int64_t{1}}, {"beta", 0.5f}});
     },
     "MatMul"},
    {"GemmScaled",
     [](Builder& b) {
       return b.op("Gemm", {b.input({3, 8}), b.random({8, 6}), b.random({6})}, {{"alpha", 0.5f}});
     },
     "MatMul"},
    {"GemmMatrixBias",
     [](Builder& b) {
       return b.op("Gemm", {b.input({3, 8}), b.random({8, 6}), b.random({3, 6})});
     },
     "MatMul"},
    {"GemmTransposedInput",
     [](Builder& b) {
       return b.op("Gemm", {b.input({8, 3}), b.random({8, 6})}, {{"transA", int64_t{1}}});
     },
     "Transpose MatMul"},
    {"GemmOfActivations",
     [](Builder& b) {
       return b.op("Gemm", {b.input({3, 8}), b.input({8, 6}), b.input({3, 1})},
                   {{"alpha", 0.5f}, {"beta", 2.0f}});
     },
     "MatMul Mul Mul Add"},
    {"ConvComputedBias",
     [](Builder& b) {
       return b.op("Relu", {b.op("Conv", {b.input({1, 4, 5, 5}), b.random({6, 4, 3, 3}), b.input({6})})});
     },
     "Reshape Conv Add"},
    {"MatMulVectorAdd",  // the summand lies along the rows
     [](Builder& b) {
       return b.op("Add", {b.op("MatMul", {b.input({3, 6, 8}), b.random({8})}), b.random({6})});
     },
     "MatMul Add"},
    {"GemmRelu",
     [](Builder& b) {
       return b.op("Relu", {b.op("Gemm", {b.input({3, 8}), b.random({8, 6}), b.random({6})})});
     },
     "MatMul"},
    {"GemmQuantizedWeights",  // what INT8 lowering left over is dequantized
     [](Builder& b) {
       std::mt19937 rng(3);
       const ValueId q = b.constant(random_tensor(DType::s8, {6, 8}, rng, -127, 127));
       const ValueId w = b.op("DequantizeLinear", {q, b.random({6}, 0.01, 0.02)}, {{"axis", int64_t{0}}});
       return b.op("Gemm", {b.input({3, 8}), w, b.random({6})}, {{"transB", int64_t{1}}});
     },
     "MatMul"},
};
INSTANTIATE_TEST_SUITE_P(Cases, Fuse, testing::ValuesIn(kCases),
                         [](const auto& info) { return info.param.name; });

TEST(Specialise, keepsDequantizedWeights) {
  Builder b;
  const ValueId x = b.input({b.symbol("n"), 4, 5, 5});
  const ValueId q = b.constant(Tensor::from<int8_t>({1, 4, 1, 1}, {1, 2, 3, 4}));
  b.output(b.op("Conv", {x, b.op("DequantizeLinear", {q, b.scalar(0.1f)})}));
  const Shape shape{2, 4, 5, 5};
  EXPECT_EQ(op_list(ops::specialise(b.graph, {&shape, 1})), "DequantizeLinear Conv");
}

constexpr int64_t kHeads = 2, kHead = 4;
ValueId transpose(Builder& b, ValueId x, Ints perm) { return b.op("Transpose", {x}, {{"perm", perm}}); }
/// [batch, length, heads * head] as [batch, length, heads, head]
ValueId split_heads(Builder& b, ValueId x) { return b.op("Reshape", {x, b.ints({0, 0, kHeads, kHead})}); }
ValueId heads(Builder& b) {
  return transpose(b, split_heads(b, b.input({2, 5, kHeads * kHead})), {0, 2, 1, 3});
}
ValueId keys(Builder& b) {
  return transpose(b, split_heads(b, b.input({2, 5, kHeads * kHead})), {0, 2, 3, 1});
}
ValueId scaled(Builder& b, ValueId x, float c) { return b.op("Mul", {x, b.scalar(c)}); }
ValueId softmax(Builder& b, ValueId x) { return b.op("Softmax", {x}, {{"axis", int64_t{-1}}}); }

const Case kAttention[] = {
    {"ScaleBehind",
     [](Builder& b) {
       return b.op("MatMul",
                   {softmax(b, b.op("Div", {b.op("MatMul", {heads(b), keys(b)}), b.scalar(2)})), heads(b)});
     },
     "Attention"},
    {"ScaleOnQuery",
     [](Builder& b) {
       return b.op("MatMul", {softmax(b, b.op("MatMul", {scaled(b, heads(b), 0.5f), keys(b)})), heads(b)});
     },
     "Attention"},
    {"ScaleOnBoth",
     [](Builder& b) {
       return b.op(
           "MatMul",
           {softmax(b, b.op("MatMul", {scaled(b, heads(b), 0.7f), scaled(b, keys(b), 0.7f)})), heads(b)});
     },
     "Attention"},
    {"Unscaled",
     [](Builder& b) {
       return b.op("MatMul", {softmax(b, b.op("MatMul", {heads(b), keys(b)})), heads(b)});
     },
     "Attention"},
    {"KeysTransposedTwice",
     [](Builder& b) {
       return b.op("MatMul",
                   {softmax(b, b.op("MatMul", {heads(b), transpose(b, heads(b), {0, 1, 3, 2})})), heads(b)});
     },
     "Attention"},
    {"Masked",
     [](Builder& b) {
       const ValueId scores = scaled(b, b.op("MatMul", {heads(b), keys(b)}), 0.5f);
       return b.op("MatMul", {softmax(b, b.op("Add", {scores, b.input({2, 1, 1, 5})})), heads(b)});
     },
     "Attention"},
    {"MaskFirst",
     [](Builder& b) {
       const ValueId scores = b.op("MatMul", {scaled(b, heads(b), 0.5f), keys(b)});
       return b.op("MatMul", {softmax(b, b.op("Add", {b.input({5, 5}), scores})), heads(b)});
     },
     "Attention"},
    {"GuardedAgainstNaN",
     [](Builder& b) {
       const ValueId p =
           softmax(b, b.op("Add", {b.op("MatMul", {heads(b), keys(b)}), b.input({2, 1, 5, 5})}));
       return b.op("MatMul", {b.op("Where", {b.op("IsNaN", {p}), b.scalar(0), p}), heads(b)});
     },
     "Attention"},
    {"GuardedMaskedRow",
     [](Builder& b) {
       constexpr float kOut = -std::numeric_limits<float>::infinity();
       std::vector<float> mask(25, 0.0f);
       std::fill_n(mask.begin() + 10, 7, kOut);  // the third query sees no key, the fourth three
       const ValueId p =
           softmax(b, b.op("Add", {b.op("MatMul", {heads(b), keys(b)}), b.floats({5, 5}, mask)}));
       return b.op("MatMul", {b.op("Where", {b.op("IsNaN", {p}), b.scalar(0), p}), heads(b)});
     },
     "Attention"},
    {"WithoutHeads",
     [](Builder& b) {
       const ValueId q = b.input({6, 5, 4}), k = b.input({6, 7, 4}), v = b.input({6, 7, 3});
       const ValueId scores = b.op(
           "Add", {scaled(b, b.op("MatMul", {q, transpose(b, k, {0, 2, 1})}), 0.5f), b.input({6, 1, 7})});
       return b.op("MatMul", {softmax(b, scores), v});
     },
     "Attention"},
    {"OtherSoftmaxAxis",
     [](Builder& b) {
       return b.op("MatMul", {b.op("Softmax", {b.op("MatMul", {heads(b), keys(b)})}, {{"axis", int64_t{2}}}),
                              heads(b)});
     },
     "MatMul Softmax MatMul"},
    {"ProbabilitiesUsedTwice",
     [](Builder& b) {
       const ValueId p = softmax(b, b.op("MatMul", {heads(b), keys(b)}));
       b.output(p);
       return b.op("MatMul", {p, heads(b)});
     },
     "MatMul Softmax MatMul"},
    {"ScaledAfterMask",
     [](Builder& b) {
       const ValueId s = scaled(b, b.op("Add", {b.op("MatMul", {heads(b), keys(b)}), b.input({5, 5})}), 0.5f);
       return b.op("MatMul", {softmax(b, s), heads(b)});
     },
     "MatMul Add Mul Softmax MatMul"},
};

class Attention : public testing::TestWithParam<Case> {};
TEST_P(Attention, becomes) {
  Builder b;
  b.output(GetParam().build(b));
  Graph result;
  optimised(b.graph, {}, Stage::fuse, &result);
  std::string compute;  // without the movement of heads
  for (ir::NodeId id : result.topological_order()) {
    const std::string& op = result.node(id).op;
    if (op != "Reshape" && op != "Transpose") compute += (compute.empty() ? "" : " ") + op;
  }
  EXPECT_EQ(compute, GetParam().left) << ir::to_text(result);
  EXPECT_LE(count(result, "Transpose"), 4u);
}
INSTANTIATE_TEST_SUITE_P(Cases, Attention, testing::ValuesIn(kAttention),
                         [](const auto& info) { return info.param.name; });

}  // namespace
}  // namespace tenfold::test
