// GroupNormalization as exporters write it.
#include "passes/pass_fixture.hpp"

namespace tenfold::test {
namespace {

using Ints = std::vector<int64_t>;
const std::set<std::string> kFuse{"fuse-group-norm"};

ValueId quantized(Builder& b, ValueId x, bool quantize) {
  if (!quantize) return x;
  const ValueId scale = b.scalar(0.05f), zero = b.constant(Tensor::scalar<uint8_t>(120));
  return b.op("DequantizeLinear", {b.op("QuantizeLinear", {x, scale, zero}), scale, zero});
}

/// Normalizes x, 2 x 6 x 4 x 5, as `shape`; back to `back`.
ValueId grouped(Builder& b, ValueId x, const Ints& shape, const Ints& back, bool quantize = false) {
  const ValueId groups = quantized(b, b.op("Reshape", {x, b.ints(shape)}), quantize);
  const ValueId normed = b.op("InstanceNormalization", {groups, b.random({shape[1]}), b.random({shape[1]})});
  return b.op("Reshape", {quantized(b, normed, quantize), b.ints(back)});
}

TEST(FuseGroupNorm, BetweenReshapes) {
  for (int64_t groups : {1, 2, 3, 6}) {
    Builder b;
    b.output(grouped(b, b.input({2, 6, 4, 5}), {2, groups, -1}, {2, 6, 4, 5}));
    EXPECT_EQ(optimised(b.graph, kFuse), "GroupNormalization") << groups;
  }
}

TEST(FuseGroupNorm, AbsorbsScaleAndShift) {
  Builder b;
  const ValueId y = grouped(b, b.input({2, 6, 4, 5}), {2, 3, -1}, {2, 6, 4, 5});
  b.output(b.op("Add", {b.op("Mul", {y, b.random({6, 1, 1})}), b.random({1, 6, 1, 1})}));
  EXPECT_EQ(optimised(b.graph, kFuse), "GroupNormalization");
}

TEST(FuseGroupNorm, ThroughQuantization) {
  Builder b;
  b.output(grouped(b, b.input({2, 6, 4, 5}), {2, 3, -1}, {2, 6, 4, 5}, true));
  EXPECT_EQ(optimised(b.graph, kFuse),
            "QuantizeLinear DequantizeLinear GroupNormalization QuantizeLinear DequantizeLinear");
}

TEST(FuseGroupNorm, WhatIsNotOneStays) {
  for (const auto& [shape, back] : {std::pair{Ints{2, 3, -1}, Ints{2, 6, 5, 4}},  // another shape afterwards
                                    std::pair{Ints{2, 4, -1}, Ints{2, 6, 4, 5}},  // groups of half channels
                                    std::pair{Ints{1, 6, -1}, Ints{2, 6, 4, 5}}}) {  // of two images
    Builder b;
    b.output(grouped(b, b.input({2, 6, 4, 5}), shape, back));
    EXPECT_EQ(optimised(b.graph, kFuse), "Reshape InstanceNormalization Reshape");
  }
}

TEST(FuseGroupNorm, StaysWhereOthersSeeIt) {
  Builder b;
  const ValueId y = b.op("GroupNormalization", {b.input({2, 6, 4, 5}), b.random({6}), b.random({6})},
                         {{"num_groups", int64_t{3}}});
  b.output(b.op("Sub", {b.op("Mul", {y, b.random({6, 1, 1})}), y}));
  EXPECT_EQ(optimised(b.graph, kFuse), "GroupNormalization Mul Sub");
}

}  // namespace
}  // namespace tenfold::test
