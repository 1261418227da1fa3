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
    inputs.push_back(random_tensor(b.graph.value(id).dtype, *b.graph.value(id).shape, rng, -2, 3));
  on_every_isa(b, inputs, what, [&](const Tensor& actual, const Tensor& expected, int64_t i) {
    ASSERT_NEAR(actual.at_double(i), expected.at_double(i), tolerance) << "at " << i;
  });
}

/// The last step runs on a kernel, wherever there are any.
void expect_kernel(const Builder& b, const std::string& kernel, const std::string& what = {}) {
  exec::Session session(b.graph, {.threads = 1});
  if (session.isa_name() == std::string_view("ref")) return;
  std::vector<Shape> shapes;
  for (ValueId id : b.graph.inputs) shapes.push_back(*b.graph.value(id).shape);
  EXPECT_EQ(session.plan_for(shapes)->steps.back().kernel, kernel) << what;
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

TEST(MatMulF32, OfActivationsThatBroadcast) {
  for (const auto& [left, right] :
       {std::pair{Shape{3, 5, 40}, Shape{3, 40, 9}}, std::pair{Shape{5, 40}, Shape{3, 40, 9}},
        std::pair{Shape{4, 2, 6, 7}, Shape{4, 1, 7, 20}}, std::pair{Shape{2, 6, 7}, Shape{4, 1, 7, 20}},
        std::pair{Shape{1, 3, 6, 7}, Shape{2, 1, 7, 5}}, std::pair{Shape{4, 2, 6, 7}, Shape{7, 20}},
        std::pair{Shape{3, 6, 40}, Shape{40}}, std::pair{Shape{40}, Shape{3, 40, 9}},
        std::pair{Shape{40}, Shape{40}}, std::pair{Shape{131, 64}, Shape{64, 50}}}) {
    Builder b;
    b.output(b.op("MatMul", {b.input(left), b.input(right)}));
    const std::string what = to_string(left) + " by " + to_string(right);
    expect_as_reference(b, what);
    expect_kernel(b, "gemm_dynamic_f32", what);
  }
}

TEST(MatMulF32, OfActivationsWithWhatFollows) {
  Builder b;
  const ValueId product = b.op("MatMul", {b.input({2, 70, 30}), b.input({2, 30, 45})});
  const ValueId biased = b.op("Add", {product, b.random({45})});
  b.output(b.op("Relu", {b.op("Add", {biased, b.input({2, 70, 45})})}));
  expect_as_reference(b, "bias, residual and activation");
  expect_kernel(b, "gemm_dynamic_f32");
}

TEST(GemmF32, OfActivations) {
  for (int64_t flip : {0, 1})
    for (const Shape& c : {Shape{}, Shape{9}, Shape{40, 1}, Shape{40, 9}}) {
      Builder b;
      const ValueId x = b.input(flip ? Shape{20, 40} : Shape{40, 20}),
                    w = b.input(flip ? Shape{9, 20} : Shape{20, 9});
      b.output(b.op("Gemm", {x, w, b.input(c)},
                    {{"transA", flip}, {"transB", flip}, {"alpha", 0.5f}, {"beta", flip ? 2.0f : 1.0f}}));
      expect_as_reference(b, "C of shape " + to_string(c));
    }
}

TEST(ConvF32, BiasThatIsComputed) {
  Builder b;
  b.output(b.op("Conv", {b.input({2, 20, 9, 8}), b.random({24, 20, 3, 3}), b.input({24})}));
  expect_as_reference(b, "computed bias");
  Builder depthwise;
  depthwise.output(depthwise.op(
      "Relu", {depthwise.op(
                  "Conv", {depthwise.input({2, 20, 9}), depthwise.random({20, 1, 3}), depthwise.input({20})},
                  {{"group", int64_t{20}}})}));
  expect_as_reference(depthwise, "computed bias of a depthwise convolution over one axis");
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

TEST(BinaryF32, PowByIntegers) {
  Builder b;
  b.output(b.op("Pow", {b.input({3, 7}), b.ints({3})}));
  expect_as_reference(b, "s64 exponent", 1e-4);
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

TEST(LstmF32, LengthsThatAreFull) {
  for (const std::vector<int32_t>& lengths : {std::vector<int32_t>{6, 6}, {6, 4}}) {
    Builder b;
    b.output(b.op("LSTM", {b.input({6, 2, 9}), b.random({1, 32, 9}), b.random({1, 32, 8}), ir::kNone,
                           b.constant(Tensor::from<int32_t>({2}, lengths))}));
    expect_as_reference(b, "lengths");
    expect_kernel(b, lengths[1] == 6 ? "lstm_f32" : "reference");
  }
}

TEST(LayerNormF32, OverAnyLastAxes) {
  for (int64_t axis : {-1, -2, 1, 0}) {
    Builder b;
    const Shape x{3, 4, 25};
    const Shape normalized(std::vector<int64_t>(axis < 0 ? x.end() + axis : x.begin() + axis, x.end()));
    b.output(b.op("LayerNormalization", {b.input(x), b.random(normalized), b.random(normalized)},
                  {{"axis", axis}}));
    expect_as_reference(b, "axis " + std::to_string(axis));
    expect_kernel(b, "layer_norm_f32");
  }
}

TEST(QuantizeS8, OnTheKernelsOfU8) {
  const auto scalar = [](Builder& b, auto v) { return b.constant(Tensor::scalar(v)); };
  for (int8_t zero : {-128, -3, 0, 127}) {
    Builder quantize, dequantize;
    quantize.output(quantize.op(
        "QuantizeLinear", {quantize.input({5000}), scalar(quantize, 0.0078125f), scalar(quantize, zero)}));
    expect_as_reference(quantize, "quantize", 0);
    expect_kernel(quantize, "quantize_u8");
    dequantize.output(dequantize.op(
        "DequantizeLinear",
        {dequantize.input({5000}, DType::s8), scalar(dequantize, 0.3f), scalar(dequantize, zero)}));
    expect_as_reference(dequantize, "dequantize", 1e-5);
    expect_kernel(dequantize, "dequantize_u8");
  }
}

TEST(Concat, WithEmptyInputs) {
  for (const auto& [first, second] : {std::pair{0, 5}, {5, 0}, {0, 0}}) {
    Builder b;
    b.output(b.op("Concat", {b.input({2, first, 7}), b.input({2, 3, 7}), b.input({2, second, 7})},
                  {{"axis", int64_t{1}}}));
    expect_as_reference(b, "concat");
    expect_kernel(b, "copy");
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
