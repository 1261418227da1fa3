// LayerNormalization and global pooling in the spellings that exporters write, and near misses.
#include "passes/pattern_cases.hpp"

namespace tenfold::test {
namespace {

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

const PatternCase kNorms[] = {
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
    {"AveragePoolDilated",  // reads one pixel of four
     [](Builder& b) {
       return b.op("AveragePool", {b.input({1, 2, 2, 2})},
                   {{"kernel_shape", Ints{2, 2}},
                    {"dilations", Ints{2, 2}},
                    {"strides", Ints{2, 2}},
                    {"ceil_mode", int64_t{1}}});
     },
     "AveragePool"},
    {"AveragePoolOfPart",
     [](Builder& b) {
       return b.op("AveragePool", {x4(b)}, {{"kernel_shape", Ints{2, 3}}});
     },
     "AveragePool"},
};
INSTANTIATE_TEST_SUITE_P(Norms, Pattern, testing::ValuesIn(kNorms), pattern_name);

}  // namespace
}  // namespace tenfold::test
