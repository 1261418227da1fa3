// Patterns that become one operator, in the spellings that exporters write, and near misses.
#include "passes/pass_fixture.hpp"

namespace tenfold::test {
namespace {

using Ints = std::vector<int64_t>;

struct Case {
  const char* name;
  ValueId (*build)(Builder&);
  const char* left;  ///< operators afterwards
};

class Pattern : public testing::TestWithParam<Case> {};
TEST_P(Pattern, becomes) {
  Builder b;
  b.output(GetParam().build(b));
  EXPECT_EQ(optimised(b.graph), GetParam().left);
}

ValueId x4(Builder& b) { return b.input({2, 4, 3, 3}); }
ValueId mul(Builder& b, ValueId x, ValueId y) { return b.op("Mul", {x, y}); }
ValueId mul(Builder& b, ValueId x, float c) { return b.op("Mul", {x, b.scalar(c)}); }
ValueId div(Builder& b, ValueId x, float c) { return b.op("Div", {x, b.scalar(c)}); }
ValueId add(Builder& b, ValueId x, float c) { return b.op("Add", {x, b.scalar(c)}); }
ValueId clip(Builder& b, ValueId x, float lo, float hi) {
  return b.op("Clip", {x, b.scalar(lo), b.scalar(hi)});
}
ValueId shifted_clip(Builder& b, ValueId x) { return clip(b, add(b, x, 3), 0, 6); }

const Case kGates[] = {
    {"SiLU",
     [](Builder& b) {
       const ValueId x = x4(b);
       return mul(b, x, b.op("Sigmoid", {x}));
     },
     "SiLU"},
    {"SiLUCommuted",
     [](Builder& b) {
       const ValueId x = x4(b);
       return mul(b, b.op("Sigmoid", {x}), x);
     },
     "SiLU"},
    {"SiLUOfOther", [](Builder& b) { return mul(b, x4(b), b.op("Sigmoid", {x4(b)})); }, "Sigmoid Mul"},
    {"SiLUSharedGate",
     [](Builder& b) {
       const ValueId x = x4(b), s = b.op("Sigmoid", {x});
       return b.op("Sub", {mul(b, x, s), s});
     },
     "Sigmoid Mul Sub"},
    {"SiLUScaledGate",
     [](Builder& b) {
       const ValueId x = x4(b);
       return mul(b, x, b.op("Sigmoid", {mul(b, x, 1.5f)}));
     },
     "Mul Sigmoid Mul"},
    {"Mish",
     [](Builder& b) {
       const ValueId x = x4(b);
       return mul(b, x, b.op("Tanh", {b.op("Softplus", {x})}));
     },
     "Mish"},
    {"MishLog",
     [](Builder& b) {
       const ValueId x = x4(b);
       return mul(b, x, b.op("Tanh", {b.op("Log", {add(b, b.op("Exp", {x}), 1)})}));
     },
     "Mish"},
    {"TanhGate",
     [](Builder& b) {
       const ValueId x = x4(b);
       return mul(b, x, b.op("Tanh", {x}));
     },
     "Tanh Mul"},
    {"HardSwishGate",
     [](Builder& b) {
       const ValueId x = x4(b);
       return mul(b, x, b.op("HardSigmoid", {x}, {{"alpha", 1.0f / 6}}));
     },
     "HardSwish"},
    {"HardSwishOtherSlope",
     [](Builder& b) {
       const ValueId x = x4(b);
       return mul(b, x, b.op("HardSigmoid", {x}));
     },
     "HardSigmoid Mul"},
    {"HardSwishDivLast",
     [](Builder& b) {
       const ValueId x = x4(b);
       return div(b, mul(b, x, shifted_clip(b, x)), 6);
     },
     "HardSwish"},
    {"HardSwishMulLast",
     [](Builder& b) {
       const ValueId x = x4(b);
       return mul(b, mul(b, shifted_clip(b, x), x), 1.0f / 6);
     },
     "HardSwish"},
    {"HardSwishDivGate",
     [](Builder& b) {
       const ValueId x = x4(b);
       return mul(b, x, div(b, shifted_clip(b, x), 6));
     },
     "HardSwish"},
    {"HardSwishScaledInput",
     [](Builder& b) {
       const ValueId x = x4(b);
       return mul(b, mul(b, x, 1.0f / 6), shifted_clip(b, x));
     },
     "HardSwish"},
    {"HardSwishMinMax",
     [](Builder& b) {
       const ValueId x = x4(b), low = b.op("Max", {add(b, x, 3), b.scalar(0)});
       return div(b, mul(b, x, b.op("Min", {low, b.scalar(6)})), 6);
     },
     "HardSwish"},
    {"HardSwishReluMin",
     [](Builder& b) {
       const ValueId x = x4(b);
       return mul(b, x, div(b, b.op("Min", {b.scalar(6), b.op("Relu", {add(b, x, 3)})}), 6));
     },
     "HardSwish"},
    {"HardSwishOfProduct",  // x is itself a scaled value
     [](Builder& b) {
       const ValueId x = mul(b, x4(b), 2.0f);
       return div(b, mul(b, x, shifted_clip(b, x)), 6);
     },
     "Mul HardSwish"},
    {"HardSwishWrongScale",
     [](Builder& b) {
       const ValueId x = x4(b);
       return div(b, mul(b, x, shifted_clip(b, x)), 5);
     },
     "Add Clip Mul Div"},
    {"HardSwishWrongShift",
     [](Builder& b) {
       const ValueId x = x4(b);
       return div(b, mul(b, x, clip(b, add(b, x, 2), 0, 6)), 6);
     },
     "Add Clip Mul Div"},
    {"HardSigmoidDiv", [](Builder& b) { return div(b, shifted_clip(b, x4(b)), 6); }, "HardSigmoid"},
    {"HardSigmoidMul", [](Builder& b) { return mul(b, shifted_clip(b, x4(b)), 1.0f / 6); }, "HardSigmoid"},
    {"HardSigmoidLine", [](Builder& b) { return clip(b, add(b, mul(b, x4(b), 0.2f), 0.5f), 0, 1); },
     "HardSigmoid"},
    {"HardSigmoidNotOne", [](Builder& b) { return div(b, shifted_clip(b, x4(b)), 5); }, "Add Clip Div"},
    {"ClipAlone", [](Builder& b) { return clip(b, x4(b), 0, 1); }, "Clip"},
};
INSTANTIATE_TEST_SUITE_P(Gates, Pattern, testing::ValuesIn(kGates),
                         [](const auto& info) { return info.param.name; });

constexpr float kSqrt2 = 1.41421356f, kTanhScale = 0.79788456f;
ValueId erf_gate(Builder& b, ValueId x) { return add(b, b.op("Erf", {div(b, x, kSqrt2)}), 1); }
ValueId tanh_gate(Builder& b, ValueId u) { return add(b, b.op("Tanh", {u}), 1); }
ValueId pow(Builder& b, ValueId x, float c) { return b.op("Pow", {x, b.scalar(c)}); }

const Case kGelus[] = {
    {"GeluErfHalfLast",
     [](Builder& b) {
       const ValueId x = x4(b);
       return mul(b, mul(b, x, erf_gate(b, x)), 0.5f);
     },
     "Gelu"},
    {"GeluErfHalfFirst",
     [](Builder& b) {
       const ValueId x = x4(b);
       return mul(b, mul(b, x, 0.5f), erf_gate(b, x));
     },
     "Gelu"},
    {"GeluErfHalfGate",
     [](Builder& b) {
       const ValueId x = x4(b);
       return mul(b, x, mul(b, erf_gate(b, x), 0.5f));
     },
     "Gelu"},
    {"GeluErfByMul",
     [](Builder& b) {
       const ValueId x = x4(b);
       return mul(b, mul(b, x, 0.5f), add(b, b.op("Erf", {mul(b, x, 0.70710678f)}), 1));
     },
     "Gelu"},
    {"GeluErfOfProduct",
     [](Builder& b) {
       const ValueId x = mul(b, x4(b), 3.0f);
       return mul(b, mul(b, x, erf_gate(b, x)), 0.5f);
     },
     "Mul Gelu"},
    {"GeluErfNoHalf",
     [](Builder& b) {
       const ValueId x = x4(b);
       return mul(b, x, erf_gate(b, x));
     },
     "Div Erf Add Mul"},
    {"GeluErfWrongRoot",
     [](Builder& b) {
       const ValueId x = x4(b);
       return mul(b, mul(b, x, 0.5f), add(b, b.op("Erf", {div(b, x, 1.5f)}), 1));
     },
     "Div Mul Erf Add Mul"},
    {"GeluTanhPow",
     [](Builder& b) {
       const ValueId x = x4(b), u = mul(b, b.op("Add", {x, mul(b, pow(b, x, 3), 0.044715f)}), kTanhScale);
       return mul(b, mul(b, x, 0.5f), tanh_gate(b, u));
     },
     "Gelu"},
    {"GeluTanhProducts",
     [](Builder& b) {
       const ValueId x = x4(b), cube = mul(b, mul(b, x, x), x);
       const ValueId u = mul(b, b.op("Add", {mul(b, cube, 0.044715f), x}), kTanhScale);
       return mul(b, mul(b, x, tanh_gate(b, u)), 0.5f);
     },
     "Gelu"},
    {"GeluTanhFactored",
     [](Builder& b) {
       const ValueId x = x4(b), square = add(b, mul(b, mul(b, x, x), 0.044715f), 1);
       return mul(b, mul(b, x, 0.5f), tanh_gate(b, mul(b, mul(b, x, kTanhScale), square)));
     },
     "Gelu"},
    {"GeluTanhWrongCubic",
     [](Builder& b) {
       const ValueId x = x4(b), u = mul(b, b.op("Add", {x, mul(b, pow(b, x, 3), 0.05f)}), kTanhScale);
       return mul(b, mul(b, x, 0.5f), tanh_gate(b, u));
     },
     "Pow Mul Mul Add Mul Tanh Add Mul"},
};
INSTANTIATE_TEST_SUITE_P(Gelus, Pattern, testing::ValuesIn(kGelus),
                         [](const auto& info) { return info.param.name; });

ValueId mean(Builder& b, ValueId x, int64_t axis, int64_t keepdims = 1) {
  return b.op("ReduceMean", {x, b.ints({axis})}, {{"keepdims", keepdims}});
}
ValueId tokens(Builder& b) { return b.input({b.symbol("batch"), 5, 8}); }
ValueId centred(Builder& b, ValueId x, int64_t axis = -1) { return b.op("Sub", {x, mean(b, x, axis)}); }
ValueId deviation(Builder& b, ValueId square, int64_t axis = -1) {
  return b.op("Sqrt", {add(b, mean(b, square, axis), 1e-5f)});
}
ValueId normalised(Builder& b, ValueId x) {
  const ValueId d = centred(b, x);
  return b.op("Div", {d, deviation(b, pow(b, d, 2))});
}

const Case kNorms[] = {
    {"LayerNormPlain", [](Builder& b) { return normalised(b, tokens(b)); }, "LayerNormalization"},
    {"LayerNormAffine",
     [](Builder& b) {
       return b.op("Add", {mul(b, normalised(b, tokens(b)), b.random({8})), b.random({8})});
     },
     "LayerNormalization"},
    {"LayerNormAffineRank3",
     [](Builder& b) {
       return b.op("Add", {b.random({1, 1, 8}), mul(b, b.random({1, 1, 8}), normalised(b, tokens(b)))});
     },
     "LayerNormalization"},
    {"LayerNormSquareByMul",
     [](Builder& b) {
       const ValueId d = centred(b, tokens(b));
       return b.op("Div", {d, deviation(b, mul(b, d, d))});
     },
     "LayerNormalization"},
    {"LayerNormTwoSubs",
     [](Builder& b) {
       const ValueId x = tokens(b);
       return b.op("Div", {centred(b, x), deviation(b, pow(b, centred(b, x), 2))});
     },
     "LayerNormalization"},
    {"LayerNormReciprocal",
     [](Builder& b) {
       const ValueId d = centred(b, tokens(b));
       return mul(b, d, b.op("Reciprocal", {deviation(b, pow(b, d, 2))}));
     },
     "LayerNormalization"},
    {"LayerNormPerToken",  // a scale along another axis is no affine part
     [](Builder& b) {
       return mul(b, normalised(b, tokens(b)), b.random({5, 1}));
     },
     "LayerNormalization Mul"},
    {"LayerNormOtherAxis",
     [](Builder& b) {
       const ValueId d = centred(b, tokens(b), 1);
       return b.op("Div", {d, deviation(b, pow(b, d, 2), 1)});
     },
     "ReduceMean Sub Pow ReduceMean Add Sqrt Div"},
    {"LayerNormMixedAxes",
     [](Builder& b) {
       const ValueId d = centred(b, tokens(b), 1);
       return b.op("Div", {d, deviation(b, pow(b, d, 2))});
     },
     "ReduceMean Sub Pow ReduceMean Add Sqrt Div"},
    {"LayerNormCube",
     [](Builder& b) {
       const ValueId d = centred(b, tokens(b));
       return b.op("Div", {d, add(b, b.op("Sqrt", {mean(b, pow(b, d, 4), -1)}), 1)});
     },
     "ReduceMean Sub Pow ReduceMean Sqrt Add Div"},
    {"MeanOfSpace",
     [](Builder& b) {
       return b.op("ReduceMean", {x4(b), b.ints({2, 3})});
     },
     "GlobalAveragePool"},
    {"MeanOfSpaceNegative",
     [](Builder& b) {
       return b.op("ReduceMean", {x4(b), b.ints({-1, -2})});
     },
     "GlobalAveragePool"},
    {"MeanOfSpaceFlat",
     [](Builder& b) {
       return b.op("ReduceMean", {x4(b), b.ints({2, 3})}, {{"keepdims", int64_t{0}}});
     },
     "GlobalAveragePool Reshape"},
    {"MeanOfChannels",
     [](Builder& b) {
       return b.op("ReduceMean", {x4(b), b.ints({1})});
     },
     "ReduceMean"},
    {"MeanOfFeatures", [](Builder& b) { return mean(b, tokens(b), -1); }, "ReduceMean"},
    {"MaxOfSpace",
     [](Builder& b) {
       return b.op("ReduceMax", {x4(b), b.ints({2, 3})});
     },
     "GlobalMaxPool"},
    {"AveragePoolOfAll",
     [](Builder& b) {
       return b.op("AveragePool", {x4(b)}, {{"kernel_shape", Ints{3, 3}}});
     },
     "GlobalAveragePool"},
    {"AveragePoolOfPart",
     [](Builder& b) {
       return b.op("AveragePool", {x4(b)}, {{"kernel_shape", Ints{2, 3}}});
     },
     "AveragePool"},
};
INSTANTIATE_TEST_SUITE_P(Norms, Pattern, testing::ValuesIn(kNorms),
                         [](const auto& info) { return info.param.name; });

ValueId transpose(Builder& b, ValueId x, Ints perm) { return b.op("Transpose", {x}, {{"perm", perm}}); }
ValueId reshape(Builder& b, ValueId x, Ints target) { return b.op("Reshape", {x, b.ints(target)}); }

const Case kMovements[] = {
    {"ReshapeTwice",
     [](Builder& b) {
       return reshape(b, reshape(b, x4(b), {2, 36}), {8, 9});
     },
     "Reshape"},
    {"ReshapeBack",
     [](Builder& b) {
       return b.op("Relu", {reshape(b, reshape(b, x4(b), {2, 36}), {2, 4, 3, 3})});
     },
     "Relu"},
    {"FlattenUnsqueeze",
     [](Builder& b) {
       return b.op("Unsqueeze", {b.op("Flatten", {x4(b)}), b.ints({1})});
     },
     "Reshape"},
    {"FlattenSymbolic",
     [](Builder& b) {
       return b.op("Flatten", {b.input({b.symbol("n"), 4, 3})}, {{"axis", int64_t{1}}});
     },
     "Reshape"},
    {"ReshapeByShapes",  // [n, s, 8] as [n, s, 2, 4], the target computed from the input's shape
     [](Builder& b) {
       const ValueId x = b.input({b.symbol("n"), b.symbol("s"), 8});
       const ValueId head = b.op("Slice", {b.op("Shape", {x}), b.ints({0}), b.ints({2})});
       return b.op("Reshape", {x, b.op("Concat", {head, b.ints({2, 4})}, {{"axis", int64_t{0}}})});
     },
     "Reshape"},
    {"TransposeBack",
     [](Builder& b) {
       return b.op("Relu", {transpose(b, transpose(b, x4(b), {0, 2, 3, 1}), {0, 3, 1, 2})});
     },
     "Relu"},
    {"TransposeTwice",
     [](Builder& b) {
       return transpose(b, transpose(b, x4(b), {0, 2, 3, 1}), {0, 2, 3, 1});
     },
     "Transpose"},
    {"TransposeReversing",
     [](Builder& b) { return b.op("Transpose", {b.op("Transpose", {b.op("Relu", {x4(b)})})}); }, "Relu"},
    {"TransposeOfOnes",
     [](Builder& b) {
       return transpose(b, b.input({2, 5, 1, 1}), {0, 2, 3, 1});
     },
     "Reshape"},
    {"TransposeOfOnesSymbolic",
     [](Builder& b) {
       return transpose(b, b.input({b.symbol("n"), 1, b.symbol("w"), 6}), {0, 2, 1, 3});
     },
     "Reshape"},
    {"TransposeReal",
     [](Builder& b) {
       return transpose(b, b.input({2, 5, 3, 1}), {0, 2, 3, 1});
     },
     "Transpose"},
    {"TransposeBetweenReshapes",  // keys of attention, batch and heads merged
     [](Builder& b) {
       return reshape(b, transpose(b, reshape(b, b.input({2, 3, 5, 4}), {-1, 5, 4}), {0, 2, 1}),
                      {2, 3, 4, 5});
     },
     "Transpose"},
    {"TransposeBetweenOtherReshapes",
     [](Builder& b) {
       return reshape(b, transpose(b, reshape(b, b.input({2, 3, 5, 4}), {-1, 4, 5}), {0, 2, 1}),
                      {2, 3, 5, 4});
     },
     "Reshape Transpose"},
    {"TransposeMergedHeads",  // as torch's MultiheadAttention brings heads and batch together
     [](Builder& b) {
       return reshape(b, transpose(b, reshape(b, b.input({5, 2, 12}), {5, 6, 4}), {1, 0, 2}), {2, 3, 5, 4});
     },
     "Reshape Transpose"},
    {"TransposeMergedHeadsBack",
     [](Builder& b) {
       return reshape(b, transpose(b, reshape(b, b.input({2, 3, 5, 4}), {6, 5, 4}), {1, 0, 2}), {10, 12});
     },
     "Transpose Reshape"},
    {"TransposeMergedSymbolic",
     [](Builder& b) {
       const ValueId x = b.input({b.symbol("n"), 3, 5, 4});
       return reshape(b, transpose(b, reshape(b, x, {-1, 5, 4}), {0, 2, 1}), {-1, 3, 4, 5});
     },
     "Transpose"},
    {"TokensOfPixels",
     [](Builder& b) {
       return transpose(b, reshape(b, x4(b), {2, 4, 9}), {0, 2, 1});
     },
     "Transpose Reshape"},
    {"PixelsOfTokens",
     [](Builder& b) {
       return reshape(b, transpose(b, b.input({2, 9, 4}), {0, 2, 1}), {2, 4, 3, 3});
     },
     "Reshape Transpose"},
    {"TokensAndBack",
     [](Builder& b) {
       const ValueId there = transpose(b, reshape(b, x4(b), {2, 4, 9}), {0, 2, 1});
       return b.op("Relu", {reshape(b, transpose(b, there, {0, 2, 1}), {2, 4, 3, 3})});
     },
     "Relu"},
    {"ChannelShuffle",
     [](Builder& b) {
       return reshape(b, transpose(b, reshape(b, x4(b), {2, 2, 2, 3, 3}), {0, 2, 1, 3, 4}), {2, 4, 3, 3});
     },
     "Reshape Transpose Reshape"},
    {"SplitConcat",
     [](Builder& b) {
       const auto parts =
           b.multi("Split", {b.op("Relu", {x4(b)})}, {{"axis", int64_t{1}}, {"num_outputs", int64_t{2}}}, 2);
       return b.op("Exp", {b.op("Concat", {parts[0], parts[1]}, {{"axis", int64_t{1}}})});
     },
     "Relu Exp"},
    {"SplitConcatSwapped",
     [](Builder& b) {
       const auto parts = b.multi("Split", {x4(b)}, {{"axis", int64_t{1}}, {"num_outputs", int64_t{2}}}, 2);
       return b.op("Concat", {parts[1], parts[0]}, {{"axis", int64_t{1}}});
     },
     "Split Concat"},
    {"ClipOfRelu", [](Builder& b) { return clip(b, b.op("Relu", {x4(b)}), -1, 1.5f); }, "Clip"},
    {"ReluOfClip", [](Builder& b) { return b.op("Relu", {clip(b, x4(b), -1, 1.5f)}); }, "Clip"},
    {"ReluTwice", [](Builder& b) { return b.op("Relu", {b.op("Relu", {x4(b)})}); }, "Relu"},
    {"DisjointClips", [](Builder& b) { return clip(b, clip(b, x4(b), 1, 2), -1, 0.5f); }, "Clip"},
    {"ClipAsRelu", [](Builder& b) { return clip(b, x4(b), 0, std::numeric_limits<float>::infinity()); },
     "Relu"},
    {"ClipAsReluLargest", [](Builder& b) { return clip(b, x4(b), 0, std::numeric_limits<float>::max()); },
     "Relu"},
    {"MaxZero",
     [](Builder& b) {
       return b.op("Max", {b.scalar(0), x4(b)});
     },
     "Relu"},
    {"MaxOfTensors",
     [](Builder& b) {
       return b.op("Max", {x4(b), x4(b)});
     },
     "Max"},
    {"SharedClip",
     [](Builder& b) {
       const ValueId y = clip(b, x4(b), 0, 1);
       return b.op("Add", {y, b.op("Relu", {y})});
     },
     "Clip Relu Add"},
    {"DivByFour", [](Builder& b) { return div(b, x4(b), 4); }, "Mul"},
    {"DivByThree", [](Builder& b) { return div(b, x4(b), 3); }, "Div"},
    {"DivByPowers",
     [](Builder& b) {
       return b.op("Div", {x4(b), b.floats({3}, {0.5f, -2, 8})});
     },
     "Mul"},
    {"DivByZero",
     [](Builder& b) {
       return b.op("Clip", {div(b, x4(b), 0), b.scalar(-1), b.scalar(1)});
     },
     "Div Clip"},
};
INSTANTIATE_TEST_SUITE_P(Movements, Pattern, testing::ValuesIn(kMovements),
                         [](const auto& info) { return info.param.name; });

const Case kScales[] = {
    {"LayerScaleBehindTranspose",  // ConvNeXt: the scale of a block reaches the weights of its last product
     [](Builder& b) {
       const ValueId y = b.op("MatMul", {b.input({2, 3, 5, 4}), b.random({4, 6})});
       return mul(b, transpose(b, b.op("Add", {y, b.random({6})}), {0, 3, 1, 2}), b.random({6, 1, 1}));
     },
     "MatMul Add Transpose"},
    {"ConstantOverTwoAxes",
     [](Builder& b) {
       return mul(b, transpose(b, x4(b), {0, 2, 3, 1}), b.random({3, 4}));
     },
     "Transpose Mul"},
    {"ConstantRaisesRank",
     [](Builder& b) {
       return mul(b, transpose(b, x4(b), {0, 2, 3, 1}), b.random({2, 1, 1, 1, 1}));
     },
     "Transpose Mul"},
    {"ConstantLeft",
     [](Builder& b) {
       return b.op("Sub", {b.random({4}), transpose(b, x4(b), {0, 2, 3, 1})});
     },
     "Sub Transpose"},
    {"GatePlusIdentity",
     [](Builder& b) {
       const ValueId x = x4(b);
       return b.op("Add", {x, mul(b, x, b.op("Sigmoid", {b.input({2, 4, 1, 1})}))});
     },
     "Sigmoid Add Mul"},
    {"GateOfFullSize",
     [](Builder& b) {
       const ValueId x = x4(b);
       return b.op("Add", {mul(b, b.op("Exp", {x4(b)}), x), x});
     },
     "Exp Mul Add"},
    {"GatePlusOther",
     [](Builder& b) {
       return b.op("Add", {x4(b), mul(b, x4(b), b.op("Sigmoid", {b.input({2, 4, 1, 1})}))});
     },
     "Sigmoid Mul Add"},
};
INSTANTIATE_TEST_SUITE_P(Scales, Pattern, testing::ValuesIn(kScales),
                         [](const auto& info) { return info.param.name; });

ValueId pad(Builder& b, ValueId x, Ints pads, float value = 0) {
  return b.op("Pad", {x, b.ints(pads), b.scalar(value)});
}
ValueId conv(Builder& b, ValueId x, Ints pads = {0, 0, 0, 0}) {
  return b.op("Conv", {x, b.random({2, 4, 2, 2})}, {{"pads", pads}});
}

const Case kPads[] = {
    {"PadConv",
     [](Builder& b) {
       return conv(b, pad(b, x4(b), {0, 0, 0, 1, 0, 0, 2, 1}));
     },
     "Conv"},
    {"PadConvPadded",
     [](Builder& b) {
       return conv(b, pad(b, x4(b), {0, 0, 0, 1, 0, 0, 2, 1}), {1, 0, 0, 1});
     },
     "Conv"},
    {"PadConvValue",
     [](Builder& b) {
       return conv(b, pad(b, x4(b), {0, 0, 0, 1, 0, 0, 2, 1}, 1));
     },
     "Pad Conv"},
    {"PadConvChannels",
     [](Builder& b) {
       return conv(b, pad(b, b.input({2, 3, 3, 3}), {0, 1, 0, 0, 0, 0, 0, 0}));
     },
     "Pad Conv"},
    {"PadConvNegative",
     [](Builder& b) {
       return conv(b, pad(b, x4(b), {0, 0, -1, 0, 0, 0, 0, 0}));
     },
     "Pad Conv"},
    {"PadAveragePool",
     [](Builder& b) {
       return b.op("AveragePool", {pad(b, x4(b), {0, 0, 1, 1, 0, 0, 1, 1})}, {{"kernel_shape", Ints{2, 2}}});
     },
     "AveragePool"},
    {"PadAveragePoolUncounted",
     [](Builder& b) {
       return b.op("AveragePool", {pad(b, x4(b), {0, 0, 1, 1, 0, 0, 1, 1})},
                   {{"kernel_shape", Ints{2, 2}}, {"pads", Ints{1, 1, 1, 1}}});
     },
     "Pad AveragePool"},
    {"PadMaxPool",
     [](Builder& b) {
       return b.op("MaxPool", {pad(b, x4(b), {0, 0, 1, 1, 0, 0, 1, 1})}, {{"kernel_shape", Ints{2, 2}}});
     },
     "Pad MaxPool"},
    {"PadMaxPoolInfinite",
     [](Builder& b) {
       const ValueId padded =
           pad(b, x4(b), {0, 0, 1, 1, 0, 0, 1, 1}, -std::numeric_limits<float>::infinity());
       return b.op("MaxPool", {padded}, {{"kernel_shape", Ints{2, 2}}});
     },
     "MaxPool"},
    {"AffineConv",
     [](Builder& b) {
       return conv(b, b.op("Add", {mul(b, x4(b), b.random({4, 1, 1})), b.random({4, 1, 1})}));
     },
     "Conv"},
    {"ScalePaddedConv",
     [](Builder& b) {
       return conv(b, mul(b, x4(b), 0.7f), {1, 1, 1, 1});
     },
     "Conv"},
    {"AffinePaddedConv",  // the scale passes the shift
     [](Builder& b) {
       return conv(b, b.op("Add", {b.random({4, 1, 1}), mul(b, x4(b), b.random({4, 1, 1}, 0.5, 2))}),
                   {1, 1, 1, 1});
     },
     "Add Conv"},
    {"AffinePaddedConvZeroScale",
     [](Builder& b) {
       return conv(b, add(b, mul(b, x4(b), b.floats({4, 1, 1}, {1, 0, 2, 3})), 1), {1, 1, 1, 1});
     },
     "Mul Add Conv"},
    {"ShiftPaddedConv",
     [](Builder& b) {
       return conv(b, add(b, x4(b), 0.7f), {1, 1, 1, 1});
     },
     "Add Conv"},
    {"ScaleGroupedConv",
     [](Builder& b) {
       return b.op("Conv", {mul(b, x4(b), b.random({4, 1, 1})), b.random({6, 2, 2, 2}), b.random({6})},
                   {{"group", int64_t{2}}});
     },
     "Conv"},
    {"ScaleUsedTwice",
     [](Builder& b) {
       const ValueId y = mul(b, x4(b), 0.7f);
       return b.op("Concat", {conv(b, y), b.op("MaxPool", {y}, {{"kernel_shape", Ints{2, 2}}})},
                   {{"axis", int64_t{1}}});
     },
     "Mul Conv MaxPool Concat"},
};
INSTANTIATE_TEST_SUITE_P(Pads, Pattern, testing::ValuesIn(kPads),
                         [](const auto& info) { return info.param.name; });

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
