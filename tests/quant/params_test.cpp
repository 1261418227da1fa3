#include "quant/params.hpp"

#include <gtest/gtest.h>

#include <cmath>

namespace tenfold::quant {
namespace {

TEST(ActivationParams, ZeroIsAlwaysRepresentable) {
  const struct {
    Range range;
    int zero_point;
  } rows[] = {{{0, 6}, 0},     {{-1, 1}, 127}, {{2, 5}, 0},
              {{-5, -2}, 255}, {{-1, 0}, 255}, {{-0.001f, 3e38f}, 0}};
  for (const auto& row : rows) {
    const ActivationParams p = activation_params(row.range);
    EXPECT_EQ(p.zero_point, row.zero_point) << row.range.lo << " " << row.range.hi;
    EXPECT_TRUE(std::isnormal(p.scale));
    const float lo = std::min(row.range.lo, 0.0f), hi = std::max(row.range.hi, 0.0f);
    EXPECT_NEAR((0 - p.zero_point) * p.scale, lo, p.scale * 0.51f);
    EXPECT_NEAR((255 - p.zero_point) * p.scale, hi, p.scale * 0.51f);
  }
}

TEST(ActivationParams, EmptyOrDenormalRangeGetsScaleOne) {
  for (Range r : {Range{0, 0}, Range{-1e-40f, 1e-41f}, Range{0, 1e-20f}}) {
    EXPECT_EQ(activation_params(r).scale, 1.0f);
    EXPECT_EQ(activation_params(r).zero_point, 0);
  }
}

TEST(QuantizeWeight, PerChannelOnAnyAxis) {
  const Tensor w = Tensor::from<float>({2, 3}, {1.27f, -0.5f, 0.0f, -2.54f, 0.25f, 0.0f});
  const QuantizedWeight rows = quantize_weight(w, 0);
  ASSERT_EQ(rows.scales.size(), 2u);
  EXPECT_FLOAT_EQ(rows.scales[0], 0.01f);
  EXPECT_FLOAT_EQ(rows.scales[1], 0.02f);
  EXPECT_EQ(rows.data.data<int8_t>()[0], 127);
  EXPECT_EQ(rows.data.data<int8_t>()[3], -127);
  const QuantizedWeight columns = quantize_weight(w, 1);
  ASSERT_EQ(columns.scales.size(), 3u);
  EXPECT_EQ(columns.scales[2], 1.0f);  // a dead channel
  EXPECT_EQ(columns.data.data<int8_t>()[1], -127);
  const QuantizedWeight whole = quantize_weight(w, std::nullopt);
  ASSERT_EQ(whole.scales.size(), 1u);
  EXPECT_FLOAT_EQ(whole.scales[0], 0.02f);
}

TEST(QuantizeBias, StaysInRange) {
  // A nearly dead channel with a large bias: the weight scale must grow until the bias fits.
  const float input_scale = 1e-3f, bias = 5.0f;
  const Tensor w = Tensor::from<float>({1, 2}, {1e-9f, -1e-9f});
  const float bound[] = {min_weight_scale_for_bias(bias, input_scale)};
  const QuantizedWeight q = quantize_weight(w, 0, bound);
  const float biases[] = {bias};
  const Tensor b = quantize_bias(biases, input_scale, q.scales);
  EXPECT_NEAR(b.data<int32_t>()[0] * double{input_scale} * q.scales[0], bias, 1e-5);
  EXPECT_LE(std::abs(b.data<int32_t>()[0]), (1 << 30) + 128);
}

TEST(QuantizeBias, OneScaleServesAllChannels) {
  const float biases[] = {1.0f, -2.0f, 0.5f}, scales[] = {0.5f};
  const Tensor b = quantize_bias(biases, 0.5f, scales);
  EXPECT_EQ(b.data<int32_t>()[0], 4);
  EXPECT_EQ(b.data<int32_t>()[1], -8);
  EXPECT_EQ(b.data<int32_t>()[2], 2);
}

}  // namespace
}  // namespace tenfold::quant
