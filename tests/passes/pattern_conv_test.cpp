// Scales, shifts and padding that go into the operator beside them, and near misses.
#include "passes/pattern_cases.hpp"

namespace tenfold::test {
namespace {

const PatternCase kScales[] = {
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
    {"ConstantsMakeChannels",  // of a gray image
     [](Builder& b) {
       const ValueId x = mul(b, b.input({2, 1, 5, 4}), b.random({4, 1, 1}));
       return b.op("Conv", {x, b.random({2, 4, 2, 2})});
     },
     "Mul Conv"},
    {"ConstantsMakeChannelsInFrontOfPadding",
     [](Builder& b) {
       const ValueId x = mul(b, b.input({2, 1, 5, 4}), b.random({4, 1, 1}));
       return b.op("Conv", {b.op("Add", {x, b.random({4, 1, 1})}), b.random({2, 4, 2, 2})},
                   {{"pads", Ints{1, 1, 1, 1}}});
     },
     "Mul Add Conv"},
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
INSTANTIATE_TEST_SUITE_P(Scales, Pattern, testing::ValuesIn(kScales), pattern_name);

ValueId pad(Builder& b, ValueId x, Ints pads, float value = 0) {
  return b.op("Pad", {x, b.ints(pads), b.scalar(value)});
}
ValueId conv(Builder& b, ValueId x, Ints pads = {0, 0, 0, 0}) {
  return b.op("Conv", {x, b.random({2, 4, 2, 2})}, {{"pads", pads}});
}

const PatternCase kPads[] = {
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
    {"PadConvMoreThanWindowsTake",
     [](Builder& b) {
       return conv(b, pad(b, b.input({0, 4, 3, 3}), {0, 0, int64_t{1} << 31, 0, 0, 0, 0, 0}));
     },
     "Pad Conv"},
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
INSTANTIATE_TEST_SUITE_P(Pads, Pattern, testing::ValuesIn(kPads), pattern_name);

}  // namespace
}  // namespace tenfold::test
