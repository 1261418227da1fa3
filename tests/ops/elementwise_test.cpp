// Elementwise operators: values, types, broadcasting, integer edges.
#include <gtest/gtest.h>

#include <cmath>

#include "ops/run_op.hpp"

namespace tenfold::ops {
namespace {

using testing::f32;
using testing::run;

template <class T>
std::vector<T> list(const Tensor& t) {
  return {t.span<T>().begin(), t.span<T>().end()};
}
template <class T>
Tensor vec(std::initializer_list<T> v) {
  return Tensor::from<T>(Shape{static_cast<int64_t>(v.size())}, v);
}

constexpr float kNan = std::numeric_limits<float>::quiet_NaN(), kInf = std::numeric_limits<float>::infinity();

struct UnaryCase {
  const char* op;
  ir::Attributes attrs;
  std::vector<float> x, y;
};

TEST(Elementwise, UnaryValues) {
  const std::vector<UnaryCase> cases = {
      {"Relu", {}, {-1, 0, 2}, {0, 0, 2}},
      {"LeakyRelu", {{"alpha", 0.5f}}, {-2, 3}, {-1, 3}},
      {"Elu", {{"alpha", 2.0f}}, {-1, 1}, {2 * std::expm1(-1.0f), 1}},
      {"HardSigmoid", {}, {-10, 0, 10}, {0, 0.5f, 1}},
      {"HardSwish", {}, {-4, 0, 1, 4}, {0, 0, 4.0f / 6, 4}},
      {"SiLU", {}, {0, 1, -100}, {0, 0.7310586f, 0}},
      {"Sigmoid", {}, {0, 200, -200}, {0.5f, 1, 0}},
      {"Softplus", {}, {0, 200, -200}, {0.6931472f, 200, 0}},
      {"Mish", {}, {0, 1}, {0, 0.8650984f}},
      {"Gelu", {}, {1, -1}, {0.8413447f, -0.1586553f}},
      {"Gelu", {{"approximate", std::string("tanh")}}, {1}, {0.8411920f}},
      {"Round", {}, {0.5f, 1.5f, 2.5f, -0.5f}, {0, 2, 2, 0}},
      {"Sign", {}, {-3, 0, 5}, {-1, 0, 1}},
      {"ThresholdedRelu", {{"alpha", 1.0f}}, {0.5f, 1, 2}, {0, 0, 2}},
      {"Erf", {}, {1}, {0.8427008f}},
      {"Reciprocal", {}, {4}, {0.25f}},
  };
  for (const auto& c : cases) {
    const Tensor y = run(c.op, {Tensor::from<float>(Shape{static_cast<int64_t>(c.x.size())}, c.x)}, c.attrs);
    for (size_t i = 0; i < c.y.size(); i++)
      EXPECT_NEAR(y.span<float>()[i], c.y[i], 2e-6f) << c.op << " of " << c.x[i];
  }
}

TEST(Elementwise, NanStaysNan) {
  for (const char* op : {"Relu", "Clip", "Exp", "Sign", "HardSwish", "LeakyRelu"})
    EXPECT_TRUE(std::isnan(run(op, {vec<float>({kNan})}).at_double(0))) << op;
  EXPECT_TRUE(std::isnan(run("Max", {vec<float>({kNan}), vec<float>({1})}).at_double(0)));
  EXPECT_TRUE(std::isnan(run("Min", {vec<float>({1}), vec<float>({kNan})}).at_double(0)));
}

TEST(Elementwise, ClipBounds) {
  const Tensor x = vec<float>({-5, 0, 5});
  EXPECT_EQ(list<float>(run("Clip", {x, Tensor::scalar(-1.0f), Tensor::scalar(1.0f)})),
            (std::vector<float>{-1, 0, 1}));
  EXPECT_EQ(list<float>(run("Clip", {x, {}, Tensor::scalar(1.0f)})), (std::vector<float>{-5, 0, 1}));
  EXPECT_EQ(list<float>(run("Clip", {x, Tensor::scalar(2.0f), Tensor::scalar(1.0f)})),
            (std::vector<float>{1, 1, 1}));
  EXPECT_EQ(list<float>(run("Clip", {vec<float>({kInf})})), (std::vector<float>{kInf}));
  EXPECT_THROW(run("Clip", {x, Tensor::scalar(1.0)}), Error);
}

TEST(Elementwise, IntegersWrapAndNeverTrap) {
  const auto low = std::numeric_limits<int32_t>::min();
  EXPECT_EQ(list<int32_t>(run("Add", {vec<int32_t>({low}), vec<int32_t>({-1})})),
            (std::vector<int32_t>{-(low + 1)}));
  EXPECT_EQ(list<int32_t>(run("Neg", {vec<int32_t>({low})})), (std::vector<int32_t>{low}));
  EXPECT_EQ(list<int32_t>(run("Div", {vec<int32_t>({low, -7, 7}), vec<int32_t>({-1, 2, -2})})),
            (std::vector<int32_t>{low, -3, -3}));
  EXPECT_EQ(list<int32_t>(run("Mod", {vec<int32_t>({low, -7, 7}), vec<int32_t>({-1, 3, -3})})),
            (std::vector<int32_t>{0, 2, -2}));
  EXPECT_EQ(list<int32_t>(run("Mod", {vec<int32_t>({-7}), vec<int32_t>({3})}, {{"fmod", int64_t{1}}})),
            (std::vector<int32_t>{-1}));
  EXPECT_EQ(list<uint8_t>(run("BitShift", {vec<uint8_t>({1, 1}), vec<uint8_t>({7, 200})},
                              {{"direction", std::string("LEFT")}})),
            (std::vector<uint8_t>{128, 0}));
  EXPECT_EQ(list<int64_t>(run("Pow", {vec<int64_t>({3, 2}), vec<int64_t>({4, 62})})),
            (std::vector<int64_t>{81, int64_t{1} << 62}));
  for (const char* op : {"Div", "Mod"}) {
    try {
      run(op, {vec<int32_t>({1}), vec<int32_t>({0})});
      ADD_FAILURE() << op << " by zero";
    } catch (const Error& e) {
      EXPECT_EQ(e.code(), ErrorCode::invalid_argument);
    }
  }
}

TEST(Elementwise, CastsAreDefinedEverywhere) {
  const Tensor x = vec<float>({-1.9f, 300, kNan, kInf, -kInf, 1e30f});
  EXPECT_EQ(list<uint8_t>(run("Cast", {x}, {{"to", int64_t{2}}}))[0], 255);
  EXPECT_EQ(list<uint8_t>(run("Cast", {x}, {{"to", int64_t{2}}}))[1], 44);
  EXPECT_EQ(list<int64_t>(run("Cast", {x}, {{"to", int64_t{7}}})),
            (std::vector<int64_t>{-1, 300, 0, INT64_MAX, INT64_MIN, INT64_MAX}));
  EXPECT_EQ(list<bool>(run("Cast", {x}, {{"to", int64_t{9}}})),
            (std::vector<bool>{true, true, true, true, true, true}));
  EXPECT_THROW(run("Cast", {x}, {{"to", int64_t{8}}}), Error);
  EXPECT_THROW(run("Cast", {x}, {{"to", int64_t{99}}}), Error);
}

TEST(Elementwise, HalfPrecisionRoundTrips) {
  for (int64_t code : {10, 16}) {
    Tensor all(code == 10 ? DType::f16 : DType::bf16, Shape{65536});
    for (int i = 0; i < 65536; i++) all.mutable_data<uint16_t>()[i] = static_cast<uint16_t>(i);
    const Tensor back = run("Cast", {run("Cast", {all}, {{"to", int64_t{1}}})}, {{"to", code}});
    for (int i = 0; i < 65536; i++) {
      const int exponent_mask = code == 10 ? 0x7c00 : 0x7f80;
      const bool nan = (i & exponent_mask) == exponent_mask && (i & (0x7fff ^ exponent_mask)) != 0;
      if (!nan) {
        ASSERT_EQ(back.data<uint16_t>()[i], i);
      }
    }
  }
  // Half way between two halves: to the even one; past the largest: infinity.
  const Tensor h =
      run("Cast", {vec<float>({1 + 0x1p-11f, 1 + 3 * 0x1p-11f, 65519, 65520})}, {{"to", int64_t{10}}});
  EXPECT_EQ(h.data<uint16_t>()[0], 0x3c00);
  EXPECT_EQ(h.data<uint16_t>()[1], 0x3c02);
  EXPECT_EQ(h.data<uint16_t>()[2], 0x7bff);
  EXPECT_EQ(h.data<uint16_t>()[3], 0x7c00);
}

TEST(Elementwise, Broadcasting) {
  const Tensor column = f32(Shape{2, 1}, {1, 2}), row = f32(Shape{3}, {10, 20, 30});
  EXPECT_EQ(list<float>(run("Sub", {column, row})), (std::vector<float>{-9, -19, -29, -8, -18, -28}));
  EXPECT_EQ(run("Mul", {f32(Shape{0, 3}, {}), row}).shape(), (Shape{0, 3}));
  EXPECT_EQ(run("Add", {Tensor::scalar(1.0f), Tensor::scalar(2.0f)}).at_double(0), 3);
  EXPECT_EQ(list<float>(run("Sum", {column, row, Tensor::scalar(100.0f)})),
            (std::vector<float>{111, 121, 131, 112, 122, 132}));
  EXPECT_EQ(list<float>(run("Mean", {column, row})), (std::vector<float>{5.5f, 10.5f, 15.5f, 6, 11, 16}));
  EXPECT_EQ(
      list<float>(run("Where", {Tensor::from<bool>(Shape{2, 1}, {true, false}), row, Tensor::scalar(0.0f)})),
      (std::vector<float>{10, 20, 30, 0, 0, 0}));
  EXPECT_EQ(list<bool>(run("Less", {column, row})), (std::vector<bool>(6, true)));
  EXPECT_EQ(list<float>(run("PRelu", {f32(Shape{1, 2, 2}, {-1, 1, -1, 1}), f32(Shape{2, 1}, {2, 3})})),
            (std::vector<float>{-2, 1, -3, 1}));
  EXPECT_THROW(run("PRelu", {row, column}), Error);
  EXPECT_THROW(run("Add", {row, vec<int32_t>({1, 2, 3})}), Error);
}

}  // namespace
}  // namespace tenfold::ops
