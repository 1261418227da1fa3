// Constant folding, shape folding, dead code, identities.
#include "passes/pass_fixture.hpp"

namespace tenfold::test {
namespace {

const std::set<std::string> kFold{"fold-constants", "fold-shape-content"};
const std::set<std::string> kIdentity{"eliminate-identity"};

TEST(FoldConstants, chain) {
  Builder b;
  const ValueId x = b.input({2, 3});
  const ValueId c = b.op("Relu", {b.op("Add", {b.floats({3}, {1, -5, 2}), b.scalar(2)})});
  b.output(b.op("Mul", {x, c}));
  EXPECT_EQ(optimised(b.graph, kFold), "Mul");
}

TEST(FoldConstants, leavesWhatDependsOnInputs) {
  Builder b;
  b.output(b.op("Relu", {b.input({2})}));
  EXPECT_EQ(optimised(b.graph, kFold), "Relu");
}

TEST(FoldConstants, leavesConstantOutputs) {
  Builder b;
  b.input({2});
  b.output(b.op("Relu", {b.scalar(1)}));
  EXPECT_EQ(optimised(b.graph, kFold), "Relu");
}

TEST(FoldConstants, doesNotBlowUp) {
  Builder b;
  const ValueId x = b.input({1});
  const ValueId big = b.op("Expand", {b.scalar(1), b.ints({64, 1024, 1024})});
  b.output(b.op("Shape", {big}));
  b.output(b.op("Add", {x, b.op("ReduceSum", {big}, {{"keepdims", int64_t{0}}})}));
  Graph g = b.graph;
  run_passes(g, Stage::canonicalise, only_passes(Stage::canonicalise, {"fold-constants"}));
  EXPECT_EQ(count(g, "Expand"), 1u);
}

TEST(FoldConstants, quantizesWeightsButKeepsTheirDequantization) {
  Builder b;
  const ValueId x = b.input({2, 4});
  const ValueId scale = b.scalar(0.01f), zero = b.constant(Tensor::scalar<int8_t>(0));
  const ValueId q = b.op("QuantizeLinear", {b.random({4, 3}), scale, zero});
  b.output(b.op("MatMul", {x, b.op("DequantizeLinear", {q, scale, zero})}));
  EXPECT_EQ(optimised(b.graph, kFold), "DequantizeLinear MatMul");
}

TEST(FoldShapes, symbolicShapeArithmetic) {
  Builder b;
  const ValueId x = b.input({b.symbol("batch"), 6, 4});
  const ValueId shape = b.op("Shape", {x});
  const ValueId channels =
      b.op("Gather", {shape, b.constant(Tensor::scalar<int64_t>(1))}, {{"axis", int64_t{0}}});
  const ValueId target =
      b.op("Concat", {b.ints({-1}), b.op("Unsqueeze", {channels, b.ints({0})})}, {{"axis", int64_t{0}}});
  b.output(b.op("Reshape", {x, target}));
  EXPECT_EQ(optimised(b.graph, kFold), "Reshape");
}

TEST(FoldShapes, leavesUnknownExtents) {
  Builder b;
  const ValueId x = b.input({b.symbol("batch"), 6});
  b.output(b.op("Reshape", {x, b.op("Shape", {x})}));
  EXPECT_EQ(optimised(b.graph, kFold), "Shape Reshape");
}

TEST(DeadCode, removesUnusedNodes) {
  Builder b;
  const ValueId x = b.input({2});
  b.op("Relu", {b.op("Add", {x, x})});
  b.output(b.op("Relu", {x}));
  EXPECT_EQ(optimised(b.graph, {"eliminate-dead-code"}), "Relu");
}

struct IdentityCase {
  const char* name;
  ValueId (*build)(Builder&, ValueId x);  ///< x: f32[1, 4, 6, 6]
  const char* left;                       ///< operators that remain between two Relu
};

class Identity : public testing::TestWithParam<IdentityCase> {};

TEST_P(Identity, isRemovedOrStays) {
  Builder b;
  const ValueId x = b.op("Relu", {b.input({1, 4, 6, 6})});
  b.output(b.op("Relu", {GetParam().build(b, x)}));
  const std::string between = GetParam().left;
  EXPECT_EQ(optimised(b.graph, kIdentity), "Relu " + (between.empty() ? "" : between + " ") + "Relu");
}

const IdentityCase kIdentities[] = {
    {"Identity", [](Builder& b, ValueId x) { return b.op("Identity", {x}); }, ""},
    {"CastToSame",
     [](Builder& b, ValueId x) {
       return b.op("Cast", {x}, {{"to", int64_t{1}}});
     },
     ""},
    {"ReshapeSame",
     [](Builder& b, ValueId x) {
       return b.op("Reshape", {x, b.ints({1, 4, -1, 6})});
     },
     ""},
    {"ReshapeOther",
     [](Builder& b, ValueId x) {
       return b.op("Reshape", {x, b.ints({1, 4, 36})});
     },
     "Reshape"},
    {"ExpandSame",
     [](Builder& b, ValueId x) {
       return b.op("Expand", {x, b.ints({6, 1})});
     },
     ""},
    {"ExpandMore",
     [](Builder& b, ValueId x) {
       return b.op("Expand", {x, b.ints({2, 4, 6, 6})});
     },
     "Expand"},
    {"TransposeStraight",
     [](Builder& b, ValueId x) {
       return b.op("Transpose", {x}, {{"perm", std::vector<int64_t>{0, 1, 2, 3}}});
     },
     ""},
    {"TransposeSquare",
     [](Builder& b, ValueId x) {
       return b.op("Transpose", {x}, {{"perm", std::vector<int64_t>{0, 1, 3, 2}}});
     },
     "Transpose"},
    {"PadZero",
     [](Builder& b, ValueId x) {
       return b.op("Pad", {x, b.ints({0, 0, 0, 0, 0, 0, 0, 0})});
     },
     ""},
    {"PadShift",
     [](Builder& b, ValueId x) {
       return b.op("Pad", {x, b.ints({0, 0, 1, 0, 0, 0, -1, 0})});
     },
     "Pad"},
    {"SliceAll",
     [](Builder& b, ValueId x) {
       return b.op("Slice", {x, b.ints({0}), b.ints({1000}), b.ints({2})});
     },
     ""},
    {"SliceReverse",
     [](Builder& b, ValueId x) {
       return b.op("Slice", {x, b.ints({-1}), b.ints({-1000}), b.ints({2}), b.ints({-1})});
     },
     "Slice"},
    {"ConcatOne",
     [](Builder& b, ValueId x) {
       return b.op("Concat", {x}, {{"axis", int64_t{1}}});
     },
     ""},
    {"ConcatTwo",
     [](Builder& b, ValueId x) {
       return b.op("Concat", {x, x}, {{"axis", int64_t{1}}});
     },
     "Concat"},
    {"ResizeOne",
     [](Builder& b, ValueId x) {
       return b.op("Resize", {x, kNone, b.floats({4}, {1, 1, 1, 1})}, {{"mode", std::string("linear")}});
     },
     ""},
    {"ResizeTwo",
     [](Builder& b, ValueId x) {
       return b.op("Resize", {x, kNone, b.floats({4}, {1, 1, 2, 2})}, {{"mode", std::string("nearest")}});
     },
     "Resize"},
    {"MulOne",
     [](Builder& b, ValueId x) {
       return b.op("Mul", {b.scalar(1), x});
     },
     ""},
    {"MulOnes",
     [](Builder& b, ValueId x) {
       return b.op("Mul", {x, b.floats({4, 1, 1}, {1, 1, 1, 1})});
     },
     ""},
    {"MulOneHigherRank",
     [](Builder& b, ValueId x) {
       return b.op("Mul", {x, b.floats({1, 1, 1, 1, 1}, {1})});
     },
     "Mul"},
    {"MulTwo",
     [](Builder& b, ValueId x) {
       return b.op("Mul", {x, b.scalar(2)});
     },
     "Mul"},
    {"AddZero",
     [](Builder& b, ValueId x) {
       return b.op("Add", {x, b.floats({1, 4, 1, 1}, {0, 0, 0, 0})});
     },
     ""},
    {"AddZeroBroadcasting",
     [](Builder& b, ValueId x) {
       return b.op("Add", {x, b.floats({2, 1, 1, 1}, {0, 0})});
     },
     "Add"},
    {"SubZero",
     [](Builder& b, ValueId x) {
       return b.op("Sub", {x, b.scalar(0)});
     },
     ""},
    {"SubFromZero",
     [](Builder& b, ValueId x) {
       return b.op("Sub", {b.scalar(0), x});
     },
     "Sub"},
    {"DivOne",
     [](Builder& b, ValueId x) {
       return b.op("Div", {x, b.scalar(1)});
     },
     ""},
    {"DivOneBy",
     [](Builder& b, ValueId x) {
       return b.op("Div", {b.scalar(1), b.op("Add", {x, b.scalar(1)})});
     },
     "Add Div"},
    {"PowOne",
     [](Builder& b, ValueId x) {
       return b.op("Pow", {x, b.scalar(1)});
     },
     ""},
    {"ClipUnbounded", [](Builder& b, ValueId x) { return b.op("Clip", {x}); }, ""},
    {"Tile",
     [](Builder& b, ValueId x) {
       return b.op("Tile", {x, b.ints({1, 1, 1, 1})});
     },
     ""},
    {"PoolOne",
     [](Builder& b, ValueId x) {
       return b.op("MaxPool", {x}, {{"kernel_shape", std::vector<int64_t>{1, 1}}});
     },
     ""},
};
INSTANTIATE_TEST_SUITE_P(Cases, Identity, testing::ValuesIn(kIdentities),
                         [](const auto& info) { return info.param.name; });

TEST(IdentityNames, inputThatIsAlsoOutputKeepsItsIdentity) {
  Builder b;
  b.output(b.op("Identity", {b.input({2})}));
  EXPECT_EQ(optimised(b.graph, kIdentity), "Identity");
}

TEST(IdentityNames, twoOutputsOfOneValueStayTwo) {
  Builder b;
  const ValueId x = b.op("Relu", {b.input({2})});
  b.output(b.op("Identity", {x}));
  b.output(b.op("Identity", {x}));
  EXPECT_EQ(optimised(b.graph, kIdentity), "Relu Identity");
}

TEST(IdentitySymbols, equalSymbolsAreEqualShapes) {
  Builder b;
  const int64_t n = b.symbol("n"), m = b.symbol("m");
  const ValueId x = b.input({n, m});
  const ValueId same = b.op("Reshape", {b.op("Relu", {x}), b.op("Shape", {x})});
  b.output(b.op("Relu", {same}));
  EXPECT_EQ(optimised(b.graph, {"eliminate-identity", "eliminate-dead-code"}), "Relu Relu");
}

}  // namespace
}  // namespace tenfold::test
