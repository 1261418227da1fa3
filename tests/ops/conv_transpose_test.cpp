#include "ops/run_op.hpp"

namespace tenfold::ops::testing {
namespace {

TEST(ConvTranspose, HandComputed) {
  const Tensor x = f32({1, 1, 3}, {1, 2, 3}), w = f32({1, 1, 2}, {1, 10});
  expect_equal(run("ConvTranspose", {x, w}), f32({1, 1, 4}, {1, 12, 23, 30}));
  expect_equal(run("ConvTranspose", {x, w, f32({1}, {1})},
                   {{"strides", ints({3})}, {"output_padding", ints({1})}, {"pads", ints({1, 0})}}),
               f32({1, 1, 8}, {11, 1, 3, 21, 1, 4, 31, 1}));
  expect_equal(run("ConvTranspose", {x, w},
                   {{"dilations", ints({2})}, {"activation", "Clip"}, {"activation_hi", 20.0f}}),
               f32({1, 1, 5}, {1, 2, 13, 20, 20}));
  EXPECT_EQ(run("ConvTranspose", {x, w}, {{"strides", ints({2})}, {"output_shape", ints({5})}}).shape(),
            (Shape{1, 1, 5}));
  EXPECT_EQ(run("ConvTranspose", {x, w}, {{"strides", ints({2})}, {"auto_pad", "SAME_UPPER"}}).shape(),
            (Shape{1, 1, 6}));
}

TEST(ConvTranspose, IsTheAdjointOfConv) {
  // <conv(x), y> == <x, convT(y)> with the same weights.
  const ir::Attributes attrs{{"strides", ints({2, 1})}, {"pads", ints({1, 0, 1, 1})}, {"group", int64_t{2}}};
  const Tensor x = random<float>({2, 4, 7, 40}, 1), w = random<float>({6, 2, 3, 2}, 2);
  const Tensor cx = run("Conv", {x, w}, attrs), y = random<float>(cx.shape(), 3),
               ty = run("ConvTranspose", {y, w}, attrs);
  ASSERT_EQ(ty.shape(), x.shape());
  double a = 0, b = 0;
  for (int64_t i = 0; i < y.elements(); i++) a += cx.at_double(i) * y.at_double(i);
  for (int64_t i = 0; i < x.elements(); i++) b += x.at_double(i) * ty.at_double(i);
  EXPECT_NEAR(a, b, 1e-4);
  expect_channels_last("ConvTranspose", {y, w}, attrs);
}

TEST(ConvTranspose, SymbolicExtents) {
  ir::Graph g;
  const auto x = g.add_input("x", DType::f32, {1, 4, g.symbol("h"), 5});
  const auto w = g.add_constant("w", ramp({4, 3, 2, 2}));
  const auto out = infer_shape(g, "ConvTranspose", {x, w}, {{"strides", ints({2, 2})}});
  EXPECT_EQ(g.symbol_name((*out)[2]), "2*h");
  EXPECT_EQ((*out)[3], 10);
}

TEST(ConvTranspose, RejectsNonsense) {
  const auto bad = [](ir::Attributes attrs) {
    expect_error(ErrorCode::invalid_model, [&] {
      run("ConvTranspose", {ramp({1, 4, 3}), ramp({4, 2, 2})}, attrs);
    });
  };
  bad({{"strides", ints({0})}});
  bad({{"group", int64_t{3}}});
  bad({{"pads", ints({4, 4})}});
  bad({{"output_padding", ints({-1})}});
  bad({{"output_shape", ints({-1})}});
  bad({{"output_shape", ints({1, 2, 3, 4})}});
  expect_error(ErrorCode::invalid_model, [] { run("ConvTranspose", {ramp({1, 4, 3}), ramp({3, 2, 2})}); });
}

TEST(IntegerProducts, ZeroPoints) {
  const Tensor a = Tensor::from<uint8_t>({2, 2}, {1, 2, 3, 255}),
               b = Tensor::from<int8_t>({2, 2}, {-128, 1, 2, 127});
  expect_equal(run("MatMulInteger", {a, b}), Tensor::from<int32_t>({2, 2}, {-124, 255, 126, 32388}));
  expect_equal(
      run("MatMulInteger", {a, b, Tensor::from<uint8_t>({2}, {1, 2}), Tensor::from<int8_t>({2}, {2, 1})}),
      Tensor::from<int32_t>({2, 2}, {0, 126, -130, 253 * 126}));
  const Tensor x = Tensor::from<uint8_t>({1, 1, 2}, {10, 14}), w = Tensor::from<uint8_t>({1, 1, 2}, {5, 7});
  expect_equal(run("ConvInteger", {x, w, Tensor::scalar<uint8_t>(10), Tensor::scalar<uint8_t>(6)},
                   {{"pads", ints({1, 0})}}),
               Tensor::from<int32_t>({1, 1, 2}, {0, 4}));
  expect_error(ErrorCode::invalid_model, [&] { run("MatMulInteger", {a, b, Tensor::scalar<int8_t>(1)}); });
  expect_error(ErrorCode::invalid_model, [&] {
    run("MatMulInteger", {a, b, Tensor::from<uint8_t>({3}, {1, 2, 3})});
  });
  expect_error(ErrorCode::unsupported, [&] {
    run("ConvInteger", {x, w, Tensor(), Tensor::from<uint8_t>({2}, {1, 2})});
  });
}

}  // namespace
}  // namespace tenfold::ops::testing
