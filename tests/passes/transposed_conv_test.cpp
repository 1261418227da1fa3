// ConvTranspose as Conv and DepthToSpace keeps its meaning for every geometry.
#include "passes/pass_fixture.hpp"

namespace tenfold::test {
namespace {

using Ints = std::vector<int64_t>;

struct Geometry {
  int64_t channels, filters, group, kernel_h, kernel_w, stride;
  Ints pads, output_padding;
};

ValueId transposed(Builder& b, ValueId x, const Geometry& g) {
  const ValueId w = b.random({g.channels, g.filters / g.group, g.kernel_h, g.kernel_w});
  return b.op("ConvTranspose", {x, w, b.random({g.filters})},
              {{"strides", Ints{g.stride, g.stride}},
               {"pads", g.pads},
               {"output_padding", g.output_padding},
               {"group", g.group}});
}

TEST(TransposedConvToConv, keepsItsMeaning) {
  const Geometry all[] = {{3, 4, 1, 2, 2, 2, {0, 0, 0, 0}, {0, 0}}, {4, 6, 2, 4, 4, 2, {1, 1, 1, 1}, {0, 0}},
                          {2, 1, 1, 3, 3, 2, {1, 1, 1, 1}, {1, 1}}, {2, 3, 1, 3, 5, 1, {1, 2, 0, 1}, {0, 0}},
                          {2, 2, 2, 3, 3, 3, {0, 2, 1, 0}, {2, 0}}, {1, 2, 1, 1, 2, 3, {0, 0, 0, 0}, {0, 2}},
                          {2, 2, 1, 5, 5, 2, {3, 4, 4, 3}, {0, 1}}, {1, 1, 1, 7, 7, 2, {5, 5, 6, 6}, {0, 0}}};
  for (const Geometry& g : all) {
    Builder b;
    b.output(transposed(b, b.input({2, g.channels, 6, 5}), g));
    Graph after;
    optimised(b.graph, {}, Stage::canonicalise, &after);
    EXPECT_EQ(count(after, "ConvTranspose"), 0u);
  }
}

TEST(TransposedConvToConv, alongOneAxis) {
  struct OneAxis {
    int64_t channels, filters, group, kernel, stride;
    Ints pads, output_padding;
  };
  const OneAxis all[] = {{3, 4, 1, 2, 2, {0, 0}, {0}},  {4, 6, 2, 4, 2, {1, 1}, {0}},
                         {2, 1, 1, 3, 2, {1, 1}, {1}},  {2, 3, 1, 5, 1, {2, 1}, {0}},
                         {2, 2, 2, 3, 3, {2, 0}, {0}},  {1, 2, 1, 16, 8, {4, 4}, {0}},
                         {2, 2, 1, 10, 10, {0, 3}, {5}}};
  for (const OneAxis& g : all) {
    Builder b;
    const ValueId w = b.random({g.channels, g.filters / g.group, g.kernel});
    b.output(b.op("ConvTranspose", {b.input({2, g.channels, b.symbol("n")}), w, b.random({g.filters})},
                  {{"strides", Ints{g.stride}},
                   {"pads", g.pads},
                   {"output_padding", g.output_padding},
                   {"group", g.group}}));
    Graph after;
    optimised(b.graph, {}, Stage::canonicalise, &after);
    EXPECT_EQ(count(after, "ConvTranspose"), 0u);
  }
}

TEST(TransposedConvToConv, symbolicExtents) {
  Builder b;
  b.output(transposed(b, b.input({b.symbol("n"), 3, b.symbol("h"), b.symbol("w")}),
                      {3, 5, 1, 4, 4, 2, {1, 1, 1, 1}, {0, 0}}));
  EXPECT_EQ(optimised(b.graph), "Conv DepthToSpace Slice");
}

TEST(TransposedConvToConv, unequalStridesAndDilationsStay) {
  for (const auto& [strides, dilations] : {std::pair{Ints{2, 1}, Ints{1, 1}}, {Ints{2, 2}, Ints{2, 1}}}) {
    Builder b;
    b.output(b.op("ConvTranspose", {b.input({1, 2, 4, 4}), b.random({2, 3, 3, 3})},
                  {{"strides", strides}, {"dilations", dilations}}));
    EXPECT_EQ(optimised(b.graph), "ConvTranspose");
  }
}

TEST(TransposedConvToConv, stridesFarBeyondTheKernelStay) {
  for (const int64_t stride : {3, 1000000}) {
    Builder b;
    b.output(b.op("ConvTranspose", {b.input({1, 2, 1, 1}), b.random({2, 3, 1, 1})},
                  {{"strides", Ints{stride, stride}}}));
    EXPECT_EQ(optimised(b.graph), "ConvTranspose");
  }
}

TEST(TransposedConvToConv, uncheckedNodesStay) {
  Graph g;
  const ValueId x = g.add_value("x", DType::f32);
  const ValueId w = g.add_constant("w", Tensor::from<float>({1, 1, 2, 2}, std::vector<float>(4, 1.0f)));
  g.inputs.push_back(x);
  g.outputs = {g.node(g.add_node("ConvTranspose", {x, w}, {{"group", int64_t{0}}})).output()};
  const passes::Pass* pass = nullptr;
  for (const passes::Pass* p : passes::pipeline(Stage::canonicalise))
    if (std::string_view(p->name) == "transposed-conv-to-conv") pass = p;
  ASSERT_NE(pass, nullptr);
  EXPECT_FALSE(pass->rewrite(g, *g.topological_order().begin()).has_value());
}

}  // namespace
}  // namespace tenfold::test
