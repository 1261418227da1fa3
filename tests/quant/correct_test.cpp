#include "quant/correct.hpp"

#include "quant/graph_builder.hpp"

namespace tenfold::quant {
namespace {

using namespace test_support;
using ir::Graph;
using ir::ValueId;

/// Multiplies channel c (axis 0) of a constant by factor^c, so that channels have very different ranges.
void spread_channels(Graph& g, const std::string& name, float factor) {
  Tensor& t = g.value(find_value(g, name)).constant;
  const int64_t row = t.elements() / t.shape()[0];
  float scale = 1;
  for (int64_t c = 0; c < t.shape()[0]; c++, scale *= factor)
    for (int64_t i = 0; i < row; i++) t.mutable_data<float>()[c * row + i] *= scale;
}

QuantizeResult quantize(const Graph& g, const QuantizeOptions& options = {}) {
  VectorFeeds feeds(samples_for(g));
  return quantize_static(
      g, calibrate(g, test::compile_reference, feeds, calibration_values(g, options)).table(Method::minmax),
      options);
}

TEST(BatchNorm, BecomesAConvolutionBehindConcat) {
  Build b;
  const ValueId x = b.input({1, 3, 6, 6});
  const ValueId cat = b.op("Concat", {b.conv(x, 3, 4, "c1", 1), x}, "cat", {{"axis", int64_t{1}}});
  const auto constant = [&](const char* name, float scale, float offset) {
    Tensor t = random_tensor({7}, 9, scale);
    for (int i = 0; i < 7; i++) t.mutable_data<float>()[i] += offset;
    return b.constant(name, t);
  };
  const ValueId bn = b.op("BatchNormalization",
                          {cat, constant("gamma", 1, 0), constant("beta", 0.1f, 0), constant("mean", 0.1f, 0),
                           constant("var", 0.5f, 1)},
                          "bn");
  b.g.outputs = {b.conv(b.op("Relu", {bn}, "r"), 7, 4, "c2", 2)};
  const Graph g = batch_norms_as_convolutions(b.g);
  ir::verify(g);
  EXPECT_EQ(count_ops(g).at("Conv"), 3);
  EXPECT_GT(compare(b.g, g).cosine(), 0.9999999);
  const QuantizeResult q = quantize(b.g);
  EXPECT_GT(compare(b.g, q.graph).cosine(), 0.999);
  EXPECT_EQ(count_ops(q.graph).count("BatchNormalization"), 0u);
  EXPECT_EQ(consumer(q.graph, "bn").op, "Relu");
  QuantizeOptions keep;
  keep.exclude = {"bn"};
  EXPECT_EQ(count_ops(quantize(b.g, keep).graph).at("BatchNormalization"), 1);
}

TEST(ScalarConstants, AnAddOfOneNumberJoinsTheActivation) {
  Build b;
  const ValueId c = b.conv(b.input({1, 3, 8, 8}), 3, 8, "c1", 1);
  Tensor shift(DType::f32, {8, 1, 1});
  for (float& v : std::span(shift.mutable_data<float>(), 8)) v = -0.1f;
  const ValueId a = b.op("Add", {b.op("HardSwish", {c}, "h"), b.constant("shift", std::move(shift))}, "a");
  b.g.outputs = {b.conv(a, 8, 4, "c2", 2)};
  EXPECT_GT(compare(b.g, uniform_constants_as_scalars(b.g)).cosine(), 0.9999999);
  // One pair between convolution and table, one behind the table; none between HardSwish and Add.
  const auto names = calibration_values(b.g);
  EXPECT_EQ(std::count(names.begin(), names.end(), "h"), 0);
  EXPECT_EQ(std::count(names.begin(), names.end(), "a"), 1);
}

TEST(ScalarConstants, OthersStay) {
  Build b;
  const ValueId x = b.input({1, 3, 8, 8});
  const ValueId different = b.op("Add", {x, b.constant("k", random_tensor({3, 1, 1}, 1))}, "a");
  b.g.outputs = {b.op("Add", {different, b.constant("wide", Tensor(DType::f32, {2, 3, 8, 8}))}, "b")};
  const Graph g = uniform_constants_as_scalars(b.g);
  for (const char* name : {"a", "b"}) {
    const ir::Node& add = *g.producer(find_value(g, name));
    EXPECT_GT(g.constant(add.input(1))->elements(), 1) << name;  // "b": the constant gives the batch
  }
}

TEST(BiasCorrection, ChainsAreCorrectedOnce) {
  Build b;
  ValueId x = b.input({1, 3, 8, 8});
  for (unsigned i = 0; i < 8; i++)
    x = b.op("HardSwish", {b.conv(x, i ? 8 : 3, 8, "c" + std::to_string(i), i)}, "h" + std::to_string(i));
  b.g.outputs = {x};
  QuantizeOptions coarse;
  coarse.per_channel = false;
  const QuantizeResult q = quantize(b.g, coarse);
  VectorFeeds feeds(samples_for(b.g));
  const Graph corrected = correct_bias(b.g, q, test::compile_reference, feeds);
  EXPECT_GE(compare(b.g, corrected).cosine(), compare(b.g, q.graph).cosine() - 1e-3);
}

TEST(BiasCorrection, RemovesTheShift) {
  Build b;
  const ValueId x = b.input({1, 3, 8, 8});
  const ValueId r = b.op("Relu", {b.conv(x, 3, 8, "c1", 1)}, "r1");
  const ValueId w = b.constant("c2.w", random_tensor({4, 8, 3, 3}, 2));
  b.g.outputs = {b.op("Conv", {r, w}, "c2")};  // no bias: one is added
  spread_channels(b.g, "c1.w", 0.3f);
  QuantizeOptions coarse;
  coarse.per_channel = false;
  const QuantizeResult q = quantize(b.g, coarse);
  const double before = std::fabs(compare(b.g, q.graph).mean_difference());
  VectorFeeds feeds(samples_for(b.g));
  const Graph corrected = correct_bias(b.g, q, test::compile_reference, feeds);
  ir::verify(corrected);
  const double after = std::fabs(compare(b.g, corrected).mean_difference());
  EXPECT_LT(after, before / 4);
  EXPECT_EQ(count_ops(corrected).at("DequantizeLinear"), count_ops(q.graph).at("DequantizeLinear") + 1);
}

TEST(BiasCorrection, Errors) {
  Build b;
  b.g.outputs = {b.conv(b.input({1, 3, 8, 8}), 3, 8, "c1", 1)};
  const QuantizeResult q = quantize(b.g);
  VectorFeeds none({}), some(samples_for(b.g));
  EXPECT_THROW(correct_bias(b.g, q, test::compile_reference, none), Error);
  EXPECT_THROW(correct_bias(b.g, q, test::compile_reference, some, {.cancelled = [] { return true; }}),
               Error);
}

}  // namespace
}  // namespace tenfold::quant
