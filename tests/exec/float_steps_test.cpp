// FP32 steps against node by node evaluation, on every ISA and number of threads.
#include <gtest/gtest.h>

#include <cmath>

#include "exec/every_isa.hpp"

namespace tenfold::test {
namespace {

using Ints = std::vector<int64_t>;

void expect_as_reference(const Builder& b, const std::string& what, double tolerance = 2e-4) {
  std::mt19937 rng(3);
  std::vector<Tensor> inputs;
  for (ValueId id : b.graph.inputs)
    inputs.push_back(random_tensor(DType::f32, *b.graph.value(id).shape, rng, -2, 3));
  on_every_isa(b, inputs, what, [&](const Tensor& actual, const Tensor& expected, int64_t i) {
    ASSERT_NEAR(actual.at_double(i), expected.at_double(i), tolerance) << "at " << i;
  });
}

TEST(SoftmaxF32, EveryAxis) {
  for (const Shape& shape : {Shape{2, 16, 3, 150}, Shape{3, 5, 7}, Shape{1, 200, 65}})
    for (int64_t axis = 0; axis < shape.rank(); axis++) {
      Builder b;
      b.output(b.op("Softmax", {b.input(shape)}, {{"axis", axis - shape.rank()}}));
      expect_as_reference(b, "axis " + std::to_string(axis), 1e-6);
    }
}

TEST(ResizeF32, EveryModeAndCoordinate) {
  for (const char* mode : {"linear", "cubic"})
    for (const char* coordinates :
         {"half_pixel", "half_pixel_symmetric", "pytorch_half_pixel", "align_corners", "asymmetric"})
      for (const auto& [shape, scales] :
           {std::pair{Shape{2, 5, 6, 20}, std::vector<float>{1, 2, 1.7f, 1}},  // rows and columns
            std::pair{Shape{2, 5, 6, 20}, std::vector<float>{1, 0.6f, 1, 1}},  // rows
            std::pair{Shape{3, 7, 33}, std::vector<float>{1, 3, 1}},
            std::pair{Shape{1, 3, 40, 40}, std::vector<float>{1, 1, 2, 2}}}) {  // planar: the reference
        Builder b;
        const Shape extents{static_cast<int64_t>(scales.size())};
        b.output(b.op("Resize", {b.input(shape), ir::kNone, b.floats(extents, scales)},
                      {{"mode", std::string(mode)},
                       {"coordinate_transformation_mode", std::string(coordinates)},
                       {"exclude_outside", int64_t{mode[0] == 'c'}}}));
        expect_as_reference(b, std::string(mode) + " " + coordinates);
      }
}

/// Scales that make as many pixels as a whole factor, and repeat others.
TEST(ResizeF32, NearestByWholeFactors) {
  for (const auto& [coordinates, nearest] :
       {std::pair{"asymmetric", "floor"}, std::pair{"half_pixel", "round_prefer_floor"},
        std::pair{"half_pixel_symmetric", "round_prefer_ceil"}})
    for (float scale : {2.0f, 3.0f, 2.05f, 2.009f}) {
      Builder b;
      b.output(b.op("Resize", {b.input({1, 2, 16, 100}), ir::kNone, b.floats({4}, {1, 1, scale, scale})},
                    {{"mode", std::string("nearest")},
                     {"coordinate_transformation_mode", std::string(coordinates)},
                     {"nearest_mode", std::string(nearest)}}));
      expect_as_reference(b, std::string(coordinates) + " by " + std::to_string(scale), 0);
    }
}

TEST(AttentionF32, NoKeys) {
  Builder b;
  b.output(b.op("Attention", {b.input({1, 2, 6, 8}), b.input({1, 2, 0, 8}), b.input({1, 2, 0, 5})}));
  on_every_isa(
      b,
      {Tensor(DType::f32, {1, 2, 6, 8}), Tensor(DType::f32, {1, 2, 0, 8}), Tensor(DType::f32, {1, 2, 0, 5})},
      "no keys", [](const Tensor& actual, const Tensor&, int64_t i) {
        ASSERT_EQ(actual.at_double(i), 0) << "at " << i;
      });
}

TEST(PoolF32, ThreeAxes) {
  for (const char* op : {"MaxPool", "AveragePool"})
    for (const Ints& kernel : {Ints{2, 2, 2}, Ints{3, 1, 1}, Ints{1, 3, 2}, Ints{3, 2, 3}})
      for (const Ints& pads : {Ints{0, 0, 0, 0, 0, 0}, Ints{0, 0, 1, 1, 0, 0}})
        for (int64_t ceil_mode : {0, 1}) {
          Builder b;
          b.output(b.op(op, {b.input({2, 20, 7, 9, 8})},
                        {{"kernel_shape", kernel},
                         {"strides", Ints{2, 1, 2}},
                         {"pads", kernel[0] > 1 && kernel[2] > 1 ? pads : Ints(6, 0)},
                         {"ceil_mode", ceil_mode}}));
          expect_as_reference(b, ir::to_text(b.graph));
        }
}

TEST(ReduceF32, AnyNeighbouringAxes) {
  for (const Ints& axes : {Ints{1}, Ints{3}, Ints{1, 2}, Ints{2, 3}, Ints{0, 1, 2, 3}, Ints{1, 3}})
    for (const char* op :
         {"ReduceMean", "ReduceSum", "ReduceMax", "ReduceMin", "ReduceL1", "ReduceL2", "ReduceSumSquare"}) {
      Builder b;
      const ValueId along = b.constant(Tensor::from<int64_t>({std::ssize(axes)}, axes));
      b.output(b.op(op, {b.input({3, 40, 9, 70}), along}));
      expect_as_reference(b, std::string(op) + " over " + std::to_string(axes.size()) + " axes", 1);
    }
}

TEST(BinaryF32, PRelu) {
  for (const Shape& slope : {Shape{1}, Shape{5, 1, 1}, Shape{1, 7}}) {
    Builder b;
    b.output(b.op("PRelu", {b.input({2, 5, 6, 7}), b.random(slope)}));
    expect_as_reference(b, "PRelu");
  }
}

TEST(ConvF32, ResidualThatIsConstant) {
  Builder b;
  const ValueId y =
      b.op("Conv", {b.input({1, 3, 8, 9}), b.random({5, 3, 3, 3})}, {{"pads", Ints{1, 1, 1, 1}}});
  b.output(b.op("Relu", {b.op("Add", {y, b.random({1, 5, 8, 9})})}));
  expect_as_reference(b, "a constant added to every pixel");
}

TEST(ConvF32, ThreeAxes) {
  struct Layer {
    Shape x, w;
    int64_t group = 1;
    Ints pads = Ints(6, 0), strides = Ints(3, 1), dilations = Ints(3, 1);
  };
  const Layer layers[] = {{{1, 3, 5, 7, 6}, {16, 3, 3, 3, 3}, 1, {1, 1, 1, 1, 1, 1}},
                          {{2, 5, 6, 5, 9}, {9, 5, 2, 3, 1}, 1, {0, 2, 0, 1, 0, 1}, {2, 1, 3}},
                          {{1, 8, 4, 8, 8}, {8, 1, 3, 3, 3}, 8, {2, 2, 2, 2, 2, 2}, {1, 2, 1}, {2, 2, 2}},
                          {{1, 12, 3, 4, 5}, {24, 6, 1, 1, 1}, 2},
                          {{1, 4, 9, 1, 1}, {6, 4, 3, 1, 1}}};
  for (const Layer& l : layers) {
    Builder b;
    b.output(
        b.op("Conv", {b.input(l.x), b.random(l.w), b.random({l.w[0]})},
             {{"group", l.group}, {"pads", l.pads}, {"strides", l.strides}, {"dilations", l.dilations}}));
    expect_as_reference(b, ir::to_text(b.graph, l.w));
  }
}

TEST(ConvF32, NarrowGroups) {
  for (const auto& [channels, filters, groups] :
       {std::tuple{64, 128, 64}, {24, 24, 8}, {30, 15, 15}, {12, 36, 3}}) {
    Builder b;
    b.output(b.op(
        "Conv",
        {b.input({2, channels, 9, 8}), b.random({filters, channels / groups, 3, 3}), b.random({filters})},
        {{"group", int64_t{groups}}, {"pads", Ints{1, 1, 1, 1}}}));
    expect_as_reference(b, std::to_string(groups) + " groups");
  }
}

TEST(GroupNormF32, BetweenConvolutions) {
  for (int64_t groups : {1, 3, 8, 24})
    for (bool instance : {false, true}) {
      Builder b;
      const ValueId x = b.op("Conv", {b.input({2, 5, 13, 11}), b.random({24, 5, 3, 3})});
      ValueId y = instance ? b.op("InstanceNormalization", {x, b.random({24}), b.random({24})})
                           : b.op("GroupNormalization", {x, b.random({24}), b.random({24})},
                                  {{"num_groups", groups}});
      b.output(b.op("Conv", {b.op("SiLU", {y}), b.random({7, 24, 1, 1})}));
      expect_as_reference(b, std::to_string(groups) + " groups");
    }
}

TEST(LstmF32, DirectionsBatchesAndStates) {
  for (const auto& [direction, directions] : {std::pair{"forward", 1}, {"reverse", 1}, {"bidirectional", 2}})
    for (int64_t batch : {1, 4})
      for (bool states : {false, true}) {
        constexpr int64_t kInput = 9, kHidden = 21;
        Builder b;
        std::vector<ValueId> inputs{b.input({6, batch, kInput}), b.random({directions, 4 * kHidden, kInput}),
                                    b.random({directions, 4 * kHidden, kHidden})};
        if (states) {
          const Shape state{directions, batch, kHidden};
          inputs.insert(inputs.end(),
                        {b.random({directions, 8 * kHidden}), ir::kNone, b.input(state), b.input(state)});
        }
        for (ValueId y : b.multi("LSTM", inputs, {{"direction", std::string(direction)}}, states ? 3 : 1))
          b.output(y);
        expect_as_reference(b, direction);
      }
}

/// Equal weights of input and state are packed with and without the bias.
TEST(LstmF32, EqualWeights) {
  constexpr int64_t kHidden = 8;
  Builder b;
  const ValueId w = b.random({1, 4 * kHidden, kHidden});
  b.output(b.op("LSTM", {b.input({4, 1, kHidden}), w, w, b.random({1, 8 * kHidden})}));
  expect_as_reference(b, "equal weights");
}

TEST(Pad, RunsAndBorders) {
  for (const char* mode : {"constant", "reflect", "edge", "wrap"})
    for (const Ints& pads : {Ints{0, 0, 1, 2, 0, 0, 2, 1}, Ints{0, 1, 0, 0, 0, 2, 0, 0},
                             Ints{0, 0, -1, 3, 0, 0, 2, -2}, Ints{1, 0, 0, 1, 1, 0, 0, 0}}) {
      Builder b;
      b.output(b.op("Pad", {b.op("Conv", {b.input({2, 3, 6, 7}), b.random({5, 3, 1, 1})}), b.ints(pads)},
                    {{"mode", std::string(mode)}}));
      expect_as_reference(b, mode);
    }
}

}  // namespace
}  // namespace tenfold::test
