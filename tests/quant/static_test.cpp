#include "quant/graph_builder.hpp"

namespace tenfold::quant {
namespace {

using namespace test_support;
using ir::Graph;
using ir::ValueId;

struct Quantized {
  QuantizeResult result;
  Compared outputs;
};

Quantized quantize_and_run(const Graph& g, const QuantizeOptions& options = {},
                           Method method = Method::minmax) {
  VectorFeeds feeds(samples_for(g));
  const Calibration c = calibrate(g, test::compile_reference, feeds, calibration_values(g, options));
  Quantized q{quantize_static(g, c.table(method), options), {}};
  ir::verify(q.result.graph);
  q.outputs = compare(g, q.result.graph);
  return q;
}

double cosine(const Quantized& q) { return q.outputs.cosine(); }

TEST(QuantizeStatic, ConvReluConv) {
  Build b;
  const ValueId x = b.input({1, 3, 8, 8});
  const ValueId r = b.op("Relu", {b.conv(x, 3, 8, "c1", 1)}, "r1");
  b.g.outputs = {b.conv(r, 8, 4, "c2", 2)};
  const Quantized q = quantize_and_run(b.g);
  EXPECT_GT(cosine(q), 0.999);
  // Q/DQ on x and r1 only: Relu is part of c1, and the caller reads c2 in FP32.
  const auto n = count_ops(q.result.graph);
  EXPECT_EQ(n.at("QuantizeLinear"), 2);
  EXPECT_EQ(n.at("DequantizeLinear"), 2 + 4);
  const Graph& g = q.result.graph;
  EXPECT_EQ(consumer(g, "c1").op, "Relu");
  EXPECT_EQ(consumer(g, "r1").op, "QuantizeLinear");
  EXPECT_EQ(g.constant(find_value(g, "r1_zero_point"))->at_int(0), 0);
  // Conventions of ONNX Runtime: s8 weights per output channel, int32 bias with scale sx * sw[c].
  const Tensor& w = *g.constant(find_value(g, "c2.w_quantized"));
  EXPECT_EQ(w.dtype(), DType::s8);
  const Tensor& ws = *g.constant(find_value(g, "c2.w_scale"));
  const Tensor& bs = *g.constant(find_value(g, "c2.b_scale"));
  ASSERT_EQ(ws.shape(), (Shape{4}));
  EXPECT_EQ(g.constant(find_value(g, "c2.b_quantized"))->dtype(), DType::i32);
  const float sx = g.constant(find_value(g, "r1_scale"))->data<float>()[0];
  for (int i = 0; i < 4; i++) EXPECT_FLOAT_EQ(bs.data<float>()[i], sx * ws.data<float>()[i]);
  EXPECT_EQ(consumer(g, "c2.w_quantized").attrs.get_int("axis", -1), 0);
  EXPECT_TRUE(record(q.result, "r1").quantized);
  EXPECT_EQ(q.result.layers.size(), 2u);
}

TEST(QuantizeStatic, PerTensorWeights) {
  Build b;
  b.g.outputs = {b.conv(b.input({1, 3, 8, 8}), 3, 8, "c1", 1)};
  QuantizeOptions options;
  options.per_channel = false;
  const Quantized q = quantize_and_run(b.g, options);
  EXPECT_GT(cosine(q), 0.999);
  EXPECT_EQ(q.result.graph.constant(find_value(q.result.graph, "c1.w_scale"))->shape().rank(), 0);
  EXPECT_EQ(q.result.graph.constant(find_value(q.result.graph, "c1.b_scale"))->shape().rank(), 0);
}

TEST(QuantizeStatic, ResidualAddAndMovement) {
  Build b;
  const ValueId x = b.input({1, 4, 8, 8});
  const ValueId a = b.conv(x, 4, 4, "c1", 1);
  const ValueId s = b.op("Add", {b.conv(a, 4, 4, "c2", 2), a}, "sum");
  const ValueId r = b.op("Relu", {s}, "r");
  const ValueId t = b.op("Transpose", {r}, "t", {{"perm", std::vector<int64_t>{0, 1, 3, 2}}});
  b.g.outputs = {b.conv(t, 4, 4, "c3", 3)};
  const Quantized q = quantize_and_run(b.g);
  EXPECT_GT(cosine(q), 0.999);
  const Graph& g = q.result.graph;
  EXPECT_EQ(consumer(g, "sum").op, "Relu");           // fused, no Q between
  EXPECT_EQ(consumer(g, "c2").op, "QuantizeLinear");  // the epilogue adds the byte
  EXPECT_EQ(g.constant(find_value(g, "t_scale"))->data<float>()[0],
            g.constant(find_value(g, "r_scale"))->data<float>()[0]);
  EXPECT_EQ(count_ops(g).at("QuantizeLinear"), 5);  // x, c1, c2, r, t
  const auto wanted = calibration_values(b.g);
  EXPECT_EQ(std::count(wanted.begin(), wanted.end(), "t"), 0);
}

TEST(QuantizeStatic, ConcatSharesItsRange) {
  Build b;
  const ValueId x = b.input({1, 3, 8, 8});
  const ValueId a = b.op("Relu", {b.conv(x, 3, 4, "c1", 1)}, "r1"),
                c = b.op("Relu", {b.conv(x, 3, 4, "c2", 2)}, "r2");
  const ValueId cat = b.op("Concat", {a, c}, "cat", {{"axis", int64_t{1}}});
  b.g.outputs = {b.conv(cat, 8, 4, "c3", 3)};
  const auto scale = [](const Graph& g, const char* name) {
    return g.constant(find_value(g, name))->data<float>()[0];
  };
  const Quantized shared = quantize_and_run(b.g);
  EXPECT_EQ(scale(shared.result.graph, "r1_scale"), scale(shared.result.graph, "cat_scale"));
  EXPECT_EQ(scale(shared.result.graph, "r2_scale"), scale(shared.result.graph, "cat_scale"));
  QuantizeOptions apart;
  apart.concat_range_ratio = 0;
  const Quantized own = quantize_and_run(b.g, apart);
  EXPECT_NE(scale(own.result.graph, "r1_scale"), scale(own.result.graph, "r2_scale"));
  EXPECT_GT(cosine(own), 0.999);
}

TEST(QuantizeStatic, ExclusionKeepsNeighboursRight) {
  Build b;
  const ValueId x = b.input({1, 3, 8, 8});
  ValueId v = x;
  for (int i = 1; i <= 3; i++)
    v = b.op("Relu", {b.conv(v, 3, 3, "c" + std::to_string(i), static_cast<unsigned>(i))},
             "r" + std::to_string(i));
  b.g.outputs = {v};
  QuantizeOptions options;
  options.exclude = {"c2"};
  const Quantized q = quantize_and_run(b.g, options);
  EXPECT_GT(cosine(q), 0.999);
  EXPECT_EQ(record(q.result, "c2").reason, "excluded by name");
  EXPECT_EQ(record(q.result, "r2").reason, "its input is computed in FP32");
  EXPECT_EQ(record(q.result, "r1").reason, "no int8 operator reads its result");
  EXPECT_EQ(count_ops(q.result.graph).at("QuantizeLinear"), 2);  // x and r2
  options.exclude = {"nowhere"};
  EXPECT_THROW(calibration_values(b.g, options), Error);
  options.exclude.clear();
  options.ops = {"Softmax"};
  EXPECT_THROW(calibration_values(b.g, options), Error);
  options.ops = {"Conv"};
  EXPECT_EQ(record(quantize_and_run(b.g, options).result, "r1").reason, "its operator is not selected");
}

TEST(QuantizeStatic, MatMulBiasAndGemm) {
  Build b;
  const ValueId x = b.input({2, 6});
  const ValueId m = b.op("MatMul", {x, b.constant("w1", random_tensor({6, 5}, 1))}, "m");
  const ValueId a = b.op("Add", {m, b.constant("b1", random_tensor({5}, 2))}, "a");
  const ValueId r = b.op("Relu", {a}, "r");
  b.g.outputs = {b.op(
      "Gemm", {r, b.constant("w2", random_tensor({3, 5}, 3)), b.constant("b2", random_tensor({1, 3}, 4))},
      "y", {{"transB", int64_t{1}}})};
  const Quantized q = quantize_and_run(b.g);
  EXPECT_GT(cosine(q), 0.999);
  const Graph& g = q.result.graph;
  EXPECT_EQ(consumer(g, "m").op, "Add");
  EXPECT_EQ(consumer(g, "a").op, "Relu");
  EXPECT_EQ(count_ops(g).at("QuantizeLinear"), 2);
  EXPECT_EQ(consumer(g, "w1_quantized").attrs.get_int("axis", -1), 1);
  EXPECT_EQ(consumer(g, "w2_quantized").attrs.get_int("axis", -1), 0);
  EXPECT_EQ(g.constant(find_value(g, "b2_quantized"))->shape(), (Shape{3}));
}

TEST(QuantizeStatic, UnaryChainIsOneTable) {
  Build b;
  const ValueId c = b.conv(b.input({1, 3, 8, 8}), 3, 4, "c1", 1);
  const ValueId r = b.op("Relu", {c}, "r");
  const ValueId m = b.op("Mul", {r, b.constant("half", Tensor::scalar(0.5f))}, "m");
  const ValueId s = b.op("Sub", {m, b.constant("one", Tensor::from<float>({1}, {1.0f}))}, "s");
  b.g.outputs = {b.conv(s, 4, 4, "c2", 2)};
  const Quantized q = quantize_and_run(b.g);
  EXPECT_GT(cosine(q), 0.999);
  EXPECT_EQ(consumer(q.result.graph, "c1").op, "Relu");
  EXPECT_EQ(consumer(q.result.graph, "r").op, "QuantizeLinear");
  EXPECT_EQ(consumer(q.result.graph, "m").op, "Sub");
  EXPECT_EQ(consumer(q.result.graph, "s").op, "QuantizeLinear");
}

TEST(QuantizeStatic, ConstantOperandBecomesU8) {
  Build b;
  const ValueId c = b.conv(b.input({1, 3, 8, 8}), 3, 4, "c1", 1);
  const ValueId m = b.op("Mul", {c, b.constant("gamma", random_tensor({1, 4, 1, 1}, 5))}, "m");
  b.g.outputs = {b.conv(m, 4, 4, "c2", 2)};
  const Quantized q = quantize_and_run(b.g);
  EXPECT_GT(cosine(q), 0.998);
  EXPECT_EQ(q.result.graph.constant(find_value(q.result.graph, "gamma_quantized"))->dtype(), DType::u8);
}

TEST(QuantizeStatic, LayersShareTheIntegersOfTheirWeight) {
  Build b;
  const ValueId w = b.constant("w", random_tensor({6, 6}, 1));
  ValueId x = b.input({2, 6});
  for (const char* name : {"m1", "m2", "m3"}) x = b.op("MatMul", {x, w}, name);
  x = b.op("Gemm", {x, w, b.constant("b1", random_tensor({6}, 2))}, "g1");
  x = b.op("Gemm", {x, w, b.constant("b2", random_tensor({6}, 3, 1e9f))}, "g2");  // needs wider scales
  b.g.outputs = {x};
  const Quantized q = quantize_and_run(b.g);
  EXPECT_GT(cosine(q), 0.99);
  size_t weights = 0;
  const Graph& g = q.result.graph;
  for (size_t i = 0; i < g.value_count(); i++) {
    const Tensor* t = g.constant(static_cast<ValueId>(i));
    weights += t && t->dtype() == DType::s8 && t->elements() == 36;
  }
  EXPECT_EQ(weights, 2u);
}

TEST(QuantizeStatic, WhatResizeAddsOutsideHasItsOwnRange) {
  for (float outside : {0.0f, 50.0f}) {
    Build b;
    const ValueId r = b.op("Relu", {b.conv(b.input({1, 3, 8, 8}), 3, 8, "c1", 1)}, "r");
    const ValueId roi = b.constant("roi", Tensor::from<float>({8}, {{0, 0, -0.2f, -0.2f, 1, 1, 1.2f, 1.2f}})),
                  sizes = b.constant("sizes", Tensor::from<int64_t>({4}, {{1, 8, 10, 10}}));
    const ValueId z = b.op("Resize", {r, roi, ir::kNone, sizes}, "z",
                           {{"mode", "linear"},
                            {"coordinate_transformation_mode", "tf_crop_and_resize"},
                            {"extrapolation_value", outside}});
    b.g.outputs = {b.conv(z, 8, 4, "c2", 2)};
    const Quantized q = quantize_and_run(b.g);
    EXPECT_GT(cosine(q), 0.999) << outside;
    const auto scale = [&](const char* name) {
      return q.result.graph.constant(find_value(q.result.graph, name))->data<float>()[0];
    };
    EXPECT_EQ(scale("z_scale") == scale("r_scale"), outside == 0);
  }
}

TEST(QuantizeStatic, FunctionsByChannelAndReductions) {
  Build b;
  const ValueId x = b.conv(b.input({1, 3, 8, 8}), 3, 4, "c1", 1);
  const ValueId axis = b.constant("axis", Tensor::from<int64_t>({1}, {{1}}));
  const ValueId p = b.op("PRelu", {x, b.constant("slope", random_tensor({4, 1, 1}, 6))}, "p");
  const ValueId largest = b.op("ReduceMax", {p, axis}, "largest"),
                mean = b.op("ReduceMean", {p, axis}, "mean");
  b.g.outputs = {b.conv(b.op("Sub", {largest, mean}, "difference"), 1, 4, "c2", 2)};
  const Quantized q = quantize_and_run(b.g);
  EXPECT_GT(cosine(q), 0.998);
  for (const char* value : {"c1", "p", "largest", "mean", "difference"})
    EXPECT_EQ(consumer(q.result.graph, value).op, "QuantizeLinear") << value;
}

TEST(QuantizeStatic, SlopesAlongPixelsStayInFp32) {
  Build b;
  const ValueId x = b.conv(b.input({1, 3, 8, 8}), 3, 4, "c1", 1);
  const ValueId p = b.op("PRelu", {x, b.constant("slope", random_tensor({8, 1}, 6))}, "p");
  b.g.outputs = {b.conv(p, 4, 4, "c2", 2)};
  EXPECT_EQ(consumer(quantize_and_run(b.g).result.graph, "c1").op, "PRelu");
}

TEST(QuantizeStatic, VectorsHaveNoChannels) {
  Build b;
  b.g.outputs = {b.op("PRelu", {b.input({8}), b.constant("slope", random_tensor({8}, 6))}, "p")};
  EXPECT_EQ(count_ops(quantize_and_run(b.g).result.graph).count("QuantizeLinear"), 0u);
}

TEST(QuantizeStatic, OutputThatIsAlsoReadInsideKeepsItsName) {
  Build b;
  const ValueId c = b.op("Relu", {b.conv(b.input({1, 3, 8, 8}), 3, 3, "c1", 1)}, "first");
  b.g.outputs = {c, b.conv(c, 3, 3, "second", 2)};
  const Quantized q = quantize_and_run(b.g);
  const Graph& g = q.result.graph;
  EXPECT_EQ(g.value(g.outputs[0]).name, "first");
  EXPECT_EQ(g.producer(g.outputs[0])->op, "DequantizeLinear");
  EXPECT_EQ(g.value(g.outputs[1]).name, "second");
  EXPECT_GT(cosine(q), 0.999);
}

TEST(QuantizeStatic, NothingToQuantizeIsTheSameGraph) {
  Build b;
  const ValueId x = b.input({1, 4});
  b.g.outputs = {b.op("Relu", {b.op("Add", {x, x}, "a")}, "r")};
  const Quantized q = quantize_and_run(b.g);
  EXPECT_EQ(q.outputs.expected, q.outputs.actual);
  EXPECT_EQ(count_ops(q.result.graph).count("QuantizeLinear"), 0u);
}

TEST(QuantizeStatic, QuantizedModelsAreRefused) {
  Build b;
  b.g.outputs = {b.conv(b.input({1, 3, 8, 8}), 3, 8, "c1", 1)};
  const Graph once = quantize_and_run(b.g).result.graph;
  for (const auto& again :
       {std::function([&] { quantize_static(once, {}); }), std::function([&] { quantize_dynamic(once); })})
    try {
      again();
      FAIL();
    } catch (const Error& e) {
      EXPECT_EQ(e.code(), ErrorCode::invalid_argument);
      EXPECT_NE(std::string(e.what()).find("quantized already (QuantizeLinear 'x_QuantizeLinear')"),
                std::string::npos)
          << e.what();
    }
}

TEST(QuantizeStatic, MissingRangeIsNamed) {
  Build b;
  b.g.outputs = {b.conv(b.input({1, 3, 8, 8}), 3, 8, "c1", 1)};
  try {
    quantize_static(b.g, {});
    FAIL();
  } catch (const Error& e) {
    EXPECT_EQ(e.code(), ErrorCode::invalid_argument);
    EXPECT_NE(std::string(e.what()).find("'x'"), std::string::npos);
  }
}

TEST(QuantizeStatic, EveryMethodOnOneCalibration) {
  Build b;
  const ValueId r = b.op("Relu", {b.conv(b.input({1, 3, 16, 16}), 3, 8, "c1", 1)}, "r1");
  b.g.outputs = {b.conv(r, 8, 4, "c2", 2)};
  for (Method m : {Method::minmax, Method::percentile, Method::entropy, Method::mse})
    EXPECT_GT(cosine(quantize_and_run(b.g, {}, m)), 0.995) << to_string(m);
}

TEST(QuantizeStatic, RangesEndWhereTheReaderSaturates) {
  Build b;
  const ValueId x = b.input({1, 3, 8, 8});
  const ValueId h = b.op("HardSwish", {b.conv(x, 3, 8, "c1", 1)}, "h");
  b.g.outputs = {b.conv(h, 8, 4, "c2", 2)};
  for (float& v : std::span(b.g.value(find_value(b.g, "c1.b")).constant.mutable_data<float>(), 8)) v -= 8;
  QuantizeOptions whole;
  whole.saturate_ranges = false;
  const auto scale = [](const Quantized& q) {
    return q.result.graph.constant(find_value(q.result.graph, "c1_scale"))->data<float>()[0];
  };
  const Quantized narrow = quantize_and_run(b.g), wide = quantize_and_run(b.g, whole);
  EXPECT_LT(scale(narrow), 0.7f * scale(wide));
  EXPECT_GE(cosine(narrow), cosine(wide));
}

TEST(QuantizeStatic, OneCalibrationServesEveryExclusion) {
  Build b;
  const ValueId x = b.input({1, 4, 8, 8});
  const ValueId a = b.op("HardSwish", {b.conv(x, 4, 4, "c1", 1)}, "h");
  const ValueId s = b.op("Add", {b.op("Relu", {b.conv(a, 4, 4, "c2", 2)}, "r"), a}, "sum");
  const ValueId cat = b.op("Concat", {s, a}, "cat", {{"axis", int64_t{1}}});
  const ValueId t = b.op("Transpose", {cat}, "t", {{"perm", std::vector<int64_t>{0, 1, 3, 2}}});
  b.g.outputs = {b.conv(t, 8, 4, "c3", 3)};
  VectorFeeds feeds(samples_for(b.g));
  const CalibrationTable table =
      calibrate(b.g, test::compile_reference, feeds, calibration_values_for_search(b.g))
          .table(Method::minmax);
  const std::vector<std::string> nodes{"c1", "h", "c2", "r", "sum", "cat", "t", "c3"};
  for (size_t mask = 0; mask < (size_t{1} << nodes.size()); mask++) {
    QuantizeOptions options;
    for (size_t i = 0; i < nodes.size(); i++)
      if (mask >> i & 1) options.exclude.insert(nodes[i]);
    const QuantizeResult q = quantize_static(b.g, table, options);
    ir::verify(q.graph);
    if (mask % 16 != 0) continue;  // running all of them takes long
    EXPECT_GT(compare(b.g, q.graph).cosine(), 0.998) << mask;
  }
}

}  // namespace
}  // namespace tenfold::quant
