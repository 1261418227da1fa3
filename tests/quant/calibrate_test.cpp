#include "quant/calibrate.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "support/reference_runner.hpp"

namespace tenfold::quant {
namespace {

/// y = relu(x), z = y + y
ir::Graph relu_and_sum() {
  ir::Graph g;
  const auto x = g.add_input("x", DType::f32, {1, 4});
  const auto y = g.node(g.add_node("Relu", {x}, {}, 1, "y")).output();
  const auto z = g.node(g.add_node("Add", {y, y}, {}, 1, "z")).output();
  g.outputs = {z};
  ops::infer_all(g);
  return g;
}

std::vector<Tensor> sample(std::initializer_list<float> values) {
  return {Tensor::from<float>({1, 4}, values)};
}

ErrorCode code_of(const std::function<void()>& f, std::string_view part) {
  try {
    f();
  } catch (const Error& e) {
    EXPECT_NE(std::string(e.what()).find(part), std::string::npos) << e.what();
    return e.code();
  }
  ADD_FAILURE() << "no error";
  return ErrorCode::internal;
}

TEST(Calibrate, RangesOfInputsAndActivations) {
  VectorFeeds feeds({sample({-1, 2, 0, 1}), sample({3, -4, 0, 0})});
  const Calibration c = calibrate(relu_and_sum(), test::compile_reference, feeds, {"x", "y", "z"});
  EXPECT_EQ(c.samples, 2u);
  const CalibrationTable t = c.table(Method::minmax);
  EXPECT_EQ(t.at("x"), (Range{-4, 3}));
  EXPECT_EQ(t.at("y"), (Range{0, 3}));
  EXPECT_EQ(t.at("z"), (Range{0, 6}));
}

TEST(Calibrate, ManyRunsGiveTheSame) {
  VectorFeeds feeds({sample({-1, 2, 0, 1}), sample({3, -4, 0, 0})});
  CalibrationOptions tight;
  tight.max_output_bytes = 1;
  size_t passes = 0;
  tight.progress = [&](size_t, size_t total) { passes = total; };
  const Calibration c = calibrate(relu_and_sum(), test::compile_reference, feeds, {"x", "y", "z"}, tight);
  EXPECT_EQ(passes, 2u);
  EXPECT_EQ(c.table(Method::minmax).at("z"), (Range{0, 6}));
  EXPECT_EQ(c.values.at("x").count(), 8u);
  EXPECT_EQ(c.values.at("y").count(), 8u);
}

TEST(Calibrate, SampleLimit) {
  VectorFeeds feeds({sample({-1, 2, 0, 1}), sample({3, -4, 0, 0})});
  CalibrationOptions one;
  one.max_samples = 1;
  one.histogram = false;
  const Calibration c = calibrate(relu_and_sum(), test::compile_reference, feeds, {"x"}, one);
  EXPECT_EQ(c.samples, 1u);
  EXPECT_EQ(c.table(Method::minmax).at("x"), (Range{-1, 2}));
  EXPECT_THROW((void)c.table(Method::mse), Error);
}

TEST(Calibrate, NotFiniteNamesTensorAndSample) {
  const float nan = std::numeric_limits<float>::quiet_NaN();
  VectorFeeds input({sample({1, 1, 1, 1}), sample({1, nan, 1, 1})});
  EXPECT_EQ(code_of([&] { calibrate(relu_and_sum(), test::compile_reference, input, {"x"}); },
                    "'x' has NaN at element 1 for sample 1"),
            ErrorCode::data);
  VectorFeeds large({sample({3e38f, 1, 1, 1})});
  EXPECT_EQ(code_of([&] { calibrate(relu_and_sum(), test::compile_reference, large, {"z"}); },
                    "'z' has infinity at element 0 for sample 0"),
            ErrorCode::data);
}

TEST(Calibrate, BadDataSets) {
  const auto run = [](std::vector<std::vector<Tensor>> samples) {
    return [samples] {
      VectorFeeds feeds(samples);
      calibrate(relu_and_sum(), test::compile_reference, feeds, {"y"});
    };
  };
  EXPECT_EQ(code_of(run({}), "empty"), ErrorCode::data);
  EXPECT_EQ(code_of(run({{}}), "1 inputs"), ErrorCode::data);
  EXPECT_EQ(code_of(run({sample({1, 2, 3, 4}), {Tensor::from<float>({1, 2}, {1, 2})}}),
                    "sample 1: input 'x' wants shape [1, 4]"),
            ErrorCode::data);
  EXPECT_EQ(code_of(run({{Tensor::from<int64_t>({1, 4}, {1, 2, 3, 4})}}), "wants f32"), ErrorCode::data);
}

TEST(Calibrate, Cancel) {
  VectorFeeds feeds({sample({1, 1, 1, 1})});
  CalibrationOptions options;
  options.cancelled = [] { return true; };
  EXPECT_EQ(code_of([&] { calibrate(relu_and_sum(), test::compile_reference, feeds, {"y"}, options); },
                    "cancelled"),
            ErrorCode::cancelled);
}

TEST(LimitedFeeds, StopsAndRestarts) {
  VectorFeeds all({sample({1, 1, 1, 1}), sample({2, 2, 2, 2}), sample({3, 3, 3, 3})});
  LimitedFeeds two(all, 2);
  std::vector<Tensor> feeds;
  for (int round = 0; round < 2; round++) {
    int n = 0;
    while (two.next(feeds)) n++;
    EXPECT_EQ(n, 2);
    two.reset();
  }
}

}  // namespace
}  // namespace tenfold::quant
