// INT8 operators: hand-computed values, and agreement with dequantize -> FP32 -> quantize.
#include "ops/run_op.hpp"

namespace tenfold::ops::testing {
namespace {

/// Maximal difference of two u8 tensors.
int64_t distance(const Tensor& a, const Tensor& b) {
  EXPECT_EQ(to_string(a.shape()), to_string(b.shape()));
  int64_t worst = 0;
  for (int64_t i = 0; i < a.elements(); i++) worst = std::max(worst, std::abs(a.at_int(i) - b.at_int(i)));
  return worst;
}
Tensor dequantize(const Tensor& x, float scale, int zero) {
  return run("DequantizeLinear", {x, Tensor::scalar(scale), Tensor::scalar(static_cast<uint8_t>(zero))});
}
Tensor quantize_u8(const Tensor& x, float scale, int zero) {
  return run("QuantizeLinear", {x, Tensor::scalar(scale), Tensor::scalar(static_cast<uint8_t>(zero))});
}
Tensor u8(Shape shape, std::initializer_list<uint8_t> v) {
  return Tensor::from<uint8_t>(std::move(shape), v);
}
Tensor s8(Shape shape, std::initializer_list<int8_t> v) { return Tensor::from<int8_t>(std::move(shape), v); }
Tensor filled(int64_t n, float v) { return ramp({n}, v, 0); }
/// table[i] = 255 - i.
Tensor inverting_table() {
  Tensor t(DType::u8, {256});
  for (int i = 0; i < 256; i++) t.mutable_data<uint8_t>()[i] = static_cast<uint8_t>(255 - i);
  return t;
}

TEST(QConv, PaddingCountsAsTheZeroPoint) {
  const Tensor x = u8({1, 1, 3}, {12, 10, 20}), w = s8({1, 1, 3}, {1, -2, 3});
  const ir::Attributes attrs{
      {"pads", ints({1, 1})}, {"x_zero_point", int64_t{10}}, {"y_zero_point", int64_t{100}}};
  // Sums: -2*2 + 0 = -4; 2 + 0 + 30 = 32; 0 - 20 = -20.
  expect_equal(run("QConv", {x, w, filled(1, 0.5f), filled(1, 0.5f)}, attrs),
               u8({1, 1, 3}, {98, 116, 90}));  // -1.5, 16.5, -9.5
  ir::Attributes real = attrs;
  real.set("output", "f32");
  expect_equal(run("QConv", {x, w, filled(1, 0.5f), filled(1, 0.5f)}, real),
               f32({1, 1, 3}, {-1.5f, 16.5f, -9.5f}));
}

TEST(QConv, SaturatesAtExtremeMultipliers) {
  const Tensor x = u8({1, 2, 1}, {255, 0}), w = s8({2, 2, 1}, {1, 0, -1, 0});
  expect_equal(run("QConv", {x, w, filled(2, 1e30f), filled(2, 0)}, {{"y_zero_point", int64_t{7}}}),
               u8({1, 2, 1}, {255, 0}));
  expect_equal(run("QConv", {x, w, filled(2, 0), filled(2, 3e9f)}), u8({1, 2, 1}, {255, 255}));
}

TEST(QConv, TablesAndResidual) {
  const Tensor x = u8({1, 1, 2}, {10, 20}), w = s8({1, 1, 1}, {1}), r = u8({1, 1, 2}, {4, 250});
  ir::Attributes attrs{{"table", inverting_table()},
                       {"q_scale", 0.5f},
                       {"r_scale", 2.0f},
                       {"offset", -3.0f},
                       {"residual_zero_point", int64_t{5}}};
  // 245 / 2 + 8 - 3 = 127.5 -> 128 + 5; 235 / 2 + 500 - 3 saturates.
  expect_equal(run("QConv", {x, w, filled(1, 1), filled(1, 0), r}, attrs), u8({1, 1, 2}, {133, 255}));
  attrs.set("residual_table", inverting_table());
  expect_equal(run("QConv", {x, w, filled(1, 1), filled(1, 0), r}, attrs), u8({1, 1, 2}, {122, 0}));
}

TEST(QConv, AgreesWithFloatWithinOneStep) {
  const Tensor x = random<uint8_t>({2, 6, 9, 11}, 1, 0, 255), w = random<int8_t>({8, 3, 3, 3}, 2, -127, 127),
               bias = random<float>({8}, 3);
  const float x_scale = 0.02f, y_scale = 0.04f;
  const int x_zero = 117, y_zero = 90;
  const Tensor w_scale = random<float>({8}, 4, 0.001, 0.01);
  Tensor multiplier(DType::f32, {8}), shift(DType::f32, {8});
  for (int i = 0; i < 8; i++) {
    multiplier.mutable_data<float>()[i] = x_scale * w_scale.data<float>()[i] / y_scale;
    shift.mutable_data<float>()[i] = bias.data<float>()[i] / y_scale;
  }
  ir::Attributes attrs{{"group", int64_t{2}},
                       {"pads", ints({1, 1, 0, 2})},
                       {"strides", ints({2, 1})},
                       {"dilations", ints({1, 2})}};
  const Tensor weights = run("DequantizeLinear", {w, w_scale}, {{"axis", int64_t{0}}});
  const Tensor expected =
      quantize_u8(run("Conv", {dequantize(x, x_scale, x_zero), weights, bias}, attrs), y_scale, y_zero);
  attrs.set("x_zero_point", int64_t{x_zero});
  attrs.set("y_zero_point", int64_t{y_zero});
  const Tensor y = run("QConv", {x, w, multiplier, shift}, attrs);
  EXPECT_LE(distance(y, expected), 1);
  expect_channels_last("QConv", {x, w, multiplier, shift}, attrs);
  attrs.set("q_scale", 0.7f);
  attrs.set("r_scale", 0.4f);
  expect_channels_last("QConv", {x, w, multiplier, shift, random<uint8_t>(y.shape(), 5, 0, 255)}, attrs, {4});
}

TEST(QMatMul, AgreesWithIntegerProduct) {
  const Tensor x = random<uint8_t>({2, 3, 70}, 1, 0, 255), w = random<int8_t>({70, 65}, 2, -127, 127);
  Tensor m = random<float>({65}, 3, 0.0001, 0.001), b = random<float>({65}, 4, -9, 9);
  ir::Attributes attrs{{"x_zero_point", int64_t{3}}, {"y_zero_point", int64_t{128}}};
  const Tensor y = run("QMatMul", {x, w, m, b}, attrs);
  ASSERT_EQ(y.shape(), (Shape{2, 3, 65}));
  attrs.set("transB", int64_t{1});
  const Tensor flipped = run("Transpose", {w}, {{"perm", ints({1, 0})}});
  expect_equal(run("QMatMul", {x, flipped, m, b}, attrs), y);
  for (int64_t row = 0; row < 6; row++)
    for (int64_t n = 0; n < 65; n++) {
      int64_t sum = 0;
      for (int64_t k = 0; k < 70; k++) sum += (x.at_int(row * 70 + k) - 3) * w.at_int(k * 65 + n);
      const float v = std::fmaf(static_cast<float>(sum), m.data<float>()[n], b.data<float>()[n]);
      ASSERT_EQ(y.at_int(row * 65 + n), std::clamp<int64_t>(std::lrint(v) + 128, 0, 255));
    }
}

TEST(QAdd, BroadcastsAndRequantizes) {
  const Tensor a = random<uint8_t>({2, 3, 4}, 1, 0, 255), b = random<uint8_t>({3, 1}, 2, 0, 255);
  const float sa = 0.03f, sb = 0.05f, sy = 0.06f;
  const int za = 100, zb = 30, zy = 77;
  const Tensor expected = quantize_u8(run("Add", {dequantize(a, sa, za), dequantize(b, sb, zb)}), sy, zy);
  const ir::Attributes attrs{{"a_scale", sa / sy},
                             {"b_scale", sb / sy},
                             {"offset", -(sa * za + sb * zb) / sy},
                             {"y_zero_point", int64_t{zy}}};
  EXPECT_LE(distance(run("QAdd", {a, b}, attrs), expected), 1);
  ir::Attributes inverted = attrs;
  inverted.set("table", inverting_table());
  EXPECT_EQ(run("QAdd", {a, b}, inverted).at_int(5), 255 - run("QAdd", {a, b}, attrs).at_int(5));
}

TEST(QMatMulDynamic, IsTheScaledIntegerProductPlusBias) {
  const Tensor x = random<uint8_t>({2, 3, 70}, 1, 0, 255), w = random<int8_t>({70, 65}, 2, -127, 127);
  const Tensor m = random<float>({65}, 3, 0.001, 0.01), b = random<float>({65}, 4, -9, 9);
  const Tensor scale = Tensor::scalar(0.25f), zero = Tensor::scalar(uint8_t{3});
  const Tensor sums = run("MatMulInteger", {x, w, zero});
  const Tensor y = run("QMatMulDynamic", {x, w, m, b, scale, zero});
  ASSERT_EQ(y.shape(), (Shape{2, 3, 65}));
  for (int64_t i = 0; i < y.elements(); i++) {
    const auto n = static_cast<size_t>(i % 65);
    ASSERT_EQ(y.data<float>()[i],
              std::fmaf(static_cast<float>(sums.at_int(i)), m.data<float>()[n] * 0.25f, b.data<float>()[n]));
  }
  expect_equal(run("QMatMulDynamic", {x, w, m, b, scale}),
               run("QMatMulDynamic", {x, w, m, b, scale, Tensor::scalar(uint8_t{0})}));
  expect_error(ErrorCode::invalid_model, [&] { run("QMatMulDynamic", {x, w, m, b, m, zero}); });
}

TEST(QMul, BroadcastsAndRequantizes) {
  const Tensor a = random<uint8_t>({2, 3, 4}, 1, 0, 255), b = random<uint8_t>({2, 1, 1}, 2, 0, 255);
  const float sa = 0.03f, sb = 0.01f, sy = 0.06f;
  const Tensor expected = quantize_u8(run("Mul", {dequantize(a, sa, 100), dequantize(b, sb, 30)}), sy, 77);
  const ir::Attributes attrs{{"a_scale", sa * sb / sy},
                             {"a_zero_point", int64_t{100}},
                             {"b_zero_point", int64_t{30}},
                             {"y_zero_point", int64_t{77}}};
  EXPECT_LE(distance(run("QMul", {a, b}, attrs), expected), 1);
}

TEST(QLookup, IsTheTable) {
  expect_equal(run("QLookup", {u8({3}, {0, 7, 255})}, {{"table", inverting_table()}}),
               u8({3}, {255, 248, 0}));
  expect_error(ErrorCode::invalid_model, [] { run("QLookup", {u8({1}, {0})}); });
  expect_error(ErrorCode::invalid_model, [] {
    run("QLookup", {u8({1}, {0})}, {{"table", u8({2}, {0, 1})}});
  });
  expect_error(ErrorCode::invalid_model, [] { run("QLookup", {u8({1}, {0})}, {{"table", ramp({256})}}); });
}

TEST(QAveragePool, AgreesWithFloatWithinOneStep) {
  const Tensor x = random<uint8_t>({2, 3, 7, 8}, 1, 0, 255);
  const float sx = 0.02f, sy = 0.015f;
  for (int64_t include : {0, 1}) {
    ir::Attributes attrs{{"kernel_shape", ints({3, 3})},
                         {"strides", ints({2, 1})},
                         {"pads", ints({1, 1, 1, 1})},
                         {"count_include_pad", include}};
    const Tensor expected = quantize_u8(run("AveragePool", {dequantize(x, sx, 120)}, attrs), sy, 110);
    attrs.set("scale", sx / sy);
    attrs.set("x_zero_point", int64_t{120});
    attrs.set("y_zero_point", int64_t{110});
    EXPECT_LE(distance(run("QAveragePool", {x}, attrs), expected), 1);
    expect_channels_last("QAveragePool", {x}, attrs);
  }
  const ir::Attributes global{
      {"scale", sx / sy}, {"x_zero_point", int64_t{120}}, {"y_zero_point", int64_t{110}}};
  EXPECT_LE(distance(run("QGlobalAveragePool", {x}, global),
                     quantize_u8(run("GlobalAveragePool", {dequantize(x, sx, 120)}), sy, 110)),
            1);
  expect_channels_last("QGlobalAveragePool", {x}, global);
}

TEST(Int8, RejectsNonsense) {
  const Tensor x = random<uint8_t>({1, 2, 3}, 1), w = random<int8_t>({4, 2, 1}, 2), m = filled(4, 1),
               r = random<uint8_t>({1, 4, 3}, 1);
  const auto bad = [&](std::vector<Tensor> in, ir::Attributes attrs) {
    expect_error(ErrorCode::invalid_model, [&] { run("QConv", in, attrs); });
  };
  bad({x, w, filled(3, 1), m}, {});
  bad({x, w, m, m, random<uint8_t>({1, 4, 2}, 1)}, {});
  bad({x, w, m, m, r}, {{"output", "f32"}});
  bad({x, w, m, m}, {{"output", "f16"}});
  bad({x, w, m, m}, {{"x_zero_point", int64_t{256}}});
  bad({x, w, m, m}, {{"y_zero_point", int64_t{-1}}});
  bad({x, x, m, m}, {});
  expect_error(ErrorCode::invalid_model, [&] { run("QMatMul", {x, w, m, m}); });
}

}  // namespace
}  // namespace tenfold::ops::testing
