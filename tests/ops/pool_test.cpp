#include "ops/run_op.hpp"

namespace tenfold::ops::testing {
namespace {

const Tensor kRamp = ramp({1, 1, 5, 5}, 1);
const Tensor kMixed = f32(
    {1, 1, 5, 5}, {5, 2, 19, 16, 11, 22, 17, 24, 23, 14, 1, 10, 13, 8, 6, 18, 4, 9, 7, 20, 3, 0, 21, 15, 12});

// Expected values are those of ONNX Runtime 1.32.
TEST(AveragePool, CeilModeAndCountIncludePad) {
  const auto pool = [](int64_t ceil, int64_t include) {
    return run("AveragePool", {kRamp},
               {{"kernel_shape", ints({3, 3})},
                {"strides", ints({2, 2})},
                {"pads", ints({1, 1, 0, 0})},
                {"ceil_mode", ceil},
                {"count_include_pad", include}});
  };
  expect_near(pool(0, 0), f32({1, 1, 2, 2}, {4, 5.5f, 11.5f, 13}));
  expect_near(pool(0, 1), f32({1, 1, 2, 2}, {1.777778f, 3.666667f, 7.666667f, 13}));
  expect_near(pool(1, 0), f32({1, 1, 3, 3}, {4, 5.5f, 7, 11.5f, 13, 14.5f, 19, 20.5f, 22}));
  expect_near(pool(1, 1), f32({1, 1, 3, 3},
                              {1.777778f, 3.666667f, 4.666667f, 7.666667f, 13, 14.5f, 12.66667f, 20.5f, 22}));
}

TEST(Pools, CeilModeHasOneWindowLargerThanTheInput) {
  const auto attrs = [](int64_t kernel, int64_t stride) {
    return ir::Attributes{{"kernel_shape", ints({kernel, 5})},
                          {"strides", ints({stride, 1})},
                          {"ceil_mode", int64_t{1}},
                          {"count_include_pad", int64_t{1}}};
  };
  expect_near(run("AveragePool", {kRamp}, attrs(9, 5)), f32({1, 1, 1, 1}, {13}));
  ir::Attributes max = attrs(1280, 1280);
  max.erase("count_include_pad");
  expect_equal(run("MaxPool", {kMixed}, max), f32({1, 1, 1, 1}, {24}));
  expect_error(ErrorCode::invalid_model, [&] { run("AveragePool", {kRamp}, attrs(9, 4)); });
}

TEST(AveragePool, Dilations) {
  const ir::Attributes attrs{
      {"kernel_shape", ints({2, 2})}, {"dilations", ints({2, 2})}, {"pads", ints({1, 1, 1, 1})}};
  const Tensor y = run("AveragePool", {kRamp}, attrs);
  expect_near(y, f32({1, 1, 5, 5}, {7,  7,  8,  9,  9,  7,  7,  8,  9,  9,  12, 12, 13,
                                    14, 14, 17, 17, 18, 19, 19, 17, 17, 18, 19, 19}));
  ir::Attributes include = attrs;
  include.set("count_include_pad", int64_t{1});
  EXPECT_EQ(run("AveragePool", {kRamp}, include).at_double(0), 1.75);
}

TEST(MaxPool, IndicesCeilModePads) {
  const ir::Attributes attrs{{"kernel_shape", ints({2, 2})},
                             {"strides", ints({2, 2})},
                             {"pads", ints({1, 0, 0, 1})},
                             {"ceil_mode", int64_t{1}}};
  const auto both = run_all("MaxPool", {kMixed}, attrs, 2);
  expect_equal(both[0], f32({1, 1, 3, 3}, {5, 19, 11, 22, 24, 14, 18, 21, 20}));
  expect_equal(both[1], Tensor::from<int64_t>({1, 1, 3, 3}, {0, 2, 4, 5, 7, 9, 15, 22, 19}));
  ir::Attributes columns = attrs;
  columns.set("storage_order", int64_t{1});
  expect_equal(run_all("MaxPool", {kMixed}, columns, 2)[1],
               Tensor::from<int64_t>({1, 1, 3, 3}, {0, 10, 20, 1, 11, 21, 3, 14, 23}));
  expect_equal(run("MaxPool", {kMixed}, {{"kernel_shape", ints({2, 2})}, {"dilations", ints({2, 2})}}),
               f32({1, 1, 3, 3}, {19, 16, 19, 24, 23, 24, 21, 15, 21}));
}

TEST(MaxPool, BytesAndNegativeValues) {
  const Tensor s = Tensor::from<int8_t>({1, 1, 3}, {-5, -7, -128});
  expect_equal(run("MaxPool", {s}, {{"kernel_shape", ints({2})}}), Tensor::from<int8_t>({1, 1, 2}, {-5, -7}));
  const Tensor u = Tensor::from<uint8_t>({1, 1, 3}, {5, 200, 7});
  expect_equal(run("MaxPool", {u}, {{"kernel_shape", ints({2})}, {"pads", ints({1, 1})}}),
               Tensor::from<uint8_t>({1, 1, 4}, {5, 200, 200, 7}));
}

TEST(Pools, CeilModeDropsWindowsInThePadding) {
  // Input 3 and one of padding, stride 2: the third window would begin behind the input.
  expect_equal(run("MaxPool", {ramp({1, 1, 3})},
                   {{"kernel_shape", ints({1})},
                    {"strides", ints({2})},
                    {"pads", ints({0, 1})},
                    {"ceil_mode", int64_t{1}}}),
               f32({1, 1, 2}, {0, 2}));
  ir::Graph g;
  const auto x = g.add_input("x", DType::f32, {1, 3, g.symbol("h"), 9});
  const auto out =
      infer_shape(g, "MaxPool", {x},
                  {{"kernel_shape", ints({3, 3})}, {"strides", ints({2, 2})}, {"ceil_mode", int64_t{1}}});
  EXPECT_EQ(g.symbol_name((*out)[2]), "floor(h/2)");
}

TEST(Pools, ChannelsLast) {
  const Tensor x = random<float>({2, 3, 7, 8}, 1);
  const ir::Attributes attrs{
      {"kernel_shape", ints({3, 2})}, {"strides", ints({2, 1})}, {"pads", ints({1, 1, 1, 0})}};
  expect_channels_last("MaxPool", {x}, attrs);
  expect_channels_last("AveragePool", {x}, attrs);
  expect_channels_last("LpPool", {x}, attrs);
  expect_channels_last("GlobalAveragePool", {x}, {});
  expect_channels_last("GlobalMaxPool", {x}, {});
}

TEST(Pools, Global) {
  const Tensor x = ramp({1, 2, 2, 2});
  expect_equal(run("GlobalAveragePool", {x}), f32({1, 2, 1, 1}, {1.5f, 5.5f}));
  expect_equal(run("GlobalMaxPool", {x}), f32({1, 2, 1, 1}, {3, 7}));
  expect_near(run("LpPool", {f32({1, 1, 2}, {3, -4})}, {{"kernel_shape", ints({2})}}), f32({1, 1, 1}, {5}));
}

TEST(Pools, RejectNonsense) {
  const auto bad = [&](ir::Attributes attrs) {
    expect_error(ErrorCode::invalid_model, [&] { run("MaxPool", {kRamp}, attrs); });
  };
  bad({});
  bad({{"kernel_shape", ints({2})}});
  bad({{"kernel_shape", ints({0, 2})}});
  bad({{"kernel_shape", ints({6, 2})}});
  bad({{"kernel_shape", ints({2, 2})}, {"strides", ints({0, 0})}});
  bad({{"kernel_shape", ints({int64_t{1} << 31, int64_t{1} << 31})}});
}

}  // namespace
}  // namespace tenfold::ops::testing
