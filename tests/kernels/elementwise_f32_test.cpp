// FP32 elementwise kernels: accuracy of every activation against double precision, special values,
// broadcasting.
#include <fmt/format.h>

#include <limits>

#include "kernels/f32_common.hpp"

namespace tenfold::kernels::test {
namespace {

constexpr float kInf = std::numeric_limits<float>::infinity();

struct UnaryCase {
  const char* name;
  Activation f;
  float from, to;
  float lo = 0, hi = 0;
};
const UnaryCase kUnaryCases[] = {
    {"none", Activation::none, -9, 9},
    {"clamp", Activation::clamp, -9, 9, -1, 6},
    {"silu", Activation::silu, -120, 120},
    {"hard_swish", Activation::hard_swish, -9, 9},
    {"sigmoid", Activation::sigmoid, -120, 120},
    {"hard_sigmoid", Activation::hard_sigmoid, -9, 9, 0.2f, 0.5f},
    {"gelu", Activation::gelu, -20, 20},
    {"gelu_tanh", Activation::gelu_tanh, -20, 20},
    {"tanh", Activation::tanh, -20, 20},
    {"leaky_relu", Activation::leaky_relu, -9, 9, 0.1f},
    {"elu", Activation::elu, -40, 20, 1.5f},
    {"mish", Activation::mish, -100, 60},
    {"softplus", Activation::softplus, -100, 60},
    {"exp", Activation::exp, -110, 88.7f},
    {"erf", Activation::erf, -8, 8},
    {"sqrt", Activation::sqrt, 0, 1e6f},
    {"reciprocal", Activation::reciprocal, 0.01f, 100},
    {"abs", Activation::abs, -9, 9},
    {"neg", Activation::neg, -9, 9},
    {"log", Activation::log, 1e-30f, 1e6f},
    {"square", Activation::square, -9, 9},
};

void check_values(const UnaryCase& c, const std::vector<float>& x) {
  std::vector<float> want(x.size()), got(x.size());
  reference().unary_f32(x.data(), want.data(), int64_t(x.size()), c.f, c.lo, c.hi);
  for (const Kernels* k : f32_tables()) {
    k->unary_f32(x.data(), got.data(), int64_t(x.size()), c.f, c.lo, c.hi);
    for (size_t i = 0; i < x.size(); i++)
      ASSERT_LE(std::abs(double(got[i]) - want[i]), std::max(2e-7, 2e-6 * std::abs(double(want[i]))))
          << k->name << " " << c.name << "(" << x[i] << ") is " << got[i] << ", expected " << want[i];
  }
}

TEST(UnaryF32, AccuracyOverTheRange) {
  for (const UnaryCase& c : kUnaryCases) {
    std::vector<float> x;
    for (int i = 0; i <= 100000; i++) x.push_back(c.from + (c.to - c.from) * float(i) / 100000);
    check_values(c, x);
  }
}

TEST(UnaryF32, SmallAndLargeArguments) {
  for (const UnaryCase& c : kUnaryCases) {
    std::vector<float> x;
    for (float v = 1e-37f; v < 3e38f; v *= 1.7f)
      for (float s : {v, -v})
        if (s >= c.from && s <= c.to) x.push_back(s);
    check_values(c, x);
  }
  std::vector<float> tiny;
  for (float v = 1.4e-45f; v < 1e38f; v *= 1.9f) tiny.push_back(v);
  check_values({"log", Activation::log, 0, 0}, tiny);
}

TEST(UnaryF32, SpecialValues) {
  const auto at = [](const Kernels* k, Activation f, float x) {
    float y;
    k->unary_f32(&x, &y, 1, f, -1, 6);
    return y;
  };
  for (const Kernels* k : f32_tables()) {
    for (const UnaryCase& c : kUnaryCases)
      EXPECT_TRUE(std::isnan(at(k, c.f, NAN))) << k->name << " " << c.name;
    EXPECT_EQ(at(k, Activation::exp, kInf), kInf) << k->name;
    EXPECT_EQ(at(k, Activation::exp, 89), kInf) << k->name;
    EXPECT_EQ(at(k, Activation::exp, -kInf), 0) << k->name;
    EXPECT_FLOAT_EQ(at(k, Activation::sigmoid, kInf), 1) << k->name;
    EXPECT_NEAR(at(k, Activation::sigmoid, -kInf), 0, 1e-37) << k->name;
    EXPECT_FLOAT_EQ(at(k, Activation::tanh, kInf), 1) << k->name;
    EXPECT_FLOAT_EQ(at(k, Activation::tanh, -kInf), -1) << k->name;
    EXPECT_FLOAT_EQ(at(k, Activation::erf, kInf), 1) << k->name;
    EXPECT_FLOAT_EQ(at(k, Activation::erf, -kInf), -1) << k->name;
    EXPECT_EQ(at(k, Activation::log, kInf), kInf) << k->name;
    EXPECT_EQ(at(k, Activation::log, 0), -kInf) << k->name;
    EXPECT_TRUE(std::isnan(at(k, Activation::log, -1))) << k->name;
    for (Activation f : {Activation::silu, Activation::gelu, Activation::gelu_tanh, Activation::mish,
                         Activation::softplus, Activation::hard_swish}) {
      EXPECT_EQ(at(k, f, kInf), kInf) << k->name << " " << int(f);
      EXPECT_NEAR(at(k, f, -kInf), 0, 1e-30) << k->name << " " << int(f);
      EXPECT_NEAR(at(k, f, -3e38f), 0, 1e-30) << k->name << " " << int(f);
    }
  }
}

TEST(UnaryF32, EveryLengthStaysInRange) {
  Random r(1);
  for (int64_t n = 1; n < 70; n++) {
    const auto x = r.floats(n);
    for (const Kernels* k : f32_tables()) {
      std::vector<float> got(static_cast<size_t>(n + 16), kUntouched), want = got;
      reference().unary_f32(x.data(), want.data(), n, Activation::square, 0, 0);
      k->unary_f32(x.data(), got.data(), n, Activation::square, 0, 0);
      expect_close(got, want, 0, fmt::format("{} n {}", k->name, n));
    }
  }
}

TEST(BinaryF32, OperationsAndBroadcasts) {
  Random r(2);
  for (int i = 0; i < 700; i++) {
    BinaryF32 g;
    g.op = Binary(r.in(0, 7));
    g.outer = r.in(1, 12), g.inner = r.in(0, 3) ? r.in(1, 80) : r.in(0, 1) ? 1 : 5000;
    g.a_inner = int(r.in(0, 3) > 0), g.b_inner = int(r.in(0, 3) > 0);
    const auto outer = [&](int inner) {
      return r.coin() ? 0 : (inner ? g.inner : 1) + (r.coin() ? 0 : r.in(0, 3));
    };
    g.a_outer = outer(g.a_inner), g.b_outer = outer(g.b_inner),
    g.c_outer = g.inner + (r.coin() ? 0 : r.in(0, 3));
    auto a = r.floats(g.outer * (g.inner + 3)), b = r.floats(g.outer * (g.inner + 3));
    if (g.op == Binary::div)
      for (float& x : b) x += x < 0 ? -0.5f : 0.5f;
    if (g.op == Binary::pow)
      for (float& x : b) x = r.coin() ? 2.0f : std::round(x);  // negative bases need whole exponents
    if (g.op == Binary::pow)
      for (float& x : a) x += x < 0 ? -0.5f : 0.5f;
    g.a = a.data(), g.b = b.data();
    const auto act = gentle_activation(r);
    g.activation = act.a, g.lo = act.lo, g.hi = act.hi;
    const auto run = [&](const Kernels& k) {
      std::vector<float> c(static_cast<size_t>(g.outer * g.c_outer), kUntouched);
      g.c = c.data();
      k.binary_f32(g);
      return c;
    };
    const auto want = run(reference());
    for (const Kernels* k : f32_tables())
      expect_close(run(*k), want, 3e-6,
                   fmt::format("{} binary {} {}x{}", k->name, int(g.op), g.outer, g.inner));
  }
}

TEST(BinaryF32, NanAndSpecialPowers) {
  const std::vector<float> a{NAN, 1, NAN, -2, -2, 0, kInf, 4}, b{1, NAN, NAN, 3, 0.5f, -1, 0, 0.5f};
  for (const Kernels* k : f32_tables())
    for (int op = 0; op <= 7; op++) {
      std::vector<float> got(8), want(8);
      BinaryF32 g;
      g.op = Binary(op), g.a = a.data(), g.b = b.data(), g.outer = 1, g.inner = 8;
      g.c = want.data();
      reference().binary_f32(g);
      g.c = got.data();
      k->binary_f32(g);
      for (int i = 0; i < 8; i++)
        EXPECT_TRUE(got[i] == want[i] || (std::isnan(got[i]) && std::isnan(want[i])))
            << k->name << " op " << op << " at " << i << ": " << got[i] << ", expected " << want[i];
    }
}

TEST(BlendF32, EveryBlock) {
  Random r(5);
  for (int64_t block = 1; block < 80; block++)
    for (int taps : {2, 4}) {
      const auto x = r.floats(10 * block);
      Blend<float, float> g{.in = x.data(), .taps = taps, .positions = r.in(1, 7), .block = block};
      std::vector<int64_t> offset;
      for (int64_t i = 0; i < g.positions * taps; i++) offset.push_back(r.in(0, 9 * block));
      const auto weight = r.floats(g.positions * taps);
      g.offset = offset.data(), g.weight = weight.data();
      const auto run = [&](const Kernels& k) {
        std::vector<float> out(static_cast<size_t>(g.positions * block + 16), kUntouched);
        g.out = out.data();
        k.blend_f32(g);
        return out;
      };
      const auto want = run(reference());
      for (const Kernels* k : f32_tables())
        expect_close(run(*k), want, 2e-6, fmt::format("{} blend {} of {}", k->name, taps, block));
    }
}

TEST(RangeF32, IgnoresNan) {
  Random r(3);
  for (int64_t n = 0; n < 150; n++) {
    auto x = r.floats(n);
    for (float& v : x)
      if (r.in(0, 5) == 0) v = NAN;
    float want_lo, want_hi, lo, hi;
    reference().range_f32(x.data(), n, &want_lo, &want_hi);
    for (const Kernels* k : f32_tables()) {
      k->range_f32(x.data(), n, &lo, &hi);
      EXPECT_EQ(lo, want_lo) << k->name << " " << n;
      EXPECT_EQ(hi, want_hi) << k->name << " " << n;
    }
  }
}

template <class T>
void check_transpose(const Kernels& k, int64_t rows, int64_t columns, Random& r) {
  const int64_t ld_in = columns + r.in(0, 3), ld_out = rows + r.in(0, 3);
  std::vector<T> in(static_cast<size_t>((rows - 1) * ld_in + columns));
  for (T& x : in) x = T(r.engine());
  std::vector<T> want(static_cast<size_t>((columns - 1) * ld_out + rows), T(77)), got = want;
  if constexpr (sizeof(T) == 4) {
    reference().transpose_32(in.data(), ld_in, want.data(), ld_out, rows, columns);
    k.transpose_32(in.data(), ld_in, got.data(), ld_out, rows, columns);
  } else {
    reference().transpose_8(in.data(), ld_in, want.data(), ld_out, rows, columns);
    k.transpose_8(in.data(), ld_in, got.data(), ld_out, rows, columns);
  }
  EXPECT_EQ(got, want) << k.name << " " << sizeof(T) << " bytes " << rows << "x" << columns;
}

TEST(Transpose, BothElementSizes) {
  Random r(4);
  for (const Kernels* k : f32_tables())
    for (int i = 0; i < 150; i++) {
      const int64_t rows = r.in(1, 50), columns = r.in(1, 50);
      check_transpose<uint32_t>(*k, rows, columns, r);
      check_transpose<uint8_t>(*k, rows, columns, r);
    }
}

}  // namespace
}  // namespace tenfold::kernels::test
