#include "quant/graph_builder.hpp"

namespace tenfold::quant {
namespace {

using namespace test_support;
using ir::ValueId;

/// y = gemm(relu(x * w1 + b1)), with a second product of x beside it.
ir::Graph two_layers() {
  Build b;
  const ValueId x = b.input({3, 8});
  const ValueId m = b.op("MatMul", {x, b.constant("w1", random_tensor({8, 6}, 1))}, "m");
  const ValueId r = b.op("Relu", {b.op("Add", {m, b.constant("b1", random_tensor({6}, 2))}, "a")}, "r");
  const ValueId y =
      b.op("Gemm", {r, b.constant("w2", random_tensor({4, 6}, 3)), b.constant("b2", random_tensor({4}, 4))},
           "y", {{"transB", int64_t{1}}});
  const ValueId side = b.op("MatMul", {x, b.constant("w3", random_tensor({8, 6}, 5))}, "side");
  b.g.outputs = {y, side};
  return b.g;
}

TEST(QuantizeDynamic, PerChannelAndPerTensor) {
  const ir::Graph g = two_layers();
  for (bool per_channel : {true, false}) {
    QuantizeOptions options;
    options.per_channel = per_channel;
    const QuantizeResult r = quantize_dynamic(g, options);
    ir::verify(r.graph);
    EXPECT_GT(compare(g, r.graph).cosine(), 0.999);
    const auto n = count_ops(r.graph);
    EXPECT_EQ(n.at("MatMulInteger"), 3);
    EXPECT_EQ(n.at("DynamicQuantizeLinear"), 2);  // x is quantized once for two products
    EXPECT_EQ(n.count("Gemm"), 0u);
    EXPECT_EQ(r.graph.value(r.graph.outputs[0]).name, "y");
    EXPECT_EQ(r.graph.value(r.graph.outputs[1]).name, "side");
    EXPECT_EQ(r.graph.constant(find_value(r.graph, "w2_scale"))->shape(), per_channel ? Shape{4} : Shape{});
  }
}

TEST(QuantizeDynamic, OptionsAndRecords) {
  const ir::Graph g = two_layers();
  QuantizeOptions options;
  options.exclude = {"m"};
  options.ops = {"MatMul"};
  const QuantizeResult r = quantize_dynamic(g, options);
  EXPECT_EQ(record(r, "m").reason, "excluded by name");
  EXPECT_EQ(record(r, "y").reason, "its operator is not selected");
  EXPECT_TRUE(record(r, "side").quantized);
  EXPECT_EQ(count_ops(r.graph).at("MatMulInteger"), 1);
  options.exclude = {"nowhere"};
  EXPECT_THROW(quantize_dynamic(g, options), Error);
  options = {};
  options.ops = {"Conv"};
  try {
    quantize_dynamic(g, options);
    FAIL();
  } catch (const Error& e) {
    EXPECT_STREQ(e.what(), "operator 'Conv' has no dynamically quantized form");
  }
}

TEST(QuantizeDynamic, ProductsShareTheIntegersOfTheirWeight) {
  Build b;
  const ValueId w = b.constant("w", random_tensor({6, 6}, 1));
  ValueId x = b.input({2, 6});
  for (const char* name : {"m1", "m2"}) x = b.op("MatMul", {x, w}, name);
  for (const char* name : {"g1", "g2"}) x = b.op("Gemm", {x, w}, name, {{"transB", int64_t{1}}});
  b.g.outputs = {x};
  const QuantizeResult r = quantize_dynamic(b.g);
  EXPECT_GT(compare(b.g, r.graph).cosine(), 0.999);
  size_t weights = 0;  // as it is, and transposed
  for (size_t i = 0; i < r.graph.value_count(); i++) {
    const Tensor* t = r.graph.constant(static_cast<ValueId>(i));
    weights += t && t->elements() == 36;
  }
  EXPECT_EQ(weights, 2u);
}

TEST(QuantizeDynamic, ConstantWeightsOnly) {
  Build b;
  const ValueId x = b.input({4, 4});
  b.g.outputs = {b.op("MatMul", {x, x}, "square")};
  const QuantizeResult r = quantize_dynamic(b.g);
  EXPECT_EQ(record(r, "square").reason, "its weight is not constant");
  EXPECT_EQ(count_ops(r.graph).count("MatMulInteger"), 0u);
}

}  // namespace
}  // namespace tenfold::quant
