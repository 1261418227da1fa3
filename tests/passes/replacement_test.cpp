// Operators that become others with kernels: Einsum, Sum, BatchNormalization.
#include "passes/pass_fixture.hpp"

namespace tenfold::test {
namespace {

std::string einsum(const std::string& equation, const Shape& a, const Shape& b, bool constant_a = false) {
  Builder g;
  const ValueId x = constant_a ? g.random(a) : g.input(a);
  g.output(g.op("Einsum", {x, g.input(b)}, {{"equation", equation}}));
  return optimised(g.graph, {"einsum-to-matmul"});
}

TEST(EinsumToMatMul, ofMatrices) {
  EXPECT_EQ(einsum("ij,jk->ik", {3, 4}, {4, 5}), "MatMul");
  EXPECT_EQ(einsum("ij,kj->ik", {3, 4}, {5, 4}), "Transpose MatMul");
  EXPECT_EQ(einsum("abij,abjk->abik", {2, 3, 4, 5}, {2, 3, 5, 6}), "MatMul");
  EXPECT_EQ(einsum("bhid,bhjd->bhij", {2, 3, 4, 5}, {2, 3, 6, 5}), "Transpose MatMul");
  EXPECT_EQ(einsum("...ij,...jk->...ik", {2, 3, 4}, {2, 4, 5}), "MatMul");
  EXPECT_EQ(einsum("ij,jk", {3, 4}, {4, 5}), "MatMul");
}

TEST(EinsumToMatMul, weightsAreTheRightFactor) {
  EXPECT_EQ(einsum("cd,nchw->ndhw", {4, 6}, {2, 4, 3, 5}, true), "Transpose MatMul Transpose");
}

TEST(EinsumToMatMul, severalAxesAreMerged) {
  EXPECT_EQ(einsum("bijd,bjd->bi", {2, 3, 4, 5}, {2, 4, 5}), "Reshape Reshape MatMul Reshape");
  EXPECT_EQ(einsum("ijk,jkl->il", {2, 3, 4}, {3, 4, 5}), "Reshape Reshape MatMul Reshape");
  EXPECT_EQ(einsum("i,j->ij", {3}, {4}), "Einsum");  // no sum
}

TEST(EinsumToMatMul, whatIsNoProductOfMatricesStays) {
  EXPECT_EQ(einsum("ii,ij->j", {3, 3}, {3, 4}), "Einsum");  // a diagonal
  EXPECT_EQ(einsum("ij,jk->k", {3, 4}, {4, 5}), "Einsum");  // a sum of one operand alone
  const Shape ones(std::vector<int64_t>(8, 1));
  EXPECT_EQ(einsum("abcdefgh,abcdefgh->abcdefg", ones, ones), "Einsum");  // nine axes
  EXPECT_EQ(einsum("ij,jk->ik", {3, 1}, {4, 5}), "Einsum");               // broadcast
}

TEST(SumToAdd, ofThree) {
  Builder b;
  b.output(b.op("Sum", {b.input({2, 3}), b.input({3}), b.input({2, 1})}));
  EXPECT_EQ(optimised(b.graph, {"sum-to-add"}), "Add Add");
}

TEST(BatchNormToConv, noChannels) {
  Builder b;
  const ValueId none = b.floats({0}, {});
  b.output(b.op("BatchNormalization", {b.input({1, 0, 4, 5}), none, none, none, none}));
  EXPECT_EQ(optimised(b.graph, {"batch-norm-to-conv"}, Stage::fuse), "BatchNormalization");
}

TEST(BatchNormToConv, behindAnActivation) {
  Builder b;
  const ValueId x = b.op("Relu", {b.input({2, 3, 4, 5})});
  b.output(
      b.op("BatchNormalization", {x, b.random({3}), b.random({3}), b.random({3}), b.floats({3}, {1, 2, 3})}));
  EXPECT_EQ(optimised(b.graph, {"batch-norm-to-conv"}, Stage::fuse), "Relu Conv");
}

}  // namespace
}  // namespace tenfold::test
