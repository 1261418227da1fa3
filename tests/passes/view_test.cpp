#include "passes/view.hpp"

#include "passes/pass_fixture.hpp"

namespace tenfold::test {
namespace {

using Ints = std::vector<int64_t>;

/// The view read element by element must be what evaluation says.
void expect_view(Builder& b, ValueId id, ValueId root) {
  Graph g = b.graph;
  g.outputs = {id};
  const passes::View view = passes::view_of(g, id);
  EXPECT_EQ(view.root, root);
  std::mt19937 rng(1);
  const Tensor x = random_tensor(DType::f32, *g.value(g.inputs[0]).shape, rng);
  const Tensor expected = evaluate_graph(g, {&x, 1})[0];
  g.outputs = {view.root};
  const Tensor from = evaluate_graph(g, {&x, 1})[0];
  ASSERT_EQ(Shape(view.extents), expected.shape());
  const Ints steps = expected.shape().strides();
  for (int64_t i = 0; i < expected.elements(); i++) {
    int64_t at = view.start, rest = i;
    for (size_t axis = 0; axis < steps.size(); axis++) {
      at += rest / steps[axis] * view.strides[axis];
      rest %= steps[axis];
    }
    EXPECT_EQ(expected.data<float>()[i], from.data<float>()[at]);
  }
}

ValueId transpose(Builder& b, ValueId x, Ints perm) { return b.op("Transpose", {x}, {{"perm", perm}}); }
ValueId reshape(Builder& b, ValueId x, Ints target) { return b.op("Reshape", {x, b.ints(target)}); }

TEST(View, headsOfAProjection) {
  Builder b;
  const ValueId x = b.input({2, 5, 12});
  expect_view(b, transpose(b, reshape(b, x, {2, 5, 3, 4}), {0, 2, 1, 3}), x);
}

TEST(View, packedProjections) {
  Builder b;
  const ValueId x = b.input({2, 5, 24}),
                packed = transpose(b, reshape(b, x, {2, 5, 3, 2, 4}), {2, 0, 3, 1, 4});
  const ValueId second =
      b.op("Gather", {packed, b.constant(Tensor::scalar<int64_t>(-2))}, {{"axis", int64_t{0}}});
  expect_view(b, second, x);
  const ValueId third = b.op("Slice", {packed, b.ints({2}), b.ints({3}), b.ints({0})});
  expect_view(b, reshape(b, third, {2, 2, 5, 4}), x);
  const auto parts = b.multi("Split", {x}, {{"axis", int64_t{-1}}, {"num_outputs", int64_t{3}}}, 3);
  expect_view(b, transpose(b, reshape(b, parts[2], {2, 5, 2, 4}), {0, 2, 1, 3}), x);
}

TEST(View, sliceWithStep) {
  Builder b;
  const ValueId x = b.input({7, 6});
  expect_view(b, b.op("Slice", {x, b.ints({-5, 1}), b.ints({100, 6}), b.ints({0, 1}), b.ints({2, 3})}), x);
}

TEST(View, stopsWhereStridesCannotSayIt) {
  Builder b;
  const ValueId x = b.input({4, 6}), flat = reshape(b, transpose(b, x, {1, 0}), {24});
  expect_view(b, reshape(b, flat, {3, 8}), flat);
}

TEST(View, mergesWhatLiesTogether) {
  Builder b;
  const ValueId x = b.input({2, 1, 3, 4});
  expect_view(b, reshape(b, transpose(b, x, {0, 1, 2, 3}), {6, 2, 2}), x);
  expect_view(b, reshape(b, transpose(b, x, {1, 0, 2, 3}), {24}), x);
}

TEST(View, spatialOutputsAreNoRoots) {
  Builder b;
  const ValueId x = b.input({1, 4, 3, 3}), pooled = b.op("MaxPool", {x}, {{"kernel_shape", Ints{2, 2}}});
  const ValueId flat = reshape(b, pooled, {4, 4});
  expect_view(b, transpose(b, flat, {1, 0}), flat);
}

}  // namespace
}  // namespace tenfold::test
