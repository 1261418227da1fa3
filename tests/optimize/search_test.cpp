// The search on a small network: what it returns, what it refuses, and that a seed repeats it.
#include <gtest/gtest.h>

#include <limits>

#include "optimize/cost.hpp"
#include "optimize/optimize.hpp"
#include "optimize/sensitivity.hpp"
#include "optimize/small_search.hpp"

namespace tenfold::optimize {
namespace {

Options quick() {
  Options options{.keep_reference = true};
  options.stability = {.min_runs = 6, .min_seconds = 0, .max_seconds = 0.02};
  return options;
}

Result search(const test::SmallSearch& s, size_t samples, const Goal& goal,
              const Options& options = quick()) {
  return optimize(s.model, *test::samples(s.model, samples, 1), *test::samples(s.model, 20, 2), s.metric,
                  goal, options);
}

TEST(Search, ChoosesTheFastestCertifiedCandidate) {
  const test::SmallSearch s;
  const Result r = search(s, 300, {.max_drop = 0.3});
  EXPECT_EQ(r.verdict, Verdict::met);
  const auto median = [&](size_t i) { return r.candidates[i].latency.median; };
  for (size_t i = 0; i < r.candidates.size(); i++)
    EXPECT_TRUE(r.candidates[i].certificate != measure::Certificate::certified ||
                median(r.chosen) <= median(i));
  EXPECT_LE(median(r.chosen), median(0));
}

TEST(Search, TheSeedRepeatsIt) {
  const test::SmallSearch s;
  const Result a = search(s, 200, {.max_drop = 0.3}), b = search(s, 200, {.max_drop = 0.3});
  EXPECT_EQ(a.order, b.order);
  ASSERT_EQ(a.candidates.size(), b.candidates.size());
  for (size_t i = 0; i < a.candidates.size(); i++) {
    EXPECT_EQ(a.candidates[i].name, b.candidates[i].name);
    EXPECT_EQ(a.candidates[i].scores, b.candidates[i].scores);
  }
}

TEST(Search, TooFewSamplesCertifyNothing) {
  const test::SmallSearch s;
  const Result r = search(s, 10, {.max_drop = 0.01});
  for (size_t i = 1; i < r.candidates.size(); i++)
    EXPECT_NE(r.candidates[i].certificate, measure::Certificate::certified);
}

TEST(Search, NoCertificateBehindAFailedTest) {
  const test::SmallSearch s;
  const Result r = search(s, 150, {.max_drop = 0.03});
  bool unbroken = true;
  for (size_t i = 1; i < r.candidates.size(); i++) {
    const bool certified = r.candidates[i].certificate == measure::Certificate::certified;
    EXPECT_TRUE(unbroken || !certified) << r.candidates[i].name;
    unbroken = unbroken && certified;
  }
}

TEST(Search, ATargetThatNothingReachesIsMissed) {
  const test::SmallSearch s;
  const Result r = search(s, 300, {.max_drop = 0.3, .latency_ms = 1e-6});
  EXPECT_NE(r.verdict, Verdict::met);
  EXPECT_EQ(r.candidates[r.chosen].certificate, measure::Certificate::certified);
}

/// 100 samples a candidate, of which `lost` are lost; 5 points are allowed.
Result scripted(std::vector<size_t> lost, double latency_ms = 0) {
  const ir::Graph model = test::deep_model();
  const auto data = test::samples_with_outliers(model, 100),
             calibration = test::samples_with_outliers(model, 8);
  Options options = quick();
  options.keep_reference = false;
  return optimize(model, *data, *calibration, test::Scripted(100, std::move(lost)),
                  {.max_drop = 0.05, .latency_ms = latency_ms}, options);
}

TEST(Search, SaysWhichCandidateNeedsMoreSamples) {
  // The first rung falls short, and what follows would be certified but for that.
  const Result r = scripted({0, 3, 0});
  ASSERT_GE(r.candidates.size(), 3u);
  ASSERT_EQ(r.verdict, Verdict::too_little_data);
  EXPECT_EQ(r.samples_wanted, measure::samples_needed(r.candidates[1].outcome, 0.05));
  EXPECT_GT(r.samples_wanted, 100u);
  EXPECT_NE(r.explanation.find(r.candidates[1].name), std::string::npos) << r.explanation;
  EXPECT_NE(r.explanation.find("loses 3.00 points on 100 samples"), std::string::npos) << r.explanation;
}

TEST(Search, NothingBehindAMissedRungIsChosen) {
  const Result r = scripted({0, 8, 3});
  ASSERT_EQ(r.candidates.size(), 3u);
  EXPECT_EQ(r.candidates[2].outcome.lost, 3u);
  EXPECT_EQ(r.candidates[2].certificate, measure::Certificate::missed);
  EXPECT_EQ(r.chosen, 0u);
  EXPECT_EQ(r.verdict, Verdict::met);
}

TEST(Search, ATargetThatFp32ReachesIsMetWhateverIsUncertain) {
  const Result r = scripted({0, 3, 0}, 1e5);
  EXPECT_EQ(r.verdict, Verdict::met);
  EXPECT_EQ(r.chosen, 0u);
  EXPECT_NE(r.explanation.find("too few to certify"), std::string::npos) << r.explanation;
  EXPECT_EQ(scripted({0, 3, 0}, 1e-6).verdict, Verdict::too_little_data);
}

/// Remembers the last sample that was asked for.
class Watched final : public measure::Dataset {
 public:
  explicit Watched(std::unique_ptr<measure::Dataset> data) : data_(std::move(data)) {}
  size_t size() const override { return data_->size(); }
  measure::Sample get(size_t index) const override {
    last = std::max(last, index);
    return data_->get(index);
  }
  bool has_labels() const override { return false; }
  std::string task() const override { return {}; }
  mutable size_t last = 0;

 private:
  std::unique_ptr<measure::Dataset> data_;
};

TEST(Search, ReadsNoMoreCalibrationSamplesThanAllowed) {
  const test::SmallSearch s;
  const Watched calibration(test::samples(s.model, 20, 2));
  Options options = quick();
  options.calibration_samples = 5;
  optimize(s.model, *test::samples(s.model, 20, 1), calibration, s.metric, {.max_drop = 0.3}, options);
  EXPECT_EQ(calibration.last, 4u);
}

TEST(Tuning, AnOutputOfZerosDoesNotOutweighTheOthers) {
  const auto shifted = [](float by) {
    quant::test_support::Build b;
    const auto c = b.constant("c", Tensor::scalar(by));
    b.g.outputs = {b.op("Relu", {b.op("Add", {b.input({1, 4}), c}, "a")}, "r")};
    return b.g;
  };
  const auto sample = [](float v) {
    return measure::Sample{{Tensor::from<float>({1, 4}, {v, v, v, v})}, "", ""};
  };
  const auto data = measure::memory_dataset({sample(1), sample(0), sample(-1)});
  const Tuning tuning(shifted(0), *data, 3, 1, {});
  EXPECT_EQ(tuning.error(shifted(0)), 0);
  EXPECT_NEAR(tuning.error(shifted(0.5f)), 0.5, 1e-6);  // (0.25 + 0.25) of 1
  const auto zeros = measure::memory_dataset({sample(-1)});
  EXPECT_NEAR(Tuning(shifted(0), *zeros, 1, 1, {}).error(shifted(1.5f)), 1, 1e-6);  // as it is: 4 times 0.25
}

ErrorCode code_of(const std::function<void()>& f) {
  try {
    f();
  } catch (const Error& e) {
    return e.code();
  }
  ADD_FAILURE() << "nothing was thrown";
  return ErrorCode::internal;
}

TEST(Search, RefusesBadData) {
  const test::SmallSearch s;
  const auto good = test::samples(s.model, 4, 1), none = measure::memory_dataset({});
  Tensor nan = quant::copy_of(good->get(0).feeds[0]);
  nan.mutable_data<float>()[5] = std::numeric_limits<float>::quiet_NaN();
  Tensor infinite = quant::copy_of(good->get(0).feeds[0]);
  infinite.mutable_data<float>()[5] = std::numeric_limits<float>::infinity();
  const auto one = [](Tensor t) { return measure::memory_dataset({{{std::move(t)}, "", "bad"}}); };
  const Goal goal{.max_drop = 0.1};
  const auto run = [&](const measure::Dataset& evaluation, const measure::Dataset& calibration) {
    return code_of([&] { optimize(s.model, evaluation, calibration, s.metric, goal, quick()); });
  };
  EXPECT_EQ(run(*none, *good), ErrorCode::data);
  EXPECT_EQ(run(*good, *none), ErrorCode::data);
  EXPECT_EQ(run(*good, *one(nan)), ErrorCode::data);
  EXPECT_EQ(run(*good, *one(infinite)), ErrorCode::data);
  EXPECT_EQ(run(*good, *one(Tensor(DType::f32, {1, 3, 4, 4}))), ErrorCode::data);
  EXPECT_EQ(run(*one(Tensor(DType::f32, {1, 3, 4, 4})), *good), ErrorCode::data);
}

TEST(Search, CancelsAnywhere) {
  const test::SmallSearch s;
  Options options = quick();
  std::string stage;
  size_t asked = 0;  // before latencies are measured, where the number of questions depends on time
  options.progress = [&](const Progress& p) { stage = p.stage; };
  options.cancelled = [&] { return asked += stage != "measuring latency", false; };
  search(s, 40, {.max_drop = 0.3}, options);
  for (size_t at : {size_t{1}, asked / 8, asked / 4, asked / 2, asked * 3 / 4, asked}) {
    size_t count = 0;
    options.cancelled = [&] { return ++count >= at; };
    EXPECT_EQ(code_of([&] { search(s, 40, {.max_drop = 0.3}, options); }), ErrorCode::cancelled) << at;
  }
  options.cancelled = [&] { return stage == "measuring latency"; };
  EXPECT_EQ(code_of([&] { search(s, 40, {.max_drop = 0.3}, options); }), ErrorCode::cancelled);
}

TEST(Cost, IsTheSameEveryTime) {
  const test::SmallSearch s;
  const std::vector<Shape> shapes{{1, 3, 8, 8}};
  EXPECT_GT(estimate_microseconds(s.model, shapes), 0);
  EXPECT_EQ(estimate_microseconds(s.model, shapes), estimate_microseconds(s.model, shapes));
}

}  // namespace
}  // namespace tenfold::optimize
