// Reductions, selections and contractions.
#include <gtest/gtest.h>

#include <cmath>
#include <numeric>

#include "ops/run_op.hpp"

namespace tenfold::ops {
namespace {

using testing::f32;
using testing::ramp;
using testing::random;
using testing::run;
using testing::run_all;

std::vector<float> list(const Tensor& t) { return {t.span<float>().begin(), t.span<float>().end()}; }
Tensor ints(std::initializer_list<int64_t> v) {
  return Tensor::from<int64_t>(Shape{static_cast<int64_t>(v.size())}, v);
}

TEST(Reduce, Values) {
  const Tensor x = f32(Shape{2, 3}, {1, -2, 3, 4, 5, -6});
  const struct {
    const char* op;
    std::vector<float> y;
  } cases[] = {
      {"ReduceSum", {2, 3}},
      {"ReduceMean", {2.0f / 3, 1}},
      {"ReduceMax", {3, 5}},
      {"ReduceMin", {-2, -6}},
      {"ReduceProd", {-6, -120}},
      {"ReduceL1", {6, 15}},
      {"ReduceL2", {std::sqrt(14.0f), std::sqrt(77.0f)}},
      {"ReduceSumSquare", {14, 77}},
      {"ReduceLogSum", {std::log(2.0f), std::log(3.0f)}},
      {"ReduceLogSumExp",
       {std::log(std::exp(1.f) + std::exp(-2.f) + std::exp(3.f)),
        std::log(std::exp(4.f) + std::exp(5.f) + std::exp(-6.f))}},
  };
  for (const auto& c : cases) {
    const Tensor y = run(c.op, {x, ints({1})}, {{"keepdims", int64_t{0}}});
    EXPECT_EQ(y.shape(), (Shape{2})) << c.op;
    for (size_t i = 0; i < 2; i++) EXPECT_NEAR(y.span<float>()[i], c.y[i], 1e-5f) << c.op;
  }
}

TEST(Reduce, Axes) {
  const Tensor x = ramp(Shape{2, 3, 4});
  EXPECT_EQ(run("ReduceSum", {x}).shape(), (Shape{1, 1, 1}));
  EXPECT_EQ(run("ReduceSum", {x}).at_double(0), 276);
  EXPECT_EQ(list(run("ReduceSum", {x, ints({-1, 0})}, {{"keepdims", int64_t{0}}})),
            (std::vector<float>{60, 92, 124}));
  EXPECT_EQ(list(run("ReduceSum", {x}, {{"noop_with_empty_axes", int64_t{1}}})), list(x));
  EXPECT_THROW(run("ReduceSum", {x, ints({3})}), Error);
  EXPECT_EQ(run("ReduceMax", {ramp(Shape{0, 2}), ints({0})}).at_double(0),
            -std::numeric_limits<double>::infinity());
  EXPECT_THROW(run("ReduceMean", {Tensor(DType::i32, Shape{0}), ints({0})}), Error);
}

TEST(Reduce, LongSumsKeepTheirPrecision) {
  Tensor x(DType::f32, Shape{1 << 22});
  std::fill_n(x.mutable_data<float>(), x.elements(), 0.1f);
  EXPECT_NEAR(run("ReduceMean", {x}).at_double(0), 0.1, 1e-7);
}

TEST(Select, TopKMatchesSorting) {
  for (int64_t n : {1, 2, 17, 100}) {
    const Tensor x = random<int32_t>(Shape{3, n, 2}, static_cast<unsigned>(n), -9, 9);  // many ties
    for (int64_t k : {int64_t{0}, int64_t{1}, n / 2, n})
      for (int64_t largest : {0, 1}) {
        const auto y = run_all("TopK", {x, ints({k})}, {{"axis", int64_t{1}}, {"largest", largest}}, 2);
        for (int64_t o = 0; o < 3; o++)
          for (int64_t i = 0; i < 2; i++) {
            const auto at = [&](int64_t p) { return x.data<int32_t>()[(o * n + p) * 2 + i]; };
            std::vector<int64_t> order(static_cast<size_t>(n));
            std::iota(order.begin(), order.end(), 0);
            std::stable_sort(order.begin(), order.end(),
                             [&](int64_t a, int64_t b) { return largest ? at(a) > at(b) : at(a) < at(b); });
            for (int64_t j = 0; j < k; j++) {
              ASSERT_EQ(y[1].data<int64_t>()[(o * k + j) * 2 + i], order[static_cast<size_t>(j)]);
              ASSERT_EQ(y[0].data<int32_t>()[(o * k + j) * 2 + i], at(order[static_cast<size_t>(j)]));
            }
          }
      }
  }
  EXPECT_THROW(run_all("TopK", {ramp(Shape{3}), ints({4})}, {}, 2), Error);
  EXPECT_THROW(run_all("TopK", {ramp(Shape{3}), ints({-1})}, {}, 2), Error);
}

TEST(Select, ArgMaxTies) {
  const Tensor x = f32(Shape{1, 4}, {1, 3, 3, 2});
  EXPECT_EQ(run("ArgMax", {x}, {{"axis", int64_t{1}}}).at_int(0), 1);
  EXPECT_EQ(run("ArgMax", {x}, {{"axis", int64_t{1}}, {"select_last_index", int64_t{1}}}).at_int(0), 2);
  EXPECT_EQ(run("ArgMin", {x}, {{"axis", int64_t{-1}}, {"keepdims", int64_t{0}}}).shape(), (Shape{1}));
  EXPECT_THROW(run("ArgMax", {ramp(Shape{0})}), Error);
}

TEST(Softmax, SumsToOneAndSurvivesLargeValues) {
  const Tensor y = run("Softmax", {f32(Shape{1, 3}, {1000, 1001, 1002})});
  EXPECT_NEAR(y.at_double(0) + y.at_double(1) + y.at_double(2), 1, 1e-6);
  EXPECT_NEAR(y.at_double(2), 0.66524096, 1e-6);
  const Tensor l = run("LogSoftmax", {f32(Shape{3, 1}, {1000, 1001, 1002})}, {{"axis", int64_t{0}}});
  EXPECT_NEAR(l.at_double(2), std::log(0.66524096), 1e-4);
}

TEST(CumSum, Directions) {
  const Tensor x = ramp(Shape{3}, 1);
  EXPECT_EQ(list(run("CumSum", {x, Tensor::scalar<int64_t>(0)})), (std::vector<float>{1, 3, 6}));
  EXPECT_EQ(list(run("CumSum", {x, Tensor::scalar<int64_t>(-1)},
                     {{"exclusive", int64_t{1}}, {"reverse", int64_t{1}}})),
            (std::vector<float>{5, 3, 0}));
  EXPECT_THROW(run("CumSum", {x, Tensor::scalar<int64_t>(1)}), Error);
}

TEST(Einsum, MatchesMatMulAndFriends) {
  const Tensor a = random<float>(Shape{2, 3, 4}, 1), b = random<float>(Shape{2, 4, 5}, 2);
  const auto equation = [](const char* text) { return ir::Attributes{{"equation", std::string(text)}}; };
  const Tensor y = run("Einsum", {a, b}, equation("bij,bjk->bik")),
               z = run("Einsum", {a, b}, equation("...ij, ...jk"));
  const Tensor want = run("MatMul", {a, b});
  for (int64_t i = 0; i < want.elements(); i++) {
    EXPECT_NEAR(y.at_double(i), want.at_double(i), 1e-5);
    EXPECT_NEAR(z.at_double(i), want.at_double(i), 1e-5);
  }
  EXPECT_EQ(run("Einsum", {ramp(Shape{3, 3})}, equation("ii->")).at_double(0), 12);
  EXPECT_EQ(list(run("Einsum", {ramp(Shape{2, 3})}, equation("ij->ji"))),
            (std::vector<float>{0, 3, 1, 4, 2, 5}));
  for (const char* bad : {"", "ij", "ij,jk", "ij->ik", "i1->i", "ij->ii", "ij,,", "->", "...a...->a"})
    EXPECT_THROW(run("Einsum", {ramp(Shape{2, 3, 4})}, equation(bad)), Error) << bad;
}

}  // namespace
}  // namespace tenfold::ops
