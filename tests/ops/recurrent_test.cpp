// LSTM and GRU against values of ONNX Runtime 1.32.
#include "ops/run_op.hpp"

namespace tenfold::ops::testing {
namespace {

/// Values from lo to hi in equal steps.
Tensor linear(float lo, float hi, Shape shape) {
  const auto n = static_cast<float>(shape.elements() - 1);
  return ramp(std::move(shape), lo, (hi - lo) / n);
}
const Tensor kX = linear(-1, 1, {3, 1, 2});

TEST(LSTM, BothDirectionsPeepholesAndStates) {
  const auto y =
      run_all("LSTM",
              {kX, linear(-1, 1, {2, 8, 2}), linear(1, -1, {2, 8, 2}), linear(-0.5f, 0.5f, {2, 16}), Tensor(),
               linear(0, 1, {2, 1, 2}), linear(1, 0, {2, 1, 2}), linear(-0.3f, 0.3f, {2, 6})},
              {{"hidden_size", int64_t{2}}, {"direction", "bidirectional"}}, 3);
  expect_near(
      y[0], f32({3, 2, 1, 2}, {0.3487769f, 0.1568915f, -0.1055451f, -0.112954f, 0.06924684f, 0.005060035f,
                               0.254199f, 0.1981747f, -0.002419958f, -0.008091276f, 0.3001297f, 0.208873f}));
  expect_near(y[1], f32({2, 1, 2}, {-0.002419958f, -0.008091276f, -0.1055451f, -0.112954f}));
  expect_near(y[2], f32({2, 1, 2}, {-0.01537633f, -0.04137781f, -0.2476096f, -0.3059226f}));
}

TEST(LSTM, BatchFirstAndSequenceLengths) {
  const Tensor x = random<float>({4, 3, 5}, 1), w = random<float>({1, 24, 5}, 2),
               r = random<float>({1, 24, 6}, 3);
  const Tensor lengths = Tensor::from<int32_t>({3}, {4, 0, 2});
  const auto y = run_all("LSTM", {x, w, r, Tensor(), lengths}, {}, 3);
  const auto swapped =
      run_all("LSTM", {permute(x, {1, 0, 2}), w, r, Tensor(), lengths}, {{"layout", int64_t{1}}}, 3);
  expect_equal(permute(swapped[0], {1, 2, 0, 3}), y[0]);
  expect_equal(permute(swapped[2], {1, 0, 2}), y[2]);
  for (int64_t k = 0; k < 6; k++) {
    EXPECT_EQ(y[0].at_double((3 * 3 + 2) * 6 + k), 0);                          // behind the end
    EXPECT_EQ(y[1].at_double(2 * 6 + k), y[0].at_double((1 * 3 + 2) * 6 + k));  // the last real step
    EXPECT_EQ(y[1].at_double(1 * 6 + k), 0);                                    // an empty sequence
  }
  expect_error(ErrorCode::invalid_model, [&] {
    run("LSTM", {x, w, r, Tensor(), Tensor::from<int32_t>({3}, {5, 0, 0})});
  });
}

TEST(GRU, LinearBeforeResetAndClip) {
  const auto gru = [](int64_t linear_before_reset) {
    return run_all(
        "GRU", {kX, linear(-1, 1, {1, 6, 2}), linear(1, -1, {1, 6, 2}), linear(-0.5f, 0.5f, {1, 12})},
        {{"direction", "reverse"}, {"clip", 0.4f}, {"linear_before_reset", linear_before_reset}}, 2);
  };
  expect_near(gru(0)[0], f32({3, 1, 1, 2},
                             {-0.03033592f, -0.00269866f, 0.2040168f, 0.2501798f, 0.2274708f, 0.2274708f}));
  expect_near(gru(1)[0],
              f32({3, 1, 1, 2}, {-0.09006163f, -0.0735502f, 0.1042557f, 0.1318351f, 0.2274708f, 0.2274708f}));
  expect_near(gru(1)[1], f32({1, 1, 2}, {-0.09006163f, -0.0735502f}));
}

TEST(Recurrent, ActivationsByAnyCase) {
  const Tensor w = linear(-1, 1, {1, 6, 2}), r = linear(1, -1, {1, 6, 2});
  const auto gru = [&](const char* gate, const char* hidden) {
    return run("GRU", {kX, w, r}, {{"activations", std::vector<std::string>{gate, hidden}}});
  };
  expect_equal(gru("sigmoid", "TANH"), run("GRU", {kX, w, r}));
  // One step from a state of zero, whose update gate is shut: what the activation makes of x W.
  const auto first = [&](const char* name, std::vector<float> alpha, std::vector<float> beta) {
    const Tensor y = run("GRU", {f32({1, 1, 1}, {-2}), f32({1, 3, 1}, {0, 0, 1}), f32({1, 3, 1}, {0, 0, 0})},
                         {{"activations", std::vector<std::string>{"Relu", name}},
                          {"activation_alpha", std::move(alpha)},
                          {"activation_beta", std::move(beta)}});
    return y.at_double(0);
  };
  EXPECT_NEAR(first("softsign", {}, {}), -2.0 / 3, 1e-6);
  EXPECT_NEAR(first("Softplus", {}, {}), std::log1p(std::exp(-2.0)), 1e-6);
  EXPECT_NEAR(first("Affine", {3}, {1}), -5, 1e-6);
  EXPECT_NEAR(first("ScaledTanh", {3}, {0.5f}), 3 * std::tanh(-1.0), 1e-6);
  EXPECT_NEAR(first("ThresholdedRelu", {-3}, {}), -2, 1e-6);
  EXPECT_NEAR(first("elu", {2}, {}), 2 * std::expm1(-2.0), 1e-6);
  expect_error(ErrorCode::unsupported, [&] { gru("Sigmoid", "HardSwish"); });  // no activation of ONNX's GRU
}

TEST(Recurrent, RejectsNonsense) {
  const Tensor w = ramp({1, 6, 2}), r = ramp({1, 6, 2});
  const auto bad = [&](std::vector<Tensor> in, ir::Attributes attrs,
                       ErrorCode code = ErrorCode::invalid_model) {
    expect_error(code, [&] { run("GRU", in, attrs); });
  };
  bad({ramp({3, 2}), w, r}, {});
  bad({kX, ramp({1, 6, 3}), r}, {});
  bad({kX, w, r}, {{"hidden_size", int64_t{3}}});
  bad({kX, w, r}, {{"direction", "sideways"}});
  bad({kX, w, r}, {{"direction", "bidirectional"}});
  bad({kX, w, r, ramp({1, 6})}, {});
  bad({kX, w, r}, {{"activations", std::vector<std::string>{"Tanh"}}});
  bad({kX, w, r}, {{"activations", std::vector<std::string>{"Tanh", "Magic"}}}, ErrorCode::unsupported);
}

}  // namespace
}  // namespace tenfold::ops::testing
