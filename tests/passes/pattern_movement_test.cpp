// Movements of data that cancel, merge or pass each other, and near misses.
#include "passes/pattern_cases.hpp"

namespace tenfold::test {
namespace {

const PatternCase kMovements[] = {
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
    {"ClipMakesFinite",  // what -inf in a mask becomes
     [](Builder& b) {
       return b.op("Max", {x4(b), b.scalar(std::numeric_limits<float>::lowest())});
     },
     "Clip"},
    {"ClipToNaN",
     [](Builder& b) {
       const ValueId none = b.scalar(std::numeric_limits<float>::quiet_NaN());
       return b.op("IsNaN", {b.op("Max", {x4(b), none})});
     },
     "Max IsNaN"},
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
INSTANTIATE_TEST_SUITE_P(Movements, Pattern, testing::ValuesIn(kMovements), pattern_name);

}  // namespace
}  // namespace tenfold::test
