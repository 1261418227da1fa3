// Importing: what malformed and unknown input is answered with.
#include <gtest/gtest.h>

#include <protozero/pbf_writer.hpp>

#include "onnx/onnx.hpp"

namespace tenfold {
namespace {

/// A model of one operator of one domain, x -> y, both f32[2, 3].
std::string one_node_model(std::string_view op, std::string_view domain = "", int64_t opset = 17) {
  const auto value = [](std::string_view name) {
    std::string dims, tensor, type, info;
    for (const int64_t extent : {2, 3}) {
      std::string d;
      protozero::pbf_writer(d).add_int64(1, extent);
      protozero::pbf_writer(dims).add_message(1, d);
    }
    protozero::pbf_writer t(tensor);
    t.add_int32(1, 1);
    t.add_message(2, dims);
    protozero::pbf_writer(type).add_message(1, tensor);
    protozero::pbf_writer i(info);
    i.add_string(1, name.data(), name.size());
    i.add_message(2, type);
    return info;
  };
  std::string node, graph, version, model;
  protozero::pbf_writer n(node);
  n.add_string(1, "x");
  n.add_string(2, "y");
  n.add_string(3, "the_node");
  n.add_string(4, op.data(), op.size());
  n.add_string(7, domain.data(), domain.size());
  protozero::pbf_writer g(graph);
  g.add_message(1, node);
  g.add_message(11, value("x"));
  g.add_message(12, value("y"));
  protozero::pbf_writer(version).add_int64(2, opset);
  protozero::pbf_writer m(model);
  m.add_int64(1, 8);
  m.add_message(7, graph);
  m.add_message(8, version);
  return model;
}

ir::Graph load(const std::string& bytes) {
  return onnx::load(std::as_bytes(std::span(bytes)), nullptr);
}

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
  EXPECT_NE(message.find("the_node"), std::string::npos) << message;
}

TEST(Import, OperatorSetsOutsideTheKnownRangeAreRefused) {
  error_of(one_node_model("Relu", "", 6), ErrorCode::unsupported);
  error_of(one_node_model("Relu", "", 99), ErrorCode::unsupported);
}

TEST(Import, EveryTruncationIsATypedError) {
  const std::string model = one_node_model("Relu");
  for (size_t n = 0; n < model.size(); n++) {
    try {
      load(model.substr(0, n));
    } catch (const Error& e) {
      EXPECT_NE(e.code(), ErrorCode::internal) << n << ": " << e.what();
    }
  }
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
