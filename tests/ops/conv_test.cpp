#include "ops/run_op.hpp"

namespace tenfold::ops::testing {
namespace {

TEST(Conv, HandComputed) {
  const Tensor x = ramp({1, 1, 3, 3}), w = f32({1, 1, 2, 2}, {1, 2, 3, 4});
  expect_equal(run("Conv", {x, w}), f32({1, 1, 2, 2}, {27, 37, 57, 67}));
  expect_equal(run("Conv", {x, w, f32({1}, {1})}, {{"pads", ints({1, 1, 0, 0})}, {"strides", ints({2, 2})}}),
               f32({1, 1, 2, 2}, {1, 12, 31, 68}));
}

TEST(Conv, OneAndThreeAxes) {
  expect_equal(run("Conv", {ramp({1, 1, 5}), f32({1, 1, 2}, {1, 10})}, {{"dilations", ints({2})}}),
               f32({1, 1, 3}, {20, 31, 42}));
  const Tensor x = random<float>({2, 3, 4, 5, 6}, 1), w = random<float>({4, 3, 2, 2, 3}, 2);
  const Tensor y = run("Conv", {x, w}, {{"strides", ints({1, 2, 1})}, {"pads", ints({1, 0, 1, 0, 0, 1})}});
  EXPECT_EQ(y.shape(), (Shape{2, 4, 4, 2, 6}));
  expect_channels_last("Conv", {x, w}, {{"strides", ints({1, 2, 1})}, {"pads", ints({1, 0, 1, 0, 0, 1})}});
}

TEST(Conv, GroupsAreIndependent) {
  const Tensor x = random<float>({2, 6, 7, 9}, 3), w = random<float>({4, 3, 3, 3}, 4),
               b = random<float>({4}, 5);
  const Tensor y = run("Conv", {x, w, b}, {{"group", int64_t{2}}, {"pads", ints({1, 1, 1, 1})}});
  // The same as an ungrouped convolution with zero weights across groups.
  Tensor full(DType::f32, {4, 6, 3, 3});
  std::fill_n(full.mutable_data<float>(), full.elements(), 0.0f);
  for (int64_t m = 0; m < 4; m++)
    std::copy_n(w.data<float>() + m * 27, 27, full.mutable_data<float>() + m * 54 + (m / 2) * 27);
  expect_near(run("Conv", {x, full, b}, {{"pads", ints({1, 1, 1, 1})}}), y);
}

TEST(Conv, AutoPad) {
  const Tensor x = ramp({1, 1, 1, 4}), w = f32({1, 1, 1, 2}, {1, 10});
  expect_equal(run("Conv", {x, w}, {{"auto_pad", "SAME_UPPER"}}), f32({1, 1, 1, 4}, {10, 21, 32, 3}));
  expect_equal(run("Conv", {x, w}, {{"auto_pad", "SAME_LOWER"}}), f32({1, 1, 1, 4}, {0, 10, 21, 32}));
  expect_equal(run("Conv", {x, w}, {{"auto_pad", "VALID"}}), f32({1, 1, 1, 3}, {10, 21, 32}));
}

TEST(Conv, ChannelsLastWithFusions) {
  const Tensor x = random<float>({2, 6, 8, 41}, 6), w = random<float>({4, 3, 3, 5}, 7),
               b = random<float>({4}, 8);
  const ir::Attributes attrs{
      {"group", int64_t{2}}, {"pads", ints({1, 2, 0, 2})}, {"strides", ints({2, 1})}, {"activation", "SiLU"}};
  const Tensor r = random<float>(run("Conv", {x, w, b}, attrs).shape(), 9);
  expect_channels_last("Conv", {x, w, b, r}, attrs, {3});
  ir::Attributes plain = attrs;
  plain.erase("activation");
  Tensor expected = run("Conv", {x, w, b}, plain);
  for (int64_t i = 0; i < expected.elements(); i++) {
    const double v = expected.at_double(i) + r.at_double(i);
    expected.mutable_data<float>()[i] = static_cast<float>(v / (1 + std::exp(-v)));
  }
  expect_near(run("Conv", {x, w, b, r}, attrs), expected);
}

TEST(Conv, SymbolicShapes) {
  ir::Graph g;
  const int64_t n = g.symbol("n"), h = g.symbol("h");
  const auto x = g.add_input("x", DType::f32, {n, 3, h, 224});
  const auto w = g.add_constant("w", random<float>({8, 3, 3, 3}, 1));
  const auto same = infer_shape(g, "Conv", {x, w}, {{"pads", ints({1, 1, 1, 1})}});
  EXPECT_EQ(*same, (Shape{n, 8, h, 224}));
  const auto half = infer_shape(g, "Conv", {x, w}, {{"pads", ints({1, 1, 1, 1})}, {"strides", ints({2, 2})}});
  EXPECT_EQ((*half)[3], 112);
  EXPECT_EQ(g.symbol_name((*half)[2]), "floor((h+1)/2)");
  const auto last = infer_shape(g, "Conv", {g.add_input("l", DType::f32, {n, h, 224, 3}), w},
                                {{"channels_last", int64_t{1}}});
  EXPECT_EQ((*last)[2], 222);
  EXPECT_EQ((*last)[3], 8);
}

TEST(Conv, RejectsNonsense) {
  const Tensor x = ramp({1, 4, 5, 5}), w = ramp({2, 4, 3, 3});
  const auto bad = [&](std::vector<Tensor> in, ir::Attributes attrs) {
    expect_error(ErrorCode::invalid_model, [&] { run("Conv", in, attrs); });
  };
  bad({x, w}, {{"strides", ints({0, 1})}});
  bad({x, w}, {{"strides", ints({1})}});
  bad({x, w}, {{"pads", ints({-1, 0, 0, 0})}});
  bad({x, w}, {{"group", int64_t{0}}});
  bad({x, w}, {{"group", int64_t{2}}});
  bad({x, w}, {{"group", int64_t{3}}});
  bad({x, w}, {{"dilations", ints({3, 1})}});
  bad({x, w}, {{"dilations", ints({int64_t{1} << 62, 1})}});
  bad({x, w}, {{"kernel_shape", ints({3, 2})}});
  bad({x, w}, {{"auto_pad", "SOME"}});
  bad({x, w}, {{"activation", "Nonsense"}});
  bad({x, ramp({2, 4, 3})}, {});
  bad({x, ramp({2, 4, 6, 3})}, {});
  bad({x, ramp({2, 4, 0, 3})}, {});
  bad({x, w, ramp({3})}, {});
  bad({x, w, Tensor(), ramp({1, 2, 2, 3})}, {});
}

TEST(MatMul, VectorsAndBatches) {
  const Tensor a = f32({2, 3}, {1, 2, 3, 4, 5, 6}), v = f32({3}, {1, 10, 100});
  expect_equal(run("MatMul", {a, v}), f32({2}, {321, 654}));
  expect_equal(run("MatMul", {f32({2}, {1, 10}), a}), f32({3}, {41, 52, 63}));
  expect_equal(run("MatMul", {v, v}), Tensor::scalar<float>(10101));
  const Tensor b = random<float>({4, 1, 3, 70}, 1), x = random<float>({5, 2, 3}, 2);
  const Tensor y = run("MatMul", {x, b});
  ASSERT_EQ(y.shape(), (Shape{4, 5, 2, 70}));
  double sum = 0;
  for (int64_t k = 0; k < 3; k++)
    sum += x.at_double((3 * 2 + 1) * 3 + k) * b.at_double((2 * 3 + k) * 70 + 69);
  EXPECT_NEAR(y.at_double(((2 * 5 + 3) * 2 + 1) * 70 + 69), sum, 1e-6);
}

TEST(MatMul, BiasResidualActivation) {
  const Tensor y =
      run("MatMul", {f32({1, 2}, {1, 2}), f32({2, 2}, {1, 2, 3, -4}), f32({2}, {1, 1}), f32({1, 2}, {10, 1})},
          {{"activation", "Relu"}});
  expect_equal(y, f32({1, 2}, {18, 0}));
}

TEST(MatMul, IntegersAndErrors) {
  const Tensor a = Tensor::from<int64_t>({1, 2}, {3, 4}), b = Tensor::from<int64_t>({2, 1}, {5, -6});
  expect_equal(run("MatMul", {a, b}), Tensor::from<int64_t>({1, 1}, {-9}));
  expect_error(ErrorCode::invalid_model, [&] { run("MatMul", {ramp({2, 3}), ramp({2, 3})}); });
  expect_error(ErrorCode::invalid_model, [&] { run("MatMul", {ramp({2, 2, 3}), ramp({3, 3, 3})}); });
  expect_error(ErrorCode::invalid_model, [&] { run("MatMul", {ramp({2, 3}), Tensor::scalar(1.0f)}); });
}

TEST(Gemm, TransposesAndScales) {
  const Tensor a = random<float>({5, 70}, 1), b = random<float>({70, 66}, 2), c = random<float>({66}, 3);
  const Tensor y = run("Gemm", {a, b, c});
  const Tensor at = permute(a, {1, 0}), bt = permute(b, {1, 0});
  expect_near(run("Gemm", {at, bt, c}, {{"transA", int64_t{1}}, {"transB", int64_t{1}}}), y);
  expect_near(run("Gemm", {a, bt, c}, {{"transB", int64_t{1}}}), y);
  expect_near(run("MatMul", {a, b, c}), y);
  const ir::Attributes scaled{{"alpha", 2.0f}, {"beta", 3.0f}};
  expect_equal(run("Gemm", {f32({2, 1}, {1, 2}), f32({1, 2}, {3, 4}), f32({2, 1}, {1, 10})}, scaled),
               f32({2, 2}, {9, 11, 42, 46}));
  expect_equal(run("Gemm", {f32({2, 1}, {1, 2}), f32({1, 2}, {3, 4}), Tensor::scalar(1.0f)}, scaled),
               f32({2, 2}, {9, 11, 15, 19}));
  expect_error(ErrorCode::invalid_model, [&] { run("Gemm", {a, b, ramp({5})}); });
  expect_error(ErrorCode::invalid_model, [&] { run("Gemm", {a, bt}); });
}

}  // namespace
}  // namespace tenfold::ops::testing
