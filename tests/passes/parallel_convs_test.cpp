// Sums of convolutions of one value.
#include "passes/pass_fixture.hpp"

namespace tenfold::test {
namespace {

const std::set<std::string> kMerge{"merge-parallel-convs"};
using Ints = std::vector<int64_t>;

/// Kernel extents, pads as ONNX has them, and what else tells two convolutions apart.
struct ConvSpec {
  int64_t kernel_h = 3, kernel_w = 3;
  Ints pads{1, 1, 1, 1};
  int64_t stride = 1, dilation = 1, groups = 1;
  bool bias = true;
};

ValueId conv(Builder& b, ValueId x, const ConvSpec& s) {
  std::vector<ValueId> inputs{x, b.random({4, 4 / s.groups, s.kernel_h, s.kernel_w})};
  if (s.bias) inputs.push_back(b.random({4}));
  return b.op("Conv", inputs,
              {{"pads", s.pads},
               {"strides", Ints{s.stride, s.stride}},
               {"dilations", Ints{s.dilation, s.dilation}},
               {"group", s.groups}});
}

ValueId scale_and_shift(Builder& b, ValueId x) {
  return b.op("BatchNormalization", {x, b.random({4}), b.random({4}), b.random({4}), b.random({4}, 0.1, 2)});
}

struct Case {
  const char* name;
  ConvSpec first, second;
  const char* left;
};
class ParallelConvs : public testing::TestWithParam<Case> {};

TEST_P(ParallelConvs, BecomeOne) {
  for (bool swapped : {false, true}) {
    Builder b;
    const ValueId x = b.input({2, 4, 7, 8});
    const ValueId first = conv(b, x, GetParam().first), second = conv(b, x, GetParam().second);
    b.output(b.op("Add", swapped ? std::vector{second, first} : std::vector{first, second}));
    EXPECT_EQ(optimised(b.graph, kMerge), GetParam().left);
  }
}

const ConvSpec kPlain, kPoint{.kernel_h = 1, .kernel_w = 1, .pads = {0, 0, 0, 0}};

const Case kCases[] = {
    {"SameWindow", kPlain, kPlain, "Conv"},
    {"NoBias", {.bias = false}, {.bias = false}, "Conv"},
    {"OneBias", {.bias = false}, kPlain, "Conv"},
    {"PointInside", kPlain, kPoint, "Conv"},
    {"RowInside", kPlain, {.kernel_h = 1, .pads = {0, 1, 0, 1}}, "Conv"},
    {"Depthwise", {.groups = 4}, {.kernel_h = 1, .kernel_w = 1, .pads = {0, 0, 0, 0}, .groups = 4}, "Conv"},
    {"Groups", {.groups = 2}, {.groups = 2}, "Conv"},
    {"Stride", {.stride = 2}, {.kernel_h = 1, .kernel_w = 1, .pads = {0, 0, 0, 0}, .stride = 2}, "Conv"},
    {"Dilation", {.pads = {2, 2, 2, 2}, .dilation = 2}, kPoint, "Conv"},
    {"OneSidedPads",
     {.kernel_h = 2, .kernel_w = 2, .pads = {0, 1, 1, 0}},
     {.kernel_h = 1, .kernel_w = 2, .pads = {0, 1, 0, 0}},
     "Conv"},
    // What stays as it is.
    {"Cross", {.kernel_h = 1, .pads = {0, 1, 0, 1}}, {.kernel_w = 1, .pads = {1, 0, 1, 0}}, "Conv Conv Add"},
    {"OtherGroups", kPlain, {.groups = 2}, "Conv Conv Add"},
    {"OtherDilation", {.pads = {2, 2, 2, 2}, .dilation = 2}, kPlain, "Conv Conv Add"},
    {"BesideEachOther",
     {.kernel_h = 2, .kernel_w = 1, .pads = {1, 0, 0, 0}},
     {.kernel_h = 2, .kernel_w = 1, .pads = {0, 0, 1, 0}},
     "Conv Conv Add"},
};
INSTANTIATE_TEST_SUITE_P(Pairs, ParallelConvs, testing::ValuesIn(kCases),
                         [](const auto& info) { return std::string(info.param.name); });

TEST(ParallelConvs, ScaledInput) {
  for (int64_t groups : {1, 2, 4}) {
    Builder b;
    const ValueId x = b.input({2, 4, 7, 8});
    b.output(b.op("Add", {scale_and_shift(b, x), conv(b, x, {.groups = groups})}));
    EXPECT_EQ(optimised(b.graph, kMerge), "Conv") << groups;
  }
}

TEST(ParallelConvs, ManyBranches) {
  Builder b;
  const ValueId x = b.input({1, 4, 6, 6});
  ValueId sum = conv(b, x, kPoint);
  for (int i = 0; i < 3; i++) sum = b.op("Add", {sum, conv(b, x, kPlain)});
  b.output(b.op("Relu", {b.op("Add", {sum, scale_and_shift(b, x)})}));
  EXPECT_EQ(optimised(b.graph, kMerge), "Conv Relu");
}

TEST(ParallelConvs, StayWhereOthersSeeThem) {
  Builder b;
  const ValueId x = b.input({1, 4, 6, 6}), first = conv(b, x, kPlain);
  b.output(b.op("Mul", {b.op("Add", {first, conv(b, x, kPlain)}), first}));
  EXPECT_EQ(optimised(b.graph, kMerge), "Conv Conv Add Mul");
  Builder c;
  const ValueId y = c.input({1, 4, 6, 6}), z = c.input({1, 4, 6, 6});
  c.output(c.op("Add", {conv(c, y, kPlain), conv(c, z, kPlain)}));
  EXPECT_EQ(optimised(c.graph, kMerge), "Conv Conv Add");
}

TEST(FuseResidual, DepthwiseConvolutionsHaveNone) {
  for (int64_t groups : {1, 4}) {
    Builder b;
    const ValueId x = b.input({1, 4, 6, 6});
    b.output(b.op("Add", {conv(b, x, {.groups = groups}), x}));
    EXPECT_EQ(optimised(b.graph, {"fuse-residual"}, Stage::fuse), groups == 1 ? "Conv" : "Conv Add");
  }
}

}  // namespace
}  // namespace tenfold::test
