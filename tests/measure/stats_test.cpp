#include "measure/stats.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <random>

#include "base/error.hpp"
#include "measure/latency.hpp"

namespace tenfold::measure {
namespace {

TEST(Latency, Summary) {
  std::vector<double> v(101);
  for (size_t i = 0; i < v.size(); i++) v[i] = static_cast<double>(100 - i);
  const LatencySummary s = summarise(v);
  EXPECT_EQ(s.runs, 101u);
  EXPECT_EQ(s.min, 0);
  EXPECT_EQ(s.max, 100);
  EXPECT_EQ(s.median, 50);
  EXPECT_EQ(s.p90, 90);
  EXPECT_EQ(s.p99, 99);
  EXPECT_DOUBLE_EQ(s.throughput, 20);
  EXPECT_THROW((void)summarise({}), Error);
  const double one[] = {3.0};
  EXPECT_EQ(summarise(one).p99, 3.0);
}

TEST(Latency, MedianIntervalCovers) {
  // The interval must hold the true median (0) in at least 95 % of experiments, whatever the distribution.
  std::mt19937 random(1);
  std::exponential_distribution<double> d(1.0);
  const double truth = std::log(2.0);
  int covered = 0;
  constexpr int kExperiments = 2000;
  for (int e = 0; e < kExperiments; e++) {
    std::vector<double> v(50);
    for (double& x : v) x = d(random);
    std::sort(v.begin(), v.end());
    const Interval i = median_interval(v);
    covered += i.lo <= truth && truth <= i.hi;
  }
  EXPECT_GE(covered, 0.94 * kExperiments);
}

TEST(Latency, StabilityNeedsNarrowAndLevel) {
  StabilityOptions o;
  std::mt19937 random(2);
  std::normal_distribution<double> noise(10.0, 0.05);
  std::vector<double> level(200), drifting(200);
  for (size_t i = 0; i < level.size(); i++) {
    level[i] = noise(random);
    drifting[i] = level[i] * (i < 100 ? 1.0 : 1.2);
  }
  EXPECT_EQ(judge(level, 2.0, o), Stability::stable);
  EXPECT_EQ(judge(drifting, 2.0, o), Stability::running);
  EXPECT_EQ(judge(drifting, 11.0, o), Stability::limited);
  EXPECT_EQ(judge(std::span(level).first(5), 0.05, o), Stability::running);
  EXPECT_EQ(judge(std::span(level).first(5), 60.0, o), Stability::limited);
}

TEST(Latency, InterleavedRunsAllAndCanBeCancelled) {
  StabilityOptions o;
  o.min_runs = 10;
  o.max_runs = 20;
  o.min_seconds = 0;
  int a = 0, b = 0;
  const std::function<void()> functions[] = {[&] { a++; }, [&] { b++; }};
  const auto runs = measure_interleaved(functions, o, 2);
  ASSERT_EQ(runs.size(), 2u);
  EXPECT_EQ(runs[0].milliseconds.size(), runs[1].milliseconds.size());
  EXPECT_EQ(a, b);
  EXPECT_EQ(a, 2 + static_cast<int>(runs[0].milliseconds.size()));
  EXPECT_LE(runs[0].milliseconds.size(), 20u);
  EXPECT_NE(runs[0].stability, Stability::running);
  EXPECT_THROW((void)measure_latency([] {}, o, 0, [] { return true; }), Error);
  EXPECT_TRUE(measure_interleaved({}, o).empty());
}

TEST(Paired, StudentT) {
  EXPECT_NEAR(student_t(1), 12.7062, 1e-4);
  EXPECT_NEAR(student_t(11), 2.2010, 2e-4);
  EXPECT_NEAR(student_t(30), 2.0423, 1e-4);
  EXPECT_NEAR(student_t(1000000), 1.95997, 1e-4);
}

TEST(Paired, TangoKnownValues) {
  // No discordant pair: the closed form is z^2 / (n + z^2) on both sides.
  const double z2 = 1.959963984540054 * 1.959963984540054;
  const Interval none = tango_interval(0, 0, 100);
  EXPECT_NEAR(none.hi, z2 / (100 + z2), 1e-9);
  EXPECT_NEAR(none.lo, -none.hi, 1e-12);
  // Symmetric in its two kinds of discordance.
  const Interval a = tango_interval(12, 5, 100), b = tango_interval(5, 12, 100);
  EXPECT_NEAR(a.lo, -b.hi, 1e-9);
  EXPECT_NEAR(a.hi, -b.lo, 1e-9);
  EXPECT_LT(a.lo, 0.07);
  EXPECT_GT(a.hi, 0.07);
  const Interval all = tango_interval(10, 0, 10);
  EXPECT_LE(all.hi, 1.0);
  EXPECT_GT(all.lo, 0.4);
  // Approval ratings of A. Agresti, "Categorical Data Analysis": 150 and 86 of 1600 changed; the Wald
  // interval, close to the score interval at this size, is 0.0213 to 0.0587.
  EXPECT_NEAR(tango_interval(150, 86, 1600).lo, 0.0213, 3e-4);
  EXPECT_NEAR(tango_interval(150, 86, 1600).hi, 0.0587, 3e-4);
  EXPECT_THROW((void)tango_interval(0, 0, 0), Error);
}

TEST(Paired, TangoCoverage) {
  // Rates such as a good quantizer shows: 1.2 % lost, 0.8 % gained, 800 samples.
  std::mt19937 random(3);
  std::discrete_distribution<int> d({0.98, 0.012, 0.008});
  constexpr int kExperiments = 2000;
  int covered = 0;
  for (int e = 0; e < kExperiments; e++) {
    size_t count[3] = {};
    for (int i = 0; i < 800; i++) count[d(random)]++;
    const Interval i = tango_interval(count[1], count[2], 800);
    covered += i.lo <= 0.004 && 0.004 <= i.hi;
  }
  EXPECT_GE(covered, 0.935 * kExperiments);
  EXPECT_LE(covered, 0.975 * kExperiments);
}

TEST(Paired, ExactScores) {
  std::vector<double> base(1000, 1.0), candidate(1000, 1.0);
  for (size_t i = 0; i < 50; i++) base[i] = 0;
  for (size_t i = 48; i < 54; i++) candidate[i] = 1 - base[i];  // 2 gained, 4 lost
  for (size_t i = 0; i < 48; i++) candidate[i] = 0;
  const PairedOutcome o = compare_paired(base, candidate);
  EXPECT_EQ(o.lost, 4u);
  EXPECT_EQ(o.gained, 2u);
  EXPECT_DOUBLE_EQ(o.drop, 0.002);
  EXPECT_NEAR(o.baseline, 0.95, 1e-12);
  EXPECT_EQ(o.confidence.hi, tango_interval(4, 2, 1000).hi);
  EXPECT_EQ(certify(o, 0.01), Certificate::certified);
  EXPECT_EQ(certify(o, 0.004), Certificate::too_little_data);
  EXPECT_EQ(certify(o, 0.001), Certificate::missed);
  EXPECT_GT(samples_needed(o, 0.004), 1000u);
  EXPECT_LT(samples_needed(o, 0.01), 1000u);
  EXPECT_EQ(samples_needed(o, 0.001), 0u);
}

TEST(Paired, SamplesNeededAreEnough) {
  // `lost` of `n` samples change from 1 to `score`.
  const auto outcome = [](size_t n, size_t lost, double score) {
    std::vector<double> candidate(n, 1.0);
    std::fill_n(candidate.begin(), lost, score);
    return compare_paired(std::vector<double>(n, 1.0), candidate);
  };
  // Where no sample changes the interval ends at z^2 / (n + z^2).
  for (size_t n : {size_t{12}, size_t{60}, size_t{1000}})
    EXPECT_EQ(samples_needed(outcome(n, 0, 0), 0.01), 381u) << n;
  for (double score : {0.0, 0.5})
    for (size_t more : {size_t{2}, size_t{5}, size_t{20}}) {
      // As many as it says certify, three quarters do not.
      const size_t needed = samples_needed(outcome(100 * more, more, score), 0.02);
      EXPECT_EQ(certify(outcome(needed, needed / 100, score), 0.02), Certificate::certified);
      EXPECT_NE(certify(outcome(needed * 3 / 4, needed * 3 / 400, score), 0.02), Certificate::certified);
    }
}

TEST(Paired, GeneralScores) {
  std::mt19937 random(4);
  std::normal_distribution<double> score(0.9, 0.05), loss(0.01, 0.02);
  std::vector<double> base(500), candidate(500);
  double square = 0;
  for (size_t i = 0; i < base.size(); i++) {
    base[i] = score(random);
    candidate[i] = base[i] - loss(random);
    square += (base[i] - candidate[i] - 0.01) * (base[i] - candidate[i] - 0.01);
  }
  const double t = student_t(499) * std::sqrt(square / 499 / 500);
  const PairedOutcome o = compare_paired(base, candidate);
  EXPECT_NEAR(o.drop, 0.01, 0.004);
  EXPECT_NEAR(o.confidence.hi - o.drop, 3.0 / 500, 1e-12);  // few samples: what they need not have shown
  EXPECT_LT(t, 3.0 / 500);
  // Losses as large as the spread are seen in the deviation.
  for (size_t i = 0; i < 50; i++) candidate[i] = 0;
  const PairedOutcome wide = compare_paired(base, candidate);
  EXPECT_NEAR(wide.confidence.hi - wide.drop, student_t(499) * wide.deviation / std::sqrt(500), 1e-12);
  EXPECT_GT(wide.confidence.hi - wide.drop, 3.0 / 500);
}

TEST(Paired, EqualScoresAreNotCertain) {
  // Neither are those of one sample, or of many that are all the same: the spread is the metric's.
  for (const std::vector<double>& s :
       {std::vector<double>{0.5, 0.9, 0.7, 1.0}, std::vector<double>(4, 0.99), {0.99}, {1.0}}) {
    const PairedOutcome o = compare_paired(s, s), wide = compare_paired(s, s, 2);
    EXPECT_EQ(o.drop, 0);
    EXPECT_GE(o.confidence.hi, 0.75);  // 3 / 4 of the spread
    EXPECT_GE(wide.confidence.hi, 1.5);
    EXPECT_EQ(certify(o, 0.01), Certificate::too_little_data);
  }
  const std::vector<double> decibels{20, 35, 30};  // a spread that was seen counts
  EXPECT_EQ(compare_paired(decibels, decibels).confidence.hi, 15);
}

TEST(Paired, Errors) {
  const std::vector<double> one{1.0}, two{1.0, 0.0}, bad{std::nan("")};
  EXPECT_THROW((void)compare_paired(one, two), Error);
  EXPECT_THROW((void)compare_paired({}, {}), Error);
  EXPECT_THROW((void)compare_paired(one, bad), Error);
  EXPECT_EQ(certify(compare_paired(one, one), 0.01), Certificate::too_little_data);
}

}  // namespace
}  // namespace tenfold::measure
