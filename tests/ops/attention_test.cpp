#include "ops/run_op.hpp"

namespace tenfold::ops::testing {
namespace {

TEST(Attention, IsSoftmaxOfScaledScores) {
  const Tensor q = random<float>({2, 4, 5, 8}, 1), k = random<float>({2, 4, 7, 8}, 2),
               v = random<float>({2, 4, 7, 3}, 3);
  const Tensor mask = random<float>({2, 1, 1, 7}, 4, -5, 0);
  const Tensor scores = run("Mul", {run("MatMul", {q, permute(k, {0, 1, 3, 2})}), Tensor::scalar(0.25f)});
  const Tensor e = run("Exp", {run("Add", {scores, mask})});
  const Tensor sum = run("MatMul", {e, f32({7, 1}, {1, 1, 1, 1, 1, 1, 1})});
  expect_near(run("Attention", {q, k, v, mask}, {{"scale", 0.25f}}),
              run("MatMul", {run("Div", {e, sum}), v}));
}

TEST(Attention, SharedKeyHeads) {
  const Tensor q = random<float>({1, 4, 5, 8}, 1), k = random<float>({1, 2, 7, 8}, 2),
               v = random<float>({1, 2, 7, 8}, 3);
  const auto twice = [](const Tensor& t) {  // every head twice
    Tensor r(DType::f32, {1, 4, 7, 8});
    for (int64_t h = 0; h < 4; h++)
      std::copy_n(t.data<float>() + h / 2 * 56, 56, r.mutable_data<float>() + h * 56);
    return r;
  };
  expect_equal(run("Attention", {q, k, v}), run("Attention", {q, twice(k), twice(v)}));
}

TEST(Attention, RejectsNonsense) {
  const Tensor q = ramp({1, 4, 5, 8});
  const auto bad = [&](const Tensor& k, const Tensor& v, const Tensor& mask = Tensor()) {
    expect_error(ErrorCode::invalid_model, [&] { run("Attention", {q, k, v, mask}); });
  };
  bad(ramp({1, 4, 5}), q);
  bad(ramp({1, 3, 5, 8}), ramp({1, 3, 5, 8}));
  bad(ramp({1, 4, 5, 7}), q);
  bad(q, ramp({1, 4, 6, 8}));
  bad(q, q, ramp({5, 4}));
}

TEST(GridSample, Paddings) {
  const Tensor x = ramp({1, 1, 2, 2}, 1), grid = f32({1, 1, 3, 2}, {0, 0, -1, -1, 2, 1});
  expect_near(run("GridSample", {x, grid}), f32({1, 1, 1, 3}, {2.5f, 0.25f, 0}));
  expect_near(run("GridSample", {x, grid}, {{"padding_mode", "border"}}), f32({1, 1, 1, 3}, {2.5f, 1, 4}));
  expect_near(run("GridSample", {x, grid}, {{"padding_mode", "reflection"}, {"align_corners", int64_t{1}}}),
              f32({1, 1, 1, 3}, {2.5f, 1, 3.5f}));
  expect_near(run("GridSample", {x, grid}, {{"mode", "nearest"}, {"padding_mode", "border"}}),
              f32({1, 1, 1, 3}, {1, 1, 4}));
  const Tensor wild = f32({1, 1, 3, 2}, {NAN, 0, INFINITY, -INFINITY, 1e30f, -1e30f});
  for (const char* padding : {"zeros", "border", "reflection"})
    for (const char* mode : {"nearest", "linear", "cubic"})
      run("GridSample", {x, wild}, {{"mode", mode}, {"padding_mode", padding}});
  expect_error(ErrorCode::invalid_model, [&] { run("GridSample", {x, ramp({1, 1, 3, 3})}); });
  expect_error(ErrorCode::invalid_model, [&] { run("GridSample", {x, grid}, {{"mode", "magic"}}); });
}

// Values of ONNX Runtime 1.32: only output_half_pixel makes an empty region one pixel large.
TEST(RoiAlign, EmptyAndReversedRegions) {
  const Tensor x = ramp({1, 1, 4, 4}, 1), rois = f32({2, 4}, {1, 1, 1, 1, 2, 2, 1, 1}),
               images = Tensor::from<int64_t>({2}, {0, 0});
  for (const char* mode : {"avg", "max"})
    expect_equal(run("RoiAlign", {x, rois, images}, {{"mode", mode}}), f32({2, 1, 1, 1}, {0, 0}));
  const Tensor sampled = run("RoiAlign", {x, rois, images}, {{"sampling_ratio", int64_t{1}}});
  expect_near(sampled, f32({2, 1, 1, 1}, {3.5f, 6}));
  const Tensor old =
      run("RoiAlign", {x, rois, images}, {{"coordinate_transformation_mode", "output_half_pixel"}});
  expect_near(old, f32({2, 1, 1, 1}, {8.5f, 13.5f}));
}

TEST(RoiAlign, AveragesAndChecksIndices) {
  const Tensor x = ramp({1, 1, 4, 4}), rois = f32({1, 4}, {0, 0, 4, 4});
  const ir::Attributes attrs{
      {"output_height", int64_t{2}}, {"output_width", int64_t{2}}, {"sampling_ratio", int64_t{2}}};
  expect_near(run("RoiAlign", {x, rois, Tensor::from<int64_t>({1}, {0})}, attrs),
              f32({1, 1, 2, 2}, {2.5f, 4.5f, 10.5f, 12.5f}));
  expect_error(ErrorCode::invalid_argument, [&] {
    run("RoiAlign", {x, rois, Tensor::from<int64_t>({1}, {1})}, attrs);
  });
  expect_error(ErrorCode::invalid_model, [&] {
    run("RoiAlign", {x, f32({1, 4}, {0, 0, 1e30f, 1}), Tensor::from<int64_t>({1}, {0})});
  });
}

}  // namespace
}  // namespace tenfold::ops::testing
