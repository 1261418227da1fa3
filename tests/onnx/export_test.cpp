// Exporting: what is written reads back the same, at every operator set.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <fstream>

#include "onnx/onnx.hpp"
#include "ops/op.hpp"
#include "support/graph_builder.hpp"

namespace tenfold {
namespace {

namespace fs = std::filesystem;

ir::Graph reload(const ir::Graph& graph, int opset) {
  const std::string bytes = onnx::save_to_bytes(graph, {.opset = opset});
  ir::Graph again = onnx::load(std::as_bytes(std::span(bytes)), nullptr);
  ir::verify(again);
  return again;
}

int count(const ir::Graph& graph, std::string_view op) {
  int n = 0;
  for (size_t i = 0; i < graph.node_count(); i++) {
    const ir::Node& node = graph.node(static_cast<ir::NodeId>(i));
    n += node.alive && node.op == op;
  }
  return n;
}

/// x[batch, 4, 5] -> op -> y.
ir::Graph unary_graph(std::string op, ir::Attributes attrs = {}) {
  ir::Graph g;
  g.name = "unary";
  const ir::ValueId x = g.add_input("x", DType::f32, Shape{g.symbol("batch"), 4, 5});
  const ir::ValueId y = g.add_value("y", DType::f32);
  g.add_node_onto(std::move(op), {x}, {y}, std::move(attrs), "the_node");
  g.outputs = {y};
  ops::infer_all(g);
  return g;
}

Tensor counting(Shape shape) {
  Tensor t(DType::f32, std::move(shape));
  for (int64_t i = 0; i < t.elements(); i++)
    t.mutable_data<float>()[i] = static_cast<float>(i) * 0.25f - 3.0f;
  return t;
}

/// One dense layer whose weights are large enough to lie beside the model.
ir::Graph dense_graph() {
  ir::Graph g;
  const ir::ValueId x = g.add_input("x", DType::f32, Shape{2, 16});
  const ir::ValueId w = g.add_constant("w", counting(Shape{16, 32}));
  const ir::ValueId b = g.add_constant("b", counting(Shape{32}));
  const ir::ValueId h = g.add_value("h", DType::f32), y = g.add_value("y", DType::f32);
  g.add_node_onto("MatMul", {x, w}, {h}, {}, "dense");
  g.add_node_onto("Add", {h, b}, {y}, {}, "bias");
  g.outputs = {y};
  g.metadata["character"] = std::string("a\nb\n\xE4\xB8\xAD");
  ops::infer_all(g);
  return g;
}

class TemporaryFolder {
 public:
  TemporaryFolder() {
    std::string pattern = (fs::temp_directory_path() / "tenfold_onnx_XXXXXX").string();
    path = ::mkdtemp(pattern.data());
  }
  ~TemporaryFolder() { fs::remove_all(path); }
  fs::path path;
};

const Tensor* constant_named(const ir::Graph& g, std::string_view name) {
  for (size_t i = 0; i < g.value_count(); i++)
    if (const ir::Value& v = g.value(static_cast<ir::ValueId>(i)); v.name == name && v.is_constant())
      return &v.constant;
  return nullptr;
}

void expect_same_dense(const ir::Graph& again) {
  const ir::Graph graph = dense_graph();
  EXPECT_EQ(again.metadata, graph.metadata);
  for (const char* name : {"w", "b"}) {
    const Tensor *a = constant_named(graph, name), *b = constant_named(again, name);
    ASSERT_TRUE(a && b) << name;
    ASSERT_EQ(a->shape(), b->shape());
    EXPECT_EQ(std::memcmp(a->raw(), b->raw(), a->bytes()), 0) << name;
  }
  EXPECT_EQ(again.value(again.outputs[0]).name, "y");
  EXPECT_EQ(*again.value(again.outputs[0]).shape, (Shape{2, 32}));
}

TEST(Export, DenseLayerReadsBackTheSame) {
  for (const int opset : {13, 17, 18, 19, 20, 21}) expect_same_dense(reload(dense_graph(), opset));
}

TEST(Export, SymbolicDimensionsKeepTheirNames) {
  const ir::Graph again = reload(unary_graph("Relu"), 17);
  const Shape& in = *again.value(again.inputs[0]).shape;
  ASSERT_TRUE(is_symbol(in[0]));
  EXPECT_EQ(again.symbol_name(in[0]), "batch");
  EXPECT_EQ((*again.value(again.outputs[0]).shape)[0], in[0]);
}

TEST(Export, InternalOperatorsBecomeStandardOnes) {
  for (const int opset : {13, 17, 21}) {
    for (const char* op : {"SiLU", "HardSwish", "Mish", "Gelu"}) {
      const ir::Graph graph = unary_graph(op);
      ir::Graph again = reload(graph, opset);
      EXPECT_EQ(again.value(again.outputs[0]).name, "y") << op;
      EXPECT_EQ(*again.value(again.outputs[0]).shape, (Shape{again.symbol("batch"), 4, 5})) << op;
    }
    EXPECT_EQ(count(reload(unary_graph("SiLU"), opset), "Sigmoid"), 1);
  }
}

/// y of x[2] = {-2, 3}, node by node.
std::vector<double> values(const ir::Graph& graph) {
  const Tensor x = graph.value(graph.inputs[0]).dtype == DType::i32 ? Tensor::from<int32_t>({2}, {-2, 3})
                                                                    : Tensor::from<float>({2}, {-2, 3});
  const Tensor y = test::evaluate_graph(graph, std::span(&x, 1))[0];
  return {y.at_double(0), y.at_double(1)};
}

/// x[2] -> op -> y.
ir::Graph pair_graph(std::string op, DType dtype, ir::Attributes attrs = {}) {
  test::Builder b;
  b.output(b.op(std::move(op), {b.input({2}, dtype)}, std::move(attrs)));
  return b.graph;
}

TEST(Export, ReductionsOverNoAxesStillMapElements) {
  for (const char* op : {"ReduceSumSquare", "ReduceL1", "ReduceL2", "ReduceLogSumExp", "ReduceMax"}) {
    const ir::Graph graph = pair_graph(op, DType::f32, {{"noop_with_empty_axes", int64_t{1}}});
    const auto actual = values(reload(graph, 17)), expected = values(graph);
    for (size_t i = 0; i < 2; i++) EXPECT_NEAR(actual[i], expected[i], 1e-6) << op;
  }
  const ir::Graph logarithm = pair_graph("ReduceLogSum", DType::f32, {{"noop_with_empty_axes", int64_t{1}}});
  EXPECT_NEAR(values(reload(logarithm, 17))[1], std::log(3.0), 1e-6);
}

TEST(Export, TypesThatCameLater) {
  const ir::Graph relu = pair_graph("Relu", DType::i32), most = pair_graph("ReduceMax", DType::boolean);
  EXPECT_EQ(count(reload(relu, 13), "Max"), 1);
  EXPECT_EQ(values(reload(relu, 13)), values(relu));
  EXPECT_EQ(count(reload(relu, 17), "Relu"), 1);
  for (const int opset : {13, 18, 19}) EXPECT_THROW(reload(most, opset), Error) << opset;
  EXPECT_EQ(count(reload(most, 20), "ReduceMax"), 1);
}

TEST(Export, ResizeOfSomeAxesSinceVersion18) {
  test::Builder b;
  b.output(
      b.op("Resize", {b.input({2, 4}), ir::kNone, ir::kNone, b.ints({8})},
           {{"axes", std::vector<int64_t>{1}}, {"keep_aspect_ratio_policy", std::string("not_larger")}}));
  EXPECT_THROW(reload(b.graph, 17), Error);
  EXPECT_EQ(*reload(b.graph, 18).value(reload(b.graph, 18).outputs[0]).shape, (Shape{2, 8}));
}

TEST(Export, UnknownOperatorSetsAreRefused) {
  for (const int opset : {0, 12, 14, 99})
    EXPECT_THROW(onnx::save_to_bytes(unary_graph("Relu"), {.opset = opset}), Error) << opset;
}

TEST(Export, EngineAttributesNeverReachAFile) {
  EXPECT_THROW(onnx::save_to_bytes(unary_graph("Relu", {{"channels_last", int64_t{1}}})), Error);
}

TEST(Export, ConstantOutputIsProducedByANode) {
  ir::Graph g;
  g.outputs = {g.add_constant("y", counting(Shape{3}))};
  const ir::Graph again = reload(g, 17);
  EXPECT_EQ(again.value(again.outputs[0]).name, "y");
}

TEST(Export, FilesWithDataInsideAndBeside) {
  const TemporaryFolder folder;
  onnx::save(dense_graph(), folder.path / "inside.onnx");
  expect_same_dense(onnx::load(folder.path / "inside.onnx"));
  onnx::save(dense_graph(), folder.path / "beside.onnx", {.external_data = true});
  EXPECT_TRUE(fs::exists(folder.path / "beside.onnx.data"));
  expect_same_dense(onnx::load(folder.path / "beside.onnx"));
  // Written over itself while the old file is mapped.
  const ir::Graph mapped = onnx::load(folder.path / "beside.onnx");
  onnx::save(mapped, folder.path / "beside.onnx", {.external_data = true});
  expect_same_dense(mapped);
  expect_same_dense(onnx::load(folder.path / "beside.onnx"));
  EXPECT_EQ(std::distance(fs::directory_iterator(folder.path), fs::directory_iterator()), 3);
}

TEST(Export, NothingIsLeftWhereWritingFails) {
  const TemporaryFolder folder;
  EXPECT_THROW(onnx::save(dense_graph(), folder.path / "missing" / "model.onnx"), Error);
  EXPECT_EQ(std::distance(fs::directory_iterator(folder.path), fs::directory_iterator()), 0);
}

TEST(ExternalData, MissingTruncatedAndEscapingFilesAreTypedErrors) {
  const TemporaryFolder folder;
  const fs::path model = folder.path / "m.onnx", data = folder.path / "m.onnx.data";
  onnx::save(dense_graph(), model, {.external_data = true});
  const auto code_of = [&] {
    try {
      onnx::load(model);
    } catch (const Error& e) {
      EXPECT_NE(std::string(e.what()).find("m.onnx"), std::string::npos);
      return e.code();
    }
    return ErrorCode::internal;
  };
  fs::resize_file(data, 100);
  EXPECT_EQ(code_of(), ErrorCode::invalid_model);
  fs::rename(data, folder.path / "elsewhere");
  EXPECT_EQ(code_of(), ErrorCode::not_found);
  // A link that leaves the folder is refused even though the file it names exists.
  const TemporaryFolder other;
  fs::copy_file(folder.path / "elsewhere", other.path / "data");
  fs::create_symlink(other.path / "data", data);
  EXPECT_EQ(code_of(), ErrorCode::invalid_model);
}

}  // namespace
}  // namespace tenfold
