// Shape arithmetic as exporters write it, with symbolic extents.
#include <gtest/gtest.h>

#include "ops/run_op.hpp"
#include "ops/symbolic.hpp"

namespace tenfold::ops {
namespace {

using ir::ValueId;

/// Builds nodes one after the other; every call infers.
struct Builder {
  ir::Graph g;
  ValueId add(const char* op, std::vector<ValueId> inputs, ir::Attributes attrs = {}) {
    const auto node = g.add_node(op, std::move(inputs), std::move(attrs));
    infer(g, node);
    return g.node(node).output();
  }
  ValueId ints(std::initializer_list<int64_t> v) {
    return g.add_constant(g.unique_name("c"),
                          Tensor::from<int64_t>(Shape{static_cast<int64_t>(v.size())}, v));
  }
  ValueId scalar(int64_t v) { return g.add_constant(g.unique_name("c"), Tensor::scalar<int64_t>(v)); }
  ValueId input(std::vector<int64_t> dims, DType type = DType::f32) {
    return g.add_input(g.unique_name("x"), type, Shape(std::move(dims)));
  }
  std::string text(ValueId v) {
    const auto& shape = g.value(v).shape;
    if (!shape) return "?";
    std::string t;
    for (int64_t d : *shape)
      t += (t.empty() ? "" : " ") + (is_symbol(d) ? g.symbol_name(d) : std::to_string(d));
    return t;
  }
};

TEST(Propagation, HeadsOfAttention) {
  Builder b;
  const ValueId x = b.input({b.g.symbol("batch"), b.g.symbol("seq"), 768});
  const ValueId shape = b.add("Shape", {x});
  const auto extent = [&](int64_t i) {
    return b.add("Unsqueeze", {b.add("Gather", {shape, b.scalar(i)}), b.ints({0})});
  };
  const ValueId target =
      b.add("Concat", {extent(0), extent(1), b.ints({12}), b.ints({64})}, {{"axis", int64_t{0}}});
  const ValueId heads =
      b.add("Transpose", {b.add("Reshape", {x, target})}, {{"perm", std::vector<int64_t>{0, 2, 1, 3}}});
  EXPECT_EQ(b.text(heads), "batch 12 seq 64");
  const ValueId back =
      b.add("Reshape",
            {b.add("Transpose", {heads}, {{"perm", std::vector<int64_t>{0, 2, 1, 3}}}), b.ints({0, 0, -1})});
  EXPECT_EQ(b.text(back), "batch seq 768");
  EXPECT_EQ(b.text(b.add("Reshape", {heads, b.ints({-1, 64})})), "12*batch*seq 64");
}

TEST(Propagation, ExpandWithWhere) {
  Builder b;
  const ValueId x = b.input({b.g.symbol("batch"), 1, 1, b.g.symbol("seq")});
  const ValueId shape =
      b.add("Concat", {b.add("Slice", {b.add("Shape", {x}), b.ints({0}), b.ints({1})}), b.ints({1, -1, 5})},
            {{"axis", int64_t{0}}});
  const ValueId ones =
      b.add("ConstantOfShape", {b.ints({4})}, {{"value", Tensor::from<int64_t>(Shape{1}, {1})}});
  const ValueId safe = b.add("Where", {b.add("Equal", {shape, b.ints({-1})}), ones, shape});
  EXPECT_EQ(b.text(b.add("Expand", {b.input({1, 1, 7, 1}), safe})), "batch 1 7 5");
}

TEST(Propagation, ContentsOfMatricesAreUnknown) {
  Builder b;
  const ValueId x = b.input({b.g.symbol("n"), b.g.symbol("m")});
  const ValueId shape = b.add("Shape", {x}), column = b.add("Reshape", {shape, b.ints({2, 1})});
  EXPECT_FALSE(b.g.value(column).content);
  const ValueId table = b.add("Add", {column, shape});  // [2, 1] and [2] give [2, 2]
  EXPECT_FALSE(b.g.value(table).content);
  b.g.outputs = {b.add("Mul", {table, table})};
  specialise(b.g, std::vector{Shape{2, 3}});
  EXPECT_TRUE(b.g.value(b.add("Reshape", {column, b.ints({-1})})).shape);
}

TEST(Propagation, WhereOfAMatrixAndNothing) {
  Builder b;
  const ValueId shape = b.add("Shape", {b.input({b.g.symbol("n"), b.g.symbol("m")})});
  const ValueId column = b.add("Reshape", {shape, b.ints({2, 1})});
  const ValueId y =
      b.add("Where", {b.g.add_constant("no", Tensor::from<bool>(Shape{1}, {false})), b.ints({}), column});
  EXPECT_EQ(b.text(y), "2 0");
  EXPECT_FALSE(b.g.value(y).content);
}

TEST(Propagation, SlicesOfSymbolicAxes) {
  Builder b;
  const ValueId x = b.input({b.g.symbol("n"), b.g.symbol("h")});
  const auto cut = [&](int64_t start, int64_t end, int64_t step = 1) {
    return b.text(b.add("Slice", {x, b.ints({start}), b.ints({end}), b.ints({1}), b.ints({step})}));
  };
  EXPECT_EQ(cut(0, INT64_MAX), "n h");
  EXPECT_EQ(cut(0, INT32_MAX, 2), "n floor((h+1)/2)");
  EXPECT_EQ(cut(1, INT64_MAX), cut(0, -1));
  EXPECT_EQ(cut(-1, INT64_MIN, -1), "n h");
  const ValueId positions =
      b.add("Slice", {b.input({1, 512}), b.ints({0}),
                      b.add("Unsqueeze", {b.add("Gather", {b.add("Shape", {x}), b.scalar(1)}), b.ints({0})}),
                      b.ints({1})});
  EXPECT_EQ(b.text(b.add("Add", {positions, b.add("Slice", {x, b.ints({0}), b.ints({1}), b.ints({0})})})),
            "n-max(0,n-1) h");  // min(1, n)
  EXPECT_EQ(b.text(b.add("Add", {positions, x})), "n h");
}

TEST(Propagation, RangeFlattenSizeAndReductions) {
  Builder b;
  const ValueId x = b.input({b.g.symbol("n"), 3, b.g.symbol("h")});
  const ValueId shape = b.add("Shape", {x});
  EXPECT_EQ(b.text(b.add("Flatten", {x}, {{"axis", int64_t{2}}})), "3*n h");
  EXPECT_EQ(b.text(b.add("Range", {b.scalar(0), b.add("Gather", {shape, b.scalar(2)}), b.scalar(1)})), "h");
  EXPECT_EQ(b.text(b.add("ConstantOfShape", {b.add("ReduceProd", {shape})})), "3*h*n");
  EXPECT_EQ(b.text(b.add("ConstantOfShape", {b.add("Unsqueeze", {b.add("Size", {x}), b.ints({0})})})),
            "3*h*n");
  EXPECT_EQ(b.text(b.add("Tile", {x, b.ints({1, 2, 2})})), "n 6 2*h");
  EXPECT_EQ(b.text(b.add("Pad", {x, b.ints({0, 0, 1, 0, 0, 2})})), "n 3 h+3");
  EXPECT_EQ(b.text(b.add("Concat", {x, x}, {{"axis", int64_t{2}}})), "n 3 2*h");
  EXPECT_EQ(b.text(b.add("NonZero", {x})).substr(0, 2), "3 ");
  EXPECT_EQ(b.text(b.add("Squeeze", {x})), "?");
  EXPECT_EQ(b.text(b.add("ReduceMean", {x, b.ints({-1})}, {{"keepdims", int64_t{0}}})), "n 3");
}

TEST(Propagation, CoefficientsWithoutAnAbsoluteValue) {
  Builder b;
  const ValueId shape = b.add("Shape", {b.input({b.g.symbol("-2*4611686018427387904*n")})});
  EXPECT_TRUE(b.g.value(b.add("Div", {shape, b.ints({-1})})).content);
  InferContext c(b.g, b.g.value(shape).producer);
  EXPECT_THROW(dim_mul(c, dim_mul(c, b.g.symbol("n"), -(int64_t{1} << 39)), int64_t{1} << 24), Error);
}

TEST(Propagation, QuotientsMayBeNegative) {
  Builder b;
  const ValueId n = b.add("Shape", {b.input({b.g.symbol("n")})});
  const auto half = [&](ValueId v) { return b.add("Div", {v, b.ints({2})}); };
  const auto at_least_0 = [&](ValueId v) {
    return b.text(b.add("ConstantOfShape", {b.add("Max", {v, b.ints({0})})}));
  };
  EXPECT_EQ(at_least_0(half(b.add("Sub", {n, b.ints({5})}))), "max(0,floor((n-5)/2))");
  EXPECT_EQ(at_least_0(half(half(b.add("Add", {n, b.ints({5})})))), "floor(floor((n+5)/2)/2)");
  EXPECT_EQ(at_least_0(b.add("Add", {half(b.add("Sub", {n, b.ints({1})})), b.ints({1})})),
            "floor((n-1)/2)+1");
}

TEST(Propagation, UnknownRanksStayUnknown) {
  Builder b;
  const auto unknown = b.g.add_value("unknown", DType::f32);
  for (const char* op : {"Relu", "Transpose", "Squeeze", "ReduceSum", "Softmax", "NonZero"})
    EXPECT_EQ(b.text(b.add(op, {unknown})), "?") << op;
  EXPECT_EQ(b.text(b.add("Shape", {unknown})).find("?"), std::string::npos);
  EXPECT_EQ(b.text(b.add("Add", {unknown, b.input({2})})), "?");
}

}  // namespace
}  // namespace tenfold::ops
