// The operator core: inference, evaluation, specialisation, symbolic extents.
#include <gtest/gtest.h>

#include "ops/op.hpp"
#include "ops/symbolic.hpp"

namespace tenfold::ops {
namespace {

TEST(Registry, FindsEveryOperator) {
  for (const OpDef* op : all()) {
    EXPECT_EQ(find(op->name), op);
    EXPECT_NE(op->infer, nullptr) << op->name;
  }
  EXPECT_EQ(find("NoSuchOperator"), nullptr);
}

struct Symbolic : testing::Test {
  Symbolic() {
    const auto x = g.add_input("x", DType::f32, Shape{g.symbol("n"), g.symbol("h")});
    node = g.add_node("Relu", {x});
  }
  ir::Graph g;
  ir::NodeId node = 0;
};

TEST_F(Symbolic, NormalFormsAreEqualWhereExpressionsAre) {
  InferContext c(g, node);
  const int64_t n = g.symbol("n"), h = g.symbol("h");
  EXPECT_EQ(dim_mul(c, n, h), dim_mul(c, h, n));
  EXPECT_EQ(dim_mul(c, dim_add(c, h, 1), 2), dim_add(c, dim_mul(c, 2, h), 2));
  EXPECT_EQ(dim_sub(c, dim_add(c, n, h), h), n);
  EXPECT_EQ(dim_div(c, dim_mul(c, dim_mul(c, n, h), 768), dim_mul(c, h, n)), 768);
  EXPECT_EQ(dim_div(c, dim_mul(c, n, 6), 3), dim_mul(c, 2, n));
  EXPECT_EQ(g.symbol_name(dim_div(c, dim_sub(c, h, 1), 2)), "floor((h-1)/2)");
  EXPECT_EQ(dim_min(c, dim_add(c, h, 3), h), h);
  EXPECT_EQ(dim_min(c, h, 512), dim_min(c, 512, h));
  EXPECT_EQ(dim_max(c, 0, dim_sub(c, h, 1)), dim_sub(c, h, dim_min(c, h, 1)));
  EXPECT_EQ(dim_max(c, 0, h), h);
  EXPECT_EQ(g.symbol_name(dim_div(c, dim_mul(c, h, 768), dim_mul(c, n, 64))), "floor((12*h)/n)");
  EXPECT_EQ(dim_max(c, 0, dim_min(c, h, 512)), dim_min(c, h, 512));
  EXPECT_EQ(dim_broadcast(c, dim_min(c, 512, h), h), h);  // equal, or the first is 1
  const int64_t either = dim_broadcast(c, n, h);
  EXPECT_EQ(dim_broadcast(c, either, h), either);
  EXPECT_EQ(dim_broadcast(c, h, 7), 7);
  EXPECT_EQ(dim_broadcast(c, 1, h), h);
  EXPECT_THROW(dim_broadcast(c, 2, 3), Error);
}

TEST_F(Symbolic, StrangeNamesAreAtoms) {
  InferContext c(g, node);
  const int64_t odd = g.symbol("batch size (max)");
  const int64_t twice = dim_add(c, odd, odd);
  EXPECT_EQ(g.symbol_name(twice), "2*{batch size (max)}");
  EXPECT_EQ(dim_sub(c, twice, odd), odd);
}

/// x[n, 4, h] -> Reshape to [Shape(x)[0..1], -1]
TEST(Inference, PropagatesShapesThroughReshape) {
  ir::Graph g;
  const auto x = g.add_input("x", DType::f32, Shape{g.symbol("n"), 4, g.symbol("h")});
  const auto head = g.add_node("Shape", {x}, {{"start", int64_t{0}}, {"end", int64_t{1}}});
  const auto rest = g.add_constant("rest", Tensor::from<int64_t>(Shape{1}, {-1}));
  const auto target = g.add_node("Concat", {g.node(head).output(), rest}, {{"axis", int64_t{0}}});
  const auto y = g.add_node("Reshape", {x, g.node(target).output()});
  g.outputs = {g.node(y).output()};
  infer_all(g);
  const Shape out = *g.value(g.outputs[0]).shape;
  ASSERT_EQ(out.rank(), 2);
  EXPECT_EQ(out[0], g.symbol("n"));
  EXPECT_EQ(g.symbol_name(out[1]), "4*h");

  const ir::Graph fixed = specialise(g, std::vector<Shape>{Shape{2, 4, 5}});
  EXPECT_EQ(*fixed.value(fixed.outputs[0]).shape, (Shape{2, 20}));
  EXPECT_EQ(fixed.alive_nodes(), 1u);  // the shape arithmetic is a constant now
  EXPECT_THROW(specialise(g, std::vector<Shape>{Shape{2, 3, 5}}), Error);
  EXPECT_THROW(specialise(g, std::vector<Shape>{}), Error);
}

TEST(Inference, ErrorsNameTheNode) {
  ir::Graph g;
  const auto a = g.add_input("a", DType::f32, Shape{2, 3});
  const auto b = g.add_input("b", DType::f32, Shape{2, 4});
  const auto node = g.add_node("Add", {a, b}, {}, 1, "sum_here");
  try {
    infer(g, node);
    FAIL() << "no error";
  } catch (const Error& e) {
    EXPECT_EQ(e.code(), ErrorCode::invalid_model);
    EXPECT_NE(std::string(e.what()).find("Add 'sum_here'"), std::string::npos) << e.what();
  }
  EXPECT_THROW(infer(g, g.add_node("Add", {a})), Error);
  EXPECT_THROW(infer(g, g.add_node("Nonsense", {a})), Error);
  const auto deep = g.add_input("deep", DType::f32, Shape{1, 1, 1, 1, 1, 1, 1, 1, 1});
  EXPECT_THROW(infer(g, g.add_node("Relu", {deep})), Error);
}

TEST(Inference, SizesThatOverflowNameTheNode) {
  for (const Shape& target : {Shape{int64_t{1} << 40, int64_t{1} << 40}, Shape{int64_t{1} << 62},
                              Shape{int64_t{1} << 40, int64_t{1} << 40, 0}}) {
    ir::Graph g;
    const auto extents = Tensor::from<int64_t>(Shape{target.rank()}, target.dims());
    const auto node = g.add_node(
        "Expand", {g.add_input("a", DType::f32, Shape{1}), g.add_constant("shape", extents)}, {}, 1, "big");
    try {
      infer(g, node);
      ADD_FAILURE() << "accepted " << to_string(target);
    } catch (const Error& e) {
      EXPECT_EQ(std::string(e.what()).find("Expand 'big'"), 0u) << e.what();
    }
  }
}

TEST(Specialise, ConstantsThatCannotBeFoldedAreTheModelsFault) {
  ir::Graph g;
  const auto x = g.add_input("x", DType::i64, Shape{2});
  const auto a = g.add_constant("a", Tensor::from<int64_t>(Shape{2}, {1, 2}));
  const auto b = g.add_constant("b", Tensor::from<int64_t>(Shape{2}, {1, 0}));
  const auto ratio = g.add_node("Div", {a, b}, {}, 1, "ratio");
  g.outputs = {g.node(g.add_node("Add", {x, g.node(ratio).output()})).output()};
  try {
    specialise(g, std::vector<Shape>{Shape{2}});
    FAIL() << "no error";
  } catch (const Error& e) {
    EXPECT_EQ(e.code(), ErrorCode::invalid_model);
    EXPECT_EQ(std::string(e.what()).find("Div 'ratio'"), 0u) << e.what();
  }
}

TEST(Evaluate, BroadcastsAndReshapes) {
  ir::Graph g;
  const auto a = g.add_input("a", DType::f32, Shape{2, 3});
  const auto b = g.add_input("b", DType::f32, Shape{3});
  const auto add = g.add_node("Add", {a, b});
  const Tensor sum = evaluate(g, add,
                              std::vector<Tensor>{Tensor::from<float>(Shape{2, 3}, {1, 2, 3, 4, 5, 6}),
                                                  Tensor::from<float>(Shape{3}, {10, 20, 30})})[0];
  EXPECT_EQ(std::vector<float>(sum.span<float>().begin(), sum.span<float>().end()),
            (std::vector<float>{11, 22, 33, 14, 25, 36}));
  const auto turn = g.add_node("Transpose", {a});
  const Tensor t = evaluate(g, turn, std::vector<Tensor>{sum})[0];
  EXPECT_EQ(t.shape(), (Shape{3, 2}));
  EXPECT_EQ(t.at_double(1), 14);
}

TEST(Cost, CountsElementsAndBytes) {
  ir::Graph g;
  const auto a = g.add_input("a", DType::f32, Shape{2, 3});
  const auto add = g.add_node("Add", {a, a});
  infer(g, add);
  const Cost k = cost(g, add);
  EXPECT_EQ(k.macs, 0);
  EXPECT_EQ(k.ops, 6);
  EXPECT_EQ(k.bytes, 72);
}

}  // namespace
}  // namespace tenfold::ops
