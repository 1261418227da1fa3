#include "ops/run_op.hpp"

namespace tenfold::ops::testing {
namespace {

TEST(BatchNormalization, ScalesChannels) {
  const Tensor x = ramp({1, 2, 1, 2});
  const Tensor y = run("BatchNormalization",
                       {x, f32({2}, {2, 3}), f32({2}, {1, -1}), f32({2}, {0, 2}), f32({2}, {4, 0.25f})},
                       {{"epsilon", 0.0f}});
  expect_near(y, f32({1, 2, 1, 2}, {1, 2, -1, 5}));
  const Tensor wide = random<float>({2, 37, 3, 5}, 1), p = random<float>({37}, 2, 0.5, 2);
  expect_channels_last("BatchNormalization", {wide, p, p, p, p}, {{"activation", "HardSwish"}});
  expect_error(ErrorCode::invalid_model, [&] { run("BatchNormalization", {wide, p, p, p, ramp({36})}); });
}

TEST(LayerNormalization, RowsAndStatistics) {
  const Tensor x = f32({2, 2}, {1, 3, 5, 5});
  const auto out =
      run_all("LayerNormalization", {x, f32({2}, {1, 2}), f32({2}, {0, 1})}, {{"epsilon", 1.0f}}, 3);
  const float s = 1 / std::sqrt(2.0f);
  expect_near(out[0], f32({2, 2}, {-s, 2 * s + 1, 0, 1}));
  expect_near(out[1], f32({2, 1}, {2, 5}));
  expect_near(out[2], f32({2, 1}, {s, 1}));
  const Tensor big = random<float>({2, 3, 4}, 1), scale = random<float>({3, 4}, 2);
  const Tensor y = run("LayerNormalization", {big, scale}, {{"axis", int64_t{1}}});
  expect_near(y,
              run("LayerNormalization", {big.reshaped({2, 12}), scale.reshaped({12})}).reshaped({2, 3, 4}));
  expect_error(ErrorCode::invalid_model, [&] { run("LayerNormalization", {big, ramp({5})}); });
}

TEST(RMSNormalization, DividesByTheRootMeanSquare) {
  expect_near(run("RMSNormalization", {f32({1, 2}, {3, 4}), f32({2}, {1, 10})}, {{"epsilon", 0.0f}}),
              f32({1, 2}, {3 / std::sqrt(12.5f), 40 / std::sqrt(12.5f)}));
}

TEST(GroupNormalization, OneChannelAGroupIsInstanceNormalization) {
  const Tensor x = random<float>({2, 4, 3, 5}, 1), scale = random<float>({4}, 2),
               bias = random<float>({4}, 3);
  const Tensor y = run("InstanceNormalization", {x, scale, bias});
  expect_equal(run("GroupNormalization", {x, scale, bias}, {{"num_groups", int64_t{4}}}), y);
  expect_channels_last("InstanceNormalization", {x, scale, bias}, {{"activation", "Relu"}});
  expect_channels_last("GroupNormalization", {x, scale, bias}, {{"num_groups", int64_t{2}}});
  expect_near(run("GroupNormalization", {f32({1, 2, 1}, {1, 3}), f32({2}, {1, 2}), f32({2}, {0, 1})},
                  {{"num_groups", int64_t{1}}, {"epsilon", 0.0f}}),
              f32({1, 2, 1}, {-1, 3}));
  expect_error(ErrorCode::invalid_model, [&] {
    run("GroupNormalization", {x, scale, bias}, {{"num_groups", int64_t{3}}});
  });
  expect_error(ErrorCode::invalid_model, [&] { run("GroupNormalization", {x, scale, bias}); });
}

TEST(LRN, NeighbouringChannels) {
  const Tensor y =
      run("LRN", {f32({1, 3, 1}, {1, 2, 3})}, {{"size", int64_t{3}}, {"alpha", 3.0f}, {"beta", 1.0f}});
  expect_near(y, f32({1, 3, 1}, {1.0f / 6, 2.0f / 15, 3.0f / 14}));
  expect_channels_last("LRN", {random<float>({2, 5, 3}, 1)}, {{"size", int64_t{3}}});
}

}  // namespace
}  // namespace tenfold::ops::testing
