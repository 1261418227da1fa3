#include "ops/run_op.hpp"

namespace tenfold::ops::testing {
namespace {

TEST(QuantizeLinear, RoundsHalfToEvenAndSaturates) {
  const Tensor x = f32({9}, {0, 1, 3, 5, -1, -3, 1e30f, -1e30f, NAN}), scale = Tensor::scalar(2.0f);
  expect_equal(run("QuantizeLinear", {x, scale, Tensor::scalar<uint8_t>(10)}),
               Tensor::from<uint8_t>({9}, {10, 10, 12, 12, 10, 8, 255, 0, 0}));
  expect_equal(run("QuantizeLinear", {x, scale, Tensor::scalar<int8_t>(-1)}),
               Tensor::from<int8_t>({9}, {-1, -1, 1, 1, -1, -3, 127, -128, -128}));
  expect_equal(run("QuantizeLinear", {x, scale}, {{"output_dtype", int64_t{5}}}),
               Tensor::from<int16_t>({9}, {0, 0, 2, 2, 0, -2, 32767, -32768, -32768}));
}

TEST(QuantizeLinear, PerAxisAndBack) {
  const Tensor x = random<float>({2, 3, 5}, 1, -3, 3), scale = f32({3}, {0.1f, 0.05f, 0.2f}),
               zero = Tensor::from<uint8_t>({3}, {128, 100, 3});
  const Tensor q = run("QuantizeLinear", {x, scale, zero});
  EXPECT_EQ(q.at_int(16), std::clamp<int64_t>(std::lrint(x.data<float>()[16] / 0.1f) + 128, 0, 255));
  const Tensor back = run("DequantizeLinear", {q, scale, zero}, {{"axis", int64_t{-2}}});
  for (int64_t n = 0; n < 2; n++)
    for (int64_t i = 0; i < 5; i++) EXPECT_NEAR(back.at_double(n * 15 + i), x.at_double(n * 15 + i), 0.0501);
}

TEST(DequantizeLinear, Types) {
  expect_equal(run("DequantizeLinear", {Tensor::from<int32_t>({2}, {-2147483647, 3}), Tensor::scalar(0.5f)}),
               f32({2}, {-1073741824.0f, 1.5f}));
  expect_equal(run("DequantizeLinear",
                   {Tensor::from<uint16_t>({1}, {65535}), Tensor::scalar(1.0f), Tensor::scalar<uint16_t>(1)}),
               f32({1}, {65534}));
}

TEST(DynamicQuantizeLinear, CoversZero) {
  const auto y = run_all("DynamicQuantizeLinear", {f32({3}, {0, 2, -3})}, {}, 3);
  EXPECT_FLOAT_EQ(static_cast<float>(y[1].at_double(0)), 5.0f / 255);
  EXPECT_EQ(y[2].at_int(0), 153);
  expect_equal(y[0], Tensor::from<uint8_t>({3}, {153, 255, 0}));
  EXPECT_EQ(run_all("DynamicQuantizeLinear", {f32({1}, {0})}, {}, 3)[1].at_double(0), 1);
}

TEST(Quantize, RejectsNonsense) {
  const Tensor x = ramp({2, 3});
  const auto bad = [&](std::vector<Tensor> in, ir::Attributes attrs,
                       ErrorCode code = ErrorCode::invalid_model) {
    expect_error(code, [&] { run("QuantizeLinear", in, attrs); });
  };
  bad({x, ramp({2}, 1)}, {});
  bad({x, ramp({3}, 1)}, {{"axis", int64_t{5}}});
  bad({x, ramp({3}, 1), Tensor::scalar<uint8_t>(1)}, {});
  bad({x, Tensor::scalar(1.0f)}, {{"output_dtype", int64_t{17}}}, ErrorCode::unsupported);
  bad({x, ramp({2, 1}, 1)}, {}, ErrorCode::unsupported);
  bad({x, Tensor::scalar(1.0f)}, {{"block_size", int64_t{2}}}, ErrorCode::unsupported);
  expect_error(ErrorCode::invalid_model, [&] {
    run("DequantizeLinear",
        {Tensor::from<uint8_t>({1}, {1}), Tensor::scalar(1.0f), Tensor::scalar<int8_t>(1)});
  });
}

}  // namespace
}  // namespace tenfold::ops::testing
