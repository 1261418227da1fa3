#include "quant/statistics.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <random>

namespace tenfold::quant {
namespace {

std::vector<float> normal(size_t n, float mean, float deviation, unsigned seed) {
  std::mt19937 random(seed);
  std::normal_distribution<float> d(mean, deviation);
  std::vector<float> v(n);
  for (float& x : v) x = d(random);
  return v;
}

/// Mean squared error of the u8 form of `values` under `range`.
double quantization_error(std::span<const float> values, Range range) {
  const ActivationParams p = activation_params(range);
  double sum = 0;
  for (float x : values) {
    const double q = std::clamp(std::nearbyint(x / p.scale) + p.zero_point, 0.0f, 255.0f);
    const double e = (q - p.zero_point) * p.scale - x;
    sum += e * e;
  }
  return sum / static_cast<double>(values.size());
}

TEST(Statistics, MinMaxIsExact) {
  Statistics s(false);
  EXPECT_TRUE(s.observe(std::vector<float>{0.5f, -2.25f, 3.5f}));
  EXPECT_TRUE(s.observe(std::vector<float>{1.0f}));
  EXPECT_EQ(s.minmax(), (Range{-2.25f, 3.5f}));
  EXPECT_EQ(s.count(), 4u);
}

TEST(Statistics, NotFiniteIsRefusedAndLeavesNoTrace) {
  for (float bad : {std::numeric_limits<float>::quiet_NaN(), std::numeric_limits<float>::infinity(),
                    -std::numeric_limits<float>::infinity()}) {
    Statistics s;
    ASSERT_TRUE(s.observe(std::vector<float>{1.0f}));
    EXPECT_FALSE(s.observe(std::vector<float>{100.0f, bad, 2.0f}));
    EXPECT_EQ(s.minmax(), (Range{1.0f, 1.0f}));
    EXPECT_EQ(s.count(), 1u);
  }
}

TEST(Statistics, OrderAndBatchesDoNotMatter) {
  std::vector<float> values = normal(20000, 0.3f, 2.0f, 1);
  values.push_back(900.0f);
  values.push_back(0.0f);
  Statistics forward, backward;
  ASSERT_TRUE(forward.observe(values));
  for (size_t at = values.size(); at > 0;) {
    const size_t n = std::min<size_t>(at, 777);
    at -= n;
    ASSERT_TRUE(backward.observe(std::span(values).subspan(at, n)));
  }
  for (Method m : {Method::minmax, Method::percentile, Method::entropy, Method::mse})
    EXPECT_EQ(forward.range(m), backward.range(m)) << to_string(m);
}

TEST(Statistics, PercentileCutsBothTails) {
  std::vector<float> values(100000);
  for (size_t i = 0; i < values.size(); i++) values[i] = static_cast<float>(i) / 100000.0f - 0.25f;
  Statistics s;
  ASSERT_TRUE(s.observe(values));
  const Range r = s.percentile(98);
  EXPECT_NEAR(r.lo, -0.24f, 0.002f);
  EXPECT_NEAR(r.hi, 0.74f, 0.002f);
  EXPECT_EQ(s.percentile(100), s.minmax());
  EXPECT_THROW((void)s.percentile(30), Error);
  EXPECT_THROW((void)s.percentile(101), Error);
}

TEST(Statistics, PercentileIgnoresAnOutlier) {
  std::vector<float> values = normal(1000000, 0, 1, 3);
  values.push_back(1000.0f);
  Statistics s;
  ASSERT_TRUE(s.observe(values));
  EXPECT_LT(s.percentile(99.99).hi, 6.0f);
  EXPECT_GT(s.percentile(99.99).hi, 3.0f);
}

TEST(Statistics, SearchesNeverLeaveWhatWasSeen) {
  for (float mean : {-40.0f, 0.0f, 3.0f}) {
    const std::vector<float> values = normal(50000, mean, 1, 5);
    Statistics s;
    ASSERT_TRUE(s.observe(values));
    for (Method m : {Method::entropy, Method::mse, Method::percentile}) {
      const Range r = s.range(m);
      EXPECT_GE(r.lo, s.minmax().lo) << to_string(m);
      EXPECT_LE(r.hi, s.minmax().hi) << to_string(m);
    }
  }
}

TEST(Statistics, MseBeatsMinMaxWithHeavyTails) {
  std::mt19937 random(7);
  std::student_t_distribution<float> heavy(3.0f);
  std::vector<float> values(200000);
  for (float& v : values) v = heavy(random);
  Statistics s;
  ASSERT_TRUE(s.observe(values));
  EXPECT_LT(quantization_error(values, s.mse()), 0.75 * quantization_error(values, s.minmax()));
  // Close to the best of a brute-force search over symmetric ranges.
  double best = 1e30;
  for (float limit = 1; limit < s.minmax().hi; limit *= 1.05f)
    best = std::min(best, quantization_error(values, {-limit, limit}));
  EXPECT_LT(quantization_error(values, s.mse()), 1.1 * best);
}

TEST(Statistics, MseMakesARestingValueALevel) {
  // HardSwish + c over channels that mostly rest: c is no multiple of a hundredth of the range.
  constexpr float kRest = -0.025f;
  std::mt19937 random(11);
  std::exponential_distribution<float> active(3.0f);
  std::vector<float> values(200000, kRest);
  for (size_t i = 0; i < values.size(); i += 4) values[i] += active(random);
  Statistics s;
  ASSERT_TRUE(s.observe(values));
  const auto error_at_rest = [&](Range range) {
    const ActivationParams p = activation_params(range);
    return std::fabs(std::nearbyint(kRest / p.scale) * p.scale - kRest) / p.scale;
  };
  EXPECT_LT(error_at_rest(s.mse()), 0.1);
}

TEST(Statistics, EntropyClipsAnOutlierAndKeepsTheBody) {
  std::vector<float> values = normal(200000, 0, 1, 9);
  for (float& v : values) v = std::max(v, 0.0f);
  values.push_back(30.0f);
  Statistics s;
  ASSERT_TRUE(s.observe(values));
  const Range r = s.entropy();
  EXPECT_LT(r.hi, 15.0f);
  EXPECT_GT(r.hi, 2.0f);
}

TEST(Statistics, EntropyNeverClipsOneOfTwoModes) {
  std::vector<float> values = normal(14000, 0, 0.1f, 13);
  for (size_t i = 0; i < values.size(); i++) values[i] += i % 2 ? 100.0f : -1.0f;
  Statistics s;
  ASSERT_TRUE(s.observe(values));
  EXPECT_LT(quantization_error(values, s.entropy()), 4 * quantization_error(values, s.minmax()));
}

TEST(Statistics, ZerosAndTinyValues) {
  Statistics zeros;
  ASSERT_TRUE(zeros.observe(std::vector<float>(100, 0.0f)));
  ASSERT_TRUE(zeros.observe(std::span<const float>{}));
  Statistics tiny;
  ASSERT_TRUE(tiny.observe(std::vector<float>{1e-42f, -1e-40f, 0.0f}));
  ASSERT_TRUE(tiny.observe(std::vector<float>{3e38f}));
  for (Method m : {Method::minmax, Method::percentile, Method::entropy, Method::mse}) {
    EXPECT_EQ(zeros.range(m), (Range{0, 0})) << to_string(m);
    EXPECT_TRUE(std::isfinite(activation_params(tiny.range(m)).scale)) << to_string(m);
  }
}

TEST(Statistics, MethodNames) {
  for (Method m : {Method::minmax, Method::percentile, Method::entropy, Method::mse})
    EXPECT_EQ(method_from_string(to_string(m)), m);
  EXPECT_THROW((void)method_from_string("magic"), Error);
}

}  // namespace
}  // namespace tenfold::quant
