// Visiting samples: order, giving up early, cancelling.
#include "optimize/evaluate.hpp"

#include <gtest/gtest.h>

#include <algorithm>

#include "optimize/small_search.hpp"

namespace tenfold::optimize {
namespace {

TEST(Shuffled, IsAPermutationThatTheSeedDecides) {
  const auto a = shuffled(100, 1);
  EXPECT_EQ(a, shuffled(100, 1));
  EXPECT_NE(a, shuffled(100, 2));
  auto sorted = a;
  std::sort(sorted.begin(), sorted.end());
  for (size_t i = 0; i < sorted.size(); i++) EXPECT_EQ(sorted[i], i);
  EXPECT_TRUE(shuffled(0, 1).empty());
}

TEST(Evaluate, GivesUpWhereTheFirstSamplesAreHopeless) {
  const test::SmallSearch s;
  EvaluateOptions options;
  size_t asked = 0;
  options.hopeless = [&](std::span<const double> scores) { return ++asked, scores.size() >= 256; };
  const auto samples = test::samples(s.model, 1000, 1);
  EXPECT_EQ(evaluate(s.model, *samples, s.metric, options).size(), 256u);
  EXPECT_EQ(asked, 2u);  // after 128 and 256
}

TEST(Evaluate, CancelsBetweenSamples) {
  const test::SmallSearch s;
  EvaluateOptions options;
  size_t asked = 0;
  options.cancelled = [&] { return ++asked > 3; };
  try {
    evaluate(s.model, *test::samples(s.model, 10, 1), s.metric, options);
    FAIL();
  } catch (const Error& e) {
    EXPECT_EQ(e.code(), ErrorCode::cancelled);
  }
}

}  // namespace
}  // namespace tenfold::optimize
