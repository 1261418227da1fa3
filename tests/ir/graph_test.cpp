#include "ir/graph.hpp"

#include <gtest/gtest.h>

#include "ir/patch.hpp"

namespace tenfold::ir {
namespace {

Graph relu_chain() {
  Graph g;
  const ValueId x = g.add_input("x", DType::f32, {1, g.symbol("n")});
  const NodeId a = g.add_node("Relu", {x}, {}, 1, "a");
  const NodeId b = g.add_node("Neg", {g.node(a).output()}, {}, 1, "b");
  g.outputs = {g.node(b).output()};
  return g;
}

TEST(Graph, LinksBothWays) {
  Graph g = relu_chain();
  verify(g);
  EXPECT_EQ(g.single_consumer(g.inputs[0]), 0);
  EXPECT_EQ(g.single_consumer(g.outputs[0]), kNone);
  EXPECT_EQ(to_text(g),
            "input %x:f32[1, n]\n%a:f32[...] = Relu(%x)\n%b:f32[...] = Neg(%a)\noutput %b:f32[...]\n");
}

TEST(Graph, PatchReplacesAndKeepsOutputName) {
  Graph g = relu_chain();
  Patch patch(g);
  const ValueId c = patch.constant(Tensor::scalar(2.0f), "two");
  const ValueId y = patch.add("Mul", {g.inputs[0], c}, {}, "scaled");
  patch.replace(g.outputs[0], y);
  patch.apply(g, nullptr);
  verify(g);
  EXPECT_EQ(g.alive_nodes(), 1u);
  EXPECT_EQ(g.value(g.outputs[0]).name, "b");
  EXPECT_EQ(g.producer(g.outputs[0])->op, "Mul");
  EXPECT_EQ(g.compact().value_count(), 3u);
}

TEST(Graph, CycleIsNamed) {
  Graph g = relu_chain();
  g.set_input(0, 0, g.node(1).output());
  try {
    verify(g);
    FAIL() << "a cycle passed";
  } catch (const Error& e) {
    EXPECT_EQ(e.code(), ErrorCode::invalid_model);
    EXPECT_NE(std::string(e.what()).find("cycle"), std::string::npos);
  }
}

TEST(Graph, DuplicateNamesAreRefused) {
  Graph g = relu_chain();
  EXPECT_THROW(g.add_value("x", DType::f32), Error);
  EXPECT_EQ(g.unique_name("x"), "x_1");
}

TEST(Graph, UniqueNamesCountOnFromTheLast) {
  Graph g;
  for (int i = 0; i < 4; i++) g.add_value(g.unique_name("w"), DType::f32);
  g.add_value("w_4", DType::f32);
  EXPECT_EQ(g.unique_name("w"), "w_5");
  EXPECT_EQ(g.unique_name("w"), "w_5");  // not given to a value yet
  EXPECT_EQ(g.unique_name("w_4"), "w_4_1");
  EXPECT_EQ(g.unique_name(""), "value");
}

TEST(Graph, CompactFromATemporaryIsTheSame) {
  Graph g = relu_chain();
  Patch patch(g);
  patch.replace(g.node(0).output(),
                patch.add("Add", {g.inputs[0], patch.constant(Tensor::scalar(2.0f), "c")}));
  patch.apply(g, nullptr);
  g.metadata["author"] = "somebody";
  const Graph copied = g.compact();
  const Graph moved = std::move(g).compact();
  verify(moved);
  EXPECT_EQ(to_text(moved), to_text(copied));
  EXPECT_EQ(moved.metadata, copied.metadata);
  EXPECT_EQ(moved.symbol_count(), copied.symbol_count());
}

TEST(Graph, SymbolsAreFoundByName) {
  Graph g;
  const int64_t n = g.symbol("n"), unknown = g.fresh_symbol();
  EXPECT_EQ(g.symbol(g.symbol_name(unknown)), unknown);
  // A linear search among so many takes minutes.
  for (int i = 0; i < 200'000; i++) g.symbol(std::to_string(i));
  const Graph copy = g.compact();
  EXPECT_EQ(Graph(copy).symbol("n"), n);
  EXPECT_EQ(std::move(g).compact().symbol("n"), n);
}

TEST(Graph, DeadNodesAreFoundFromTheirLastUser) {
  Graph g = relu_chain();
  const NodeId last = g.add_node("Exp", {g.node(1).output()});
  g.outputs = {g.inputs[0]};
  EXPECT_EQ(g.remove_dead({1}), 0u);  // the last node still uses it
  EXPECT_EQ(g.remove_dead({last, last}), 3u);
  EXPECT_EQ(g.alive_nodes(), 0u);
}

TEST(Attributes, TypedAccess) {
  const Attributes a{{"axis", int64_t{1}}, {"mode", std::string("linear")}};
  EXPECT_EQ(a.get_int("axis", 0), 1);
  EXPECT_EQ(a.get_int("absent", 7), 7);
  EXPECT_THROW(a.get_float("axis", 0), Error);
  EXPECT_TRUE(a == a);
}

}  // namespace
}  // namespace tenfold::ir
