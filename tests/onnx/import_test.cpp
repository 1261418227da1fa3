// Importing: what malformed and unknown input is answered with.
#include <gtest/gtest.h>

#include "onnx/file_builder.hpp"
#include "onnx/tensor_data.hpp"
#include "ops/op.hpp"

namespace tenfold {
namespace {

/// A model of one operator of one domain, x -> y, x being f32[2, 3].
std::string one_node_model(std::string_view op, std::string_view domain = "", int64_t opset = 17) {
  return test::FileBuilder(opset).input("x", {2, 3}).node(op, {"x"}, {"y"}, {}, domain).output("y").bytes();
}

ir::Graph load(const std::string& bytes) { return onnx::load(std::as_bytes(std::span(bytes)), nullptr); }

std::string error_of(const std::string& bytes, ErrorCode code) {
  try {
    load(bytes);
  } catch (const Error& e) {
    EXPECT_EQ(e.code(), code) << e.what();
    return e.what();
  }
  ADD_FAILURE() << "no error";
  return {};
}

TEST(Import, OperatorsOfLoweredGraphsAreRefused) {
  for (const ops::OpDef* op : ops::all()) {
    const std::string_view name = op->name;
    if (name.starts_with("Q") && name != "QuantizeLinear")
      error_of(one_node_model(name), ErrorCode::unsupported);
  }
}

TEST(Import, OneNode) {
  const ir::Graph graph = load(one_node_model("Relu"));
  ir::verify(graph);
  ASSERT_EQ(graph.node_count(), 1u);
  EXPECT_EQ(graph.node(0).op, "Relu");
  EXPECT_EQ(*graph.value(graph.outputs[0]).shape, (Shape{2, 3}));
}

TEST(Import, IdentityBetweenInputAndOutputStaysOneNode) {
  const ir::Graph graph = load(one_node_model("Dropout"));
  EXPECT_LE(graph.alive_nodes(), 1u);
  EXPECT_EQ(graph.value(graph.outputs[0]).name, "y");
}

TEST(Import, UnknownOperatorsAreNamedWithTheirNode) {
  const std::string message = error_of(one_node_model("Frobnicate", "com.example"), ErrorCode::unsupported);
  EXPECT_NE(message.find("com.example.Frobnicate"), std::string::npos) << message;
  EXPECT_NE(message.find("node_y"), std::string::npos) << message;
}

TEST(Import, NamesAreText) {
  for (const char* name : {"\x80", "a\xc0\xafz", "\xe0\x80\xaf", "\xed\xa0\x80", "\xf5\x80\x80\x80",
                           "\xe2\x82", "\xf0\x8f\xbf\xbf"}) {
    const std::string message = error_of(one_node_model(name), ErrorCode::invalid_model);
    EXPECT_NE(message.find("UTF-8"), std::string::npos) << message;
  }
  const std::string text =
      "gr\xc3\xb6\xc3\x9f"
      "er_\xe2\x82\xac_\xf0\x9f\x98\x80";
  EXPECT_NE(error_of(one_node_model(text), ErrorCode::unsupported).find(text), std::string::npos);
}

TEST(Import, OperatorSetsOutsideTheKnownRangeAreRefused) {
  error_of(one_node_model("Relu", "", 6), ErrorCode::unsupported);
  error_of(one_node_model("Relu", "", 99), ErrorCode::unsupported);
}

TEST(Import, AllUnknownOperatorsAreListedAtOnce) {
  test::FileBuilder file;
  file.input("x", {2})
      .node("Frobnicate", {"x"}, {"a"})
      .node("Frobnicate", {"a"}, {"b"})
      .node("Loop", {"", "", "b"}, {"c"});
  const std::string message = error_of(
      file.node("Twist", {"c"}, {"y"}, {}, "com.example").output("y").bytes(), ErrorCode::unsupported);
  for (const char* part : {"3 unsupported", "Frobnicate (2x", "Loop (1x", "com.example.Twist (1x"})
    EXPECT_NE(message.find(part), std::string::npos) << part << " in: " << message;
}

TEST(Import, BadReferencesAreInvalid) {
  error_of(test::FileBuilder().node("Relu", {"nowhere"}, {"y"}).output("y").bytes(),
           ErrorCode::invalid_model);
  error_of(test::FileBuilder().input("x", {1}).node("Relu", {"x"}, {"y"}).output("z").bytes(),
           ErrorCode::invalid_model);
  error_of(test::FileBuilder()
               .input("x", {1})
               .node("Relu", {"x"}, {"y"})
               .node("Abs", {"x"}, {"y"})
               .output("y")
               .bytes(),
           ErrorCode::invalid_model);
  error_of(test::FileBuilder()
               .input("x", {1})
               .node("Relu", {"y"}, {"z"})
               .node("Relu", {"z"}, {"y"})
               .output("y")
               .bytes(),
           ErrorCode::invalid_model);
}

TEST(Import, TensorsMustHaveTheBytesTheirShapeNeeds) {
  error_of(
      test::FileBuilder().initializer<float>("w", {3}, {1, 2}).node("Relu", {"w"}, {"y"}).output("y").bytes(),
      ErrorCode::invalid_model);
  error_of(test::FileBuilder()
               .initializer<float>("w", {int64_t{1} << 62, 8}, {1})
               .node("Relu", {"w"}, {"y"})
               .output("y")
               .bytes(),
           ErrorCode::invalid_model);
  error_of(
      test::FileBuilder().initializer<float>("w", {-1}, {1}).node("Relu", {"w"}, {"y"}).output("y").bytes(),
      ErrorCode::invalid_model);
}

TEST(Import, TypedValuesAreCountedBeforeTheyAreCopied) {
  onnx::proto::Tensor t;
  t.data_type = onnx::kFloat;
  t.dims = {int64_t{1} << 60};
  t.floats = {1};
  onnx::TensorReader reader({}, false, nullptr, {});
  try {
    reader.read(t);
    FAIL();
  } catch (const Error& e) {
    EXPECT_EQ(e.code(), ErrorCode::invalid_model);
  }
}

TEST(Import, SparseTensorsShareOneBound) {
  test::FileBuilder file;
  file.sparse_initializer("a", {4}).node("Relu", {"a"}, {"y"}).output("y");
  EXPECT_EQ(file.load().value(0).constant.elements(), 4);
  error_of(file.sparse_initializer("b", {1 << 28}).bytes(), ErrorCode::unsupported);
}

TEST(Import, FunctionsAreInlined) {
  test::FileBuilder file;
  file.input("x", {2, 3})
      .node("Twice", {"x"}, {"m"}, {}, "local")
      .node("Twice", {"m"}, {"y"}, {}, "local")
      .output("y");
  file.function("local", "Twice", {"a"}, {"b"}, {test::FileBuilder::node_message("Add", {"a", "a"}, {"b"})});
  const ir::Graph graph = file.load();
  ASSERT_EQ(graph.node_count(), 2u);
  EXPECT_EQ(graph.node(0).op, "Add");
  EXPECT_EQ(graph.value(graph.outputs[0]).name, "y");
}

TEST(Import, CallsMayOmitInputs) {
  test::FileBuilder file;
  file.input("x", {1, 1, 4, 4}).input("w", {1, 1, 3, 3});
  file.node("MyConv", {"x", "w"}, {"y"}, {}, "local").output("y");
  file.function("local", "MyConv", {"a", "b", "bias"}, {"c"},
                {test::FileBuilder::node_message("Conv", {"a", "b", "bias"}, {"c"})});
  const ir::Graph graph = file.load();
  EXPECT_EQ(*graph.value(graph.outputs[0]).shape, (Shape{1, 1, 2, 2}));
}

TEST(Import, InputsThatOnlyTheEngineHasAreRefused) {
  test::FileBuilder conv, product;
  conv.input("x", {1, 1, 3, 3}).input("w", {1, 1, 3, 3}).input("r", {1, 1, 1, 1});
  error_of(conv.node("Conv", {"x", "w", "", "r"}, {"y"}).output("y").bytes(), ErrorCode::invalid_model);
  product.input("a", {2, 3}).input("b", {3, 3}).input("bias", {3});
  error_of(product.node("MatMul", {"a", "b", "bias"}, {"y"}).output("y").bytes(), ErrorCode::invalid_model);
}

TEST(Import, FunctionsThatCallThemselvesEnd) {
  test::FileBuilder file;
  file.input("x", {2}).node("Loops", {"x"}, {"y"}, {}, "local").output("y");
  file.function("local", "Loops", {"a"}, {"b"},
                {test::FileBuilder::node_message("Loops", {"a"}, {"b"}, {}, "local")});
  error_of(file.bytes(), ErrorCode::invalid_model);
}

TEST(Import, FunctionsThatMultiplyAreBounded) {
  // Each calls the next one twice; no node is left of any.
  test::FileBuilder file;
  file.input("x", {2}).node("F0", {"x"}, {"y"}, {}, "local").output("y");
  constexpr int kLast = 24;
  const auto name = [](int i) { return fmt::format("F{}", i); };
  for (int i = 0; i < kLast; i++) {
    const auto next = [&](const char* in, const char* out) {
      return test::FileBuilder::node_message(name(i + 1), {in}, {out}, {}, "local");
    };
    file.function("local", name(i), {"a"}, {"b"}, {next("a", "c"), next("c", "b")});
  }
  file.function("local", name(kLast), {"a"}, {"b"},
                {test::FileBuilder::node_message("Identity", {"a"}, {"b"})});
  error_of(file.bytes(), ErrorCode::unsupported);
}

TEST(Import, ScalarsThatAreNone) {
  test::FileBuilder dropout, one_hot;
  dropout.input("x", {2})
      .initializer<int64_t>("training", {0}, {})
      .node("Dropout", {"x", "", "training"}, {"y"});
  error_of(dropout.output("y").bytes(), ErrorCode::invalid_model);
  one_hot.input("x", {2}, DType::i64)
      .initializer<float>("depth", {}, {1e30f})
      .initializer<float>("values", {2}, {0, 1});
  const std::string message = error_of(
      one_hot.node("OneHot", {"x", "depth", "values"}, {"y"}).output("y").bytes(), ErrorCode::invalid_model);
  EXPECT_NE(message.find("1e+30"), std::string::npos) << message;
}

TEST(Import, MissingFile) {
  try {
    onnx::load("/nonexistent/model.onnx");
    FAIL();
  } catch (const Error& e) {
    EXPECT_EQ(e.code(), ErrorCode::not_found);
    EXPECT_NE(std::string(e.what()).find("/nonexistent/model.onnx"), std::string::npos);
  }
}

}  // namespace
}  // namespace tenfold
