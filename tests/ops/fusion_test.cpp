#include "ops/fusion.hpp"

#include "ops/run_op.hpp"

namespace tenfold::ops::testing {
namespace {

TEST(Fusion, AgreesWithTheOperator) {
  const Tensor x = ramp({1, 1, 41}, -10, 0.5f), w = f32({1, 1, 1}, {1});
  const std::pair<const char*, ir::Attributes> plain[] = {
      {"Relu", {}},      {"HardSwish", {}}, {"Sigmoid", {}}, {"HardSigmoid", {}}, {"Tanh", {}},
      {"LeakyRelu", {}}, {"Elu", {}},       {"Mish", {}},    {"Softplus", {}},    {"Exp", {}},
      {"Erf", {}},       {"Abs", {}},       {"Neg", {}},     {"Reciprocal", {}}};
  for (const auto& [name, attrs] : plain) {
    SCOPED_TRACE(name);
    if (!find(name) || std::string_view(name) == "Reciprocal") continue;
    const Tensor expected = run(name, {x}, attrs), y = run("Conv", {x, w}, {{"activation", name}});
    for (int64_t i = 0; i < x.elements(); i++)
      EXPECT_NEAR(y.at_double(i), expected.at_double(i),
                  1e-6 * std::max(1.0, std::abs(expected.at_double(i))));
  }
}

TEST(Fusion, Parameters) {
  const auto at = [](float x, ir::Attributes attrs) {
    ir::Node n;
    n.op = "Conv";
    n.attrs = std::move(attrs);
    return fusion_of(n)(x);
  };
  EXPECT_EQ(at(5, {}), 5);
  EXPECT_EQ(at(9, {{"activation", "Clip"}, {"activation_lo", 0.0f}, {"activation_hi", 6.0f}}), 6);
  EXPECT_EQ(at(-9, {{"activation", "Clip"}, {"activation_hi", 6.0f}}), -9);
  EXPECT_EQ(at(-2, {{"activation", "LeakyRelu"}, {"activation_alpha", 0.5f}}), -1);
  EXPECT_EQ(at(1, {{"activation", "HardSigmoid"}, {"activation_alpha", 0.5f}, {"activation_beta", 0.25f}}),
            0.75f);
  EXPECT_EQ(at(3, {{"activation", "Square"}}), 9);
  EXPECT_NEAR(at(1, {{"activation", "Gelu"}}), 0.8413447, 1e-6);
  EXPECT_NEAR(at(1, {{"activation", "GeluTanh"}}), 0.8411920, 1e-6);
  EXPECT_NEAR(at(-12, {{"activation", "Gelu"}}), 0, 1e-20);
  EXPECT_NEAR(at(1, {{"activation", "SiLU"}}), 0.7310586, 1e-6);
  EXPECT_EQ(at(100, {{"activation", "Softplus"}}), 100);
  EXPECT_TRUE(is_fusible_activation("Mish"));
  EXPECT_FALSE(is_fusible_activation("Softmax"));
}

}  // namespace
}  // namespace tenfold::ops::testing
