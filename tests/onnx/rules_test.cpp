// Old versions, QLinear and contrib operators: the canonical form that each becomes, by operator names and by
// value.
#include <gtest/gtest.h>

#include <cmath>
#include <map>

#include "onnx/file_builder.hpp"
#include "onnx/small_models.hpp"

namespace tenfold {
namespace {

using test::FileBuilder;
using test::Names;
using Ints = std::vector<int64_t>;
using Floats = std::vector<float>;

Names operators(const ir::Graph& graph) {
  Names names;
  for (const ir::NodeId id : graph.topological_order()) names.push_back(graph.node(id).op);
  return names;
}

/// Reference evaluation; every input is test::ramp of its shape.
Tensor evaluate(const ir::Graph& graph) {
  std::map<ir::ValueId, Tensor> values;
  for (const ir::ValueId in : graph.inputs) values[in] = test::ramp(*graph.value(in).shape);
  const auto value = [&](ir::ValueId id) {
    const Tensor* constant = graph.constant(id);
    return id == ir::kNone ? Tensor() : constant ? *constant : values.at(id);
  };
  for (const ir::NodeId id : graph.topological_order()) {
    std::vector<Tensor> in;
    for (const ir::ValueId v : graph.node(id).inputs) in.push_back(value(v));
    const std::vector<Tensor> out = ops::evaluate(graph, id, in);
    for (size_t i = 0; i < out.size(); i++) values[graph.node(id).output(i)] = out[i];
  }
  return value(graph.outputs[0]);
}

struct Case {
  std::string op;
  int64_t opset;
  ir::Attributes attrs;
  Names canonical;
  std::vector<int64_t> shape;   ///< of x
  std::vector<int64_t> result;  ///< of y
  std::string domain = "";
};

class OneInput : public testing::TestWithParam<Case> {};

TEST_P(OneInput, BecomesItsCanonicalForm) {
  const Case& c = GetParam();
  const ir::Graph graph =
      FileBuilder(c.opset).input("x", c.shape).node(c.op, {"x"}, {"y"}, c.attrs, c.domain).output("y").load();
  EXPECT_EQ(operators(graph), c.canonical);
  EXPECT_EQ(evaluate(graph).shape(), Shape(c.result));
}

INSTANTIATE_TEST_SUITE_P(
    Rules, OneInput,
    testing::Values(
        Case{"Squeeze", 11, {{"axes", Ints{0}}}, {"Squeeze"}, {1, 3}, {3}},
        Case{"Unsqueeze", 11, {{"axes", Ints{0, 3}}}, {"Unsqueeze"}, {2, 3}, {1, 2, 3, 1}},
        Case{"ReduceSum", 11, {{"axes", Ints{1}}, {"keepdims", int64_t{0}}}, {"ReduceSum"}, {2, 3}, {2}},
        Case{"ReduceMean", 17, {{"axes", Ints{-1}}}, {"ReduceMean"}, {2, 3}, {2, 1}},
        Case{"ReduceMax", 13, {}, {"ReduceMax"}, {2, 3}, {1, 1}},
        Case{"Slice",
             9,
             {{"starts", Ints{1}}, {"ends", Ints{3}}, {"axes", Ints{1}}},
             {"Slice"},
             {2, 4},
             {2, 2}},
        Case{"Split", 11, {{"axis", int64_t{1}}, {"split", Ints{4}}}, {"Split"}, {2, 4}, {2, 4}},
        Case{"Pad", 10, {{"pads", Ints{0, 1, 0, 2}}, {"value", 3.0f}}, {"Pad"}, {2, 4}, {2, 7}},
        Case{"Pad",
             10,
             {{"pads", Ints{0, 1, 0, 2}}, {"mode", std::string("reflect")}},
             {"Pad"},
             {2, 4},
             {2, 7}},
        Case{"Clip", 10, {{"min", 0.0f}, {"max", 6.0f}}, {"Clip"}, {2, 4}, {2, 4}},
        Case{"Upsample", 7, {{"scales", Floats{1, 1, 2, 2}}}, {"Resize"}, {1, 2, 3, 3}, {1, 2, 6, 6}},
        Case{"Dropout", 11, {{"ratio", 0.3f}}, {"Identity"}, {2, 4}, {2, 4}},
        Case{"Softmax", 11, {{"axis", int64_t{1}}}, {"Softmax"}, {2, 4}, {2, 4}},
        Case{"Softmax",
             11,
             {{"axis", int64_t{1}}},
             {"Shape", "Flatten", "Softmax", "Reshape"},
             {2, 3, 4},
             {2, 3, 4}},
        Case{"Softmax", 13, {{"axis", int64_t{1}}}, {"Softmax"}, {2, 3, 4}, {2, 3, 4}},
        Case{"Cast", 13, {{"to", int64_t{10}}}, {"Identity"}, {2, 4}, {2, 4}},
        Case{"Swish", 24, {}, {"SiLU"}, {2, 4}, {2, 4}},
        Case{"Swish", 24, {{"alpha", 2.0f}}, {"Mul", "Sigmoid", "Mul"}, {2, 4}, {2, 4}},
        Case{"Gelu", 17, {}, {"Gelu"}, {2, 4}, {2, 4}, "com.microsoft"},
        Case{"QuickGelu", 17, {}, {"Mul", "Sigmoid", "Mul"}, {2, 4}, {2, 4}, "com.microsoft"}),
    [](const auto& info) { return fmt::format("{}_{}_{}", info.param.op, info.param.opset, info.index); });

TEST(Rules, FlattenedSoftmaxSumsToOneOverAllTrailingAxes) {
  const Tensor y = evaluate(FileBuilder(11)
                                .input("x", {2, 3, 4})
                                .node("Softmax", {"x"}, {"y"}, {{"axis", int64_t{1}}})
                                .output("y")
                                .load());
  for (int64_t row = 0; row < 2; row++) {
    double sum = 0;
    for (int64_t i = 0; i < 12; i++) sum += y.at_double(row * 12 + i);
    EXPECT_NEAR(sum, 1, 1e-5);
  }
}

TEST(Rules, UpsampleRepeatsPixels) {
  const ir::Attributes attrs{{"scales", Floats{1, 1, 2, 3}}};
  const Tensor y = evaluate(
      FileBuilder(7).input("x", {1, 1, 2, 2}).node("Upsample", {"x"}, {"y"}, attrs).output("y").load());
  const Tensor x = test::ramp(Shape{1, 1, 2, 2});
  ASSERT_EQ(y.shape(), (Shape{1, 1, 4, 6}));
  for (int64_t r = 0; r < 4; r++)
    for (int64_t c = 0; c < 6; c++)
      EXPECT_EQ(y.at_double(r * 6 + c), x.at_double(r / 2 * 2 + c / 3)) << r << " " << c;
}

TEST(Rules, TheFirstResizeRoundsUpWhereItShrinks) {
  FileBuilder file(10);
  file.input("x", {1, 3, 5}).initializer<float>("s", {3}, {1, 2, 0.6f}).node("Resize", {"x", "s"}, {"y"});
  const ir::Graph graph = file.output("y").load();
  EXPECT_EQ(operators(graph), (Names{"Resize", "Resize"}));
  const Tensor x = test::ramp(Shape{1, 3, 5}), y = evaluate(graph);
  ASSERT_EQ(y.shape(), (Shape{1, 6, 3}));
  const int64_t column[] = {0, 2, 4};  // of 0, 1.67 and 3.33
  for (int64_t r = 0; r < 6; r++)
    for (int64_t c = 0; c < 3; c++)
      EXPECT_EQ(y.at_double(r * 3 + c), x.at_double(r / 2 * 5 + column[c])) << r << " " << c;
}

TEST(Rules, ExponentsAreCastToTheTypeOfARealBase) {
  FileBuilder file;
  file.input("x", {2, 3}).initializer<int64_t>("three", {}, {3}).node("Pow", {"x", "three"}, {"y"});
  EXPECT_EQ(operators(file.output("y").load()), (Names{"Cast", "Pow"}));
  FileBuilder integers;
  integers.input("x", {2, 3}, DType::i32).initializer<float>("half", {}, {0.5f});
  integers.node("Pow", {"x", "half"}, {"p"}).node("Cast", {"p"}, {"y"}, {{"to", int64_t{1}}});
  EXPECT_EQ(operators(integers.output("y").load()), (Names{"Pow", "Cast"}));
}

TEST(Rules, QuantizeWithoutZeroPointGetsOne) {
  FileBuilder file;
  file.input("x", {2, 3})
      .initializer<float>("s", {}, {0.1f})
      .node("QuantizeLinear", {"x", "s"}, {"q"})
      .node("DequantizeLinear", {"q", "s"}, {"y"});
  const ir::Graph graph = file.output("y").load();
  EXPECT_EQ(operators(graph), (Names{"QuantizeLinear", "DequantizeLinear"}));
  for (const ir::NodeId id : graph.topological_order()) {
    const Tensor* zero = graph.constant(graph.node(id).input(2));
    ASSERT_TRUE(zero);
    EXPECT_EQ(zero->dtype(), DType::u8);
    EXPECT_EQ(zero->at_int(0), 0);
  }
}

/// x quantized, one pointwise QLinearConv with one scale a channel and an i32 bias, dequantized.
FileBuilder qlinear_conv_file() {
  FileBuilder file;
  file.input("x", {1, 2, 2, 2}).initializer<float>("xs", {}, {0.05f}).initializer<uint8_t>("xz", {}, {100});
  file.initializer<int8_t>("w", {2, 2, 1, 1}, {10, -20, 30, 40})
      .initializer<float>("ws", {2}, {0.02f, 0.01f})
      .initializer<int8_t>("wz", {2}, {0, 0});
  file.initializer<float>("ys", {}, {0.04f})
      .initializer<uint8_t>("yz", {}, {128})
      .initializer<int32_t>("b", {2}, {200, -300});
  file.node("QuantizeLinear", {"x", "xs", "xz"}, {"q"});
  file.node("QLinearConv", {"q", "xs", "xz", "w", "ws", "wz", "ys", "yz", "b"}, {"qy"});
  return file.node("DequantizeLinear", {"qy", "ys", "yz"}, {"y"}).output("y");
}

TEST(Rules, TheLastBlockMayBeShorter) {
  FileBuilder file(21);
  file.initializer<int8_t>("q", {1, 6}, {1, 2, 3, 4, 5, 6}).initializer<float>("s", {1, 2}, {1, 10});
  file.node("DequantizeLinear", {"q", "s"}, {"y"}, {{"axis", int64_t{1}}, {"block_size", int64_t{4}}});
  const Tensor y = evaluate(file.output("y").load());
  ASSERT_EQ(y.shape(), (Shape{1, 6}));
  for (int64_t i = 0; i < 6; i++) EXPECT_EQ(y.at_double(i), (i + 1) * (i < 4 ? 1 : 10)) << i;
}

/// x [2, 3] through an operator of `type`, whose other inputs hold 1, 2, 3.
template <class T>
Tensor through(const std::string& op, size_t inputs, const ir::Attributes& attrs) {
  FileBuilder file;
  const ir::Attributes to{{"to", onnx::elem_type_of(dtype_of<T>)}};
  Names in{"xt"};
  for (size_t i = 1; i < inputs; i++) {
    in.push_back("p" + std::to_string(i));
    const bool matrix = op == "Gemm" && i == 1;
    file.initializer<T>(in.back(), matrix ? Ints{1, 3} : Ints{3}, {1, 2, 3});
  }
  file.input("x", {2, 3}).node("Cast", {"x"}, {"xt"}, to).node(op, in, {"yt"}, attrs);
  return evaluate(file.node("Cast", {"yt"}, {"y"}, {{"to", int64_t{1}}}).output("y").load());
}

TEST(Rules, DoubleIsComposedOfSimplerOperators) {
  const ir::Attributes epsilon{{"epsilon", 0.1f}},
      product{{"transB", int64_t{1}}, {"alpha", 0.5f}, {"beta", 2.0f}};
  for (const auto& [op, inputs, attrs] : {std::tuple{"LayerNormalization", size_t{3}, epsilon},
                                          {"LayerNormalization", size_t{2}, epsilon},
                                          {"BatchNormalization", size_t{5}, epsilon},
                                          {"Gemm", size_t{2}, product},
                                          {"LpNormalization", size_t{1}, ir::Attributes{}}}) {
    const Tensor actual = through<double>(op, inputs, attrs), expected = through<float>(op, inputs, attrs);
    ASSERT_EQ(actual.shape(), expected.shape()) << op;
    for (int64_t i = 0; i < actual.elements(); i++)
      EXPECT_NEAR(actual.at_double(i), expected.at_double(i), 1e-5) << op << " " << i;
  }
}

TEST(Rules, QLinearConvBecomesQdqWithScaledBias) {
  const ir::Graph graph = qlinear_conv_file().load();
  Names names = operators(graph);
  std::sort(names.begin(), names.end());
  EXPECT_EQ(names, (Names{"Conv", "DequantizeLinear", "DequantizeLinear", "DequantizeLinear",
                          "DequantizeLinear", "QuantizeLinear", "QuantizeLinear"}));
  const Tensor x = test::ramp(Shape{1, 2, 2, 2}), y = evaluate(graph);
  const float w[2][2] = {{0.2f, -0.4f}, {0.3f, 0.4f}}, bias[2] = {200 * 0.05f * 0.02f, -300 * 0.05f * 0.01f};
  for (int64_t c = 0; c < 2; c++)
    for (int64_t p = 0; p < 4; p++) {
      const double exact = static_cast<double>(w[c][0]) * x.at_double(p) +
                           static_cast<double>(w[c][1]) * x.at_double(4 + p) + static_cast<double>(bias[c]);
      EXPECT_NEAR(y.at_double(c * 4 + p), exact, 0.021) << c << " " << p;  // half a step of the output
    }
}

TEST(Rules, FusedConvSplitsItsActivationOff) {
  FileBuilder file;
  file.input("x", {1, 1, 2, 2}).initializer<float>("w", {1, 1, 1, 1}, {2}).initializer<float>("b", {1}, {0});
  file.node("FusedConv", {"x", "w", "b"}, {"y"}, {{"activation", std::string("Relu")}}, "com.microsoft");
  EXPECT_EQ(operators(file.output("y").load()), (Names{"Conv", "Relu"}));
}

TEST(Rules, WhatOnlyTheEngineHasIsRefusedInFiles) {
  const auto code_of = [](FileBuilder&& file) {
    try {
      file.output("y").load();
    } catch (const Error& e) {
      return e.code();
    }
    return ErrorCode::internal;
  };
  EXPECT_EQ(code_of(std::move(FileBuilder().input("x", {2}).node("QLookup", {"x", "x"}, {"y"}))),
            ErrorCode::unsupported);
  EXPECT_EQ(code_of(std::move(FileBuilder().input("x", {2}).node("SiLU", {"x"}, {"y"}))),
            ErrorCode::unsupported);
  const ir::Attributes fused{{"activation", std::string("Relu")}};
  EXPECT_EQ(code_of(std::move(FileBuilder().input("x", {2}).node("Add", {"x", "x"}, {"y"}, fused))),
            ErrorCode::invalid_model);
}

TEST(Rules, FusedMatMulTransposesAndScales) {
  FileBuilder file;
  file.input("x", {2, 3}).initializer<float>("w", {4, 3}, Floats(12, 0.5f));
  file.node("FusedMatMul", {"x", "w"}, {"y"}, {{"transB", int64_t{1}}, {"alpha", 2.0f}}, "com.microsoft");
  const ir::Graph graph = file.output("y").load();
  EXPECT_EQ(operators(graph), (Names{"Transpose", "MatMul", "Mul"}));
  const Tensor x = test::ramp(Shape{2, 3}), y = evaluate(graph);
  EXPECT_NEAR(y.at_double(0), x.at_double(0) + x.at_double(1) + x.at_double(2), 1e-6);
}

TEST(Rules, SkipLayerNormalizationGivesTheSumToo) {
  FileBuilder file;
  file.input("x", {2, 4}).input("skip", {2, 4}).initializer<float>("g", {4}, {1, 1, 1, 1});
  file.node("SkipLayerNormalization", {"x", "skip", "g"}, {"n", "", "", "s"}, {}, "com.microsoft")
      .node("Add", {"n", "s"}, {"y"});
  EXPECT_EQ(operators(file.output("y").load()), (Names{"Add", "LayerNormalization", "Add"}));
}

}  // namespace
}  // namespace tenfold
