#include "ops/run_op.hpp"

namespace tenfold::ops::testing {
namespace {

struct Row {
  const char *mode, *coordinates;
  float scale;
  bool exclude_outside;
  std::vector<float> expected;
};
// [1, 5, 2, 8] as ONNX Runtime 1.32 resizes it.
const Row kRows[] = {
    {"nearest", "half_pixel", 1.8f, false, {1, 1, 5, 5, 2, 8, 8}},
    {"nearest", "half_pixel", 0.6f, false, {1, 2}},
    {"nearest", "half_pixel_symmetric", 1.8f, false, {1, 1, 5, 5, 2, 8, 8}},
    {"nearest", "half_pixel_symmetric", 0.6f, false, {5, 2}},
    {"nearest", "pytorch_half_pixel", 1.8f, false, {1, 1, 5, 5, 2, 8, 8}},
    {"nearest", "pytorch_half_pixel", 0.6f, false, {1, 2}},
    {"nearest", "align_corners", 1.8f, false, {1, 1, 5, 5, 2, 2, 8}},
    {"nearest", "align_corners", 0.6f, false, {1, 8}},
    {"nearest", "asymmetric", 1.8f, false, {1, 5, 5, 2, 2, 8, 8}},
    {"nearest", "asymmetric", 0.6f, false, {1, 2}},
    {"linear", "half_pixel", 1.8f, false, {1, 2.333333f, 4.555556f, 3.666667f, 2, 5.333333f, 8}},
    {"linear", "half_pixel", 0.6f, false, {2.333333f, 2}},
    {"linear", "half_pixel_symmetric", 1.8f, false, {1, 2.555555f, 4.777778f, 3.5f, 2.333333f, 5.666667f, 8}},
    {"linear", "half_pixel_symmetric", 0.6f, false, {3.666667f, 4}},
    {"linear", "pytorch_half_pixel", 1.8f, false, {1, 2.333333f, 4.555556f, 3.666667f, 2, 5.333333f, 8}},
    {"linear", "pytorch_half_pixel", 0.6f, false, {2.333333f, 2}},
    {"linear", "align_corners", 1.8f, false, {1, 3, 5, 3.5f, 2, 5, 8}},
    {"linear", "align_corners", 0.6f, false, {1, 8}},
    {"linear", "asymmetric", 1.8f, false, {1, 3.222222f, 4.666667f, 3, 3.333334f, 6.666667f, 8}},
    {"linear", "asymmetric", 0.6f, false, {1, 3}},
    {"cubic",
     "half_pixel",
     1.8f,
     false,
     {0.5967081f, 2.425926f, 4.829904f, 3.604939f, 2, 5.127573f, 8.395067f}},
    {"cubic",
     "half_pixel",
     1.8f,
     true,
     {0.4970066f, 2.283334f, 4.798639f, 3.604939f, 2, 5.395522f, 8.435046f}},
    {"cubic", "half_pixel", 0.6f, false, {2.425927f, 2}},
    {"cubic", "half_pixel", 0.6f, true, {2.283333f, 2}},
    {"cubic",
     "half_pixel_symmetric",
     1.8f,
     false,
     {0.6527787f, 2.71069f, 4.935914f, 3.3125f, 2.151877f, 5.537938f, 8.520833f}},
    {"cubic",
     "half_pixel_symmetric",
     1.8f,
     true,
     {0.5945956f, 2.542657f, 4.927328f, 3.3125f, 2.164635f, 5.779775f, 8.608106f}},
    {"cubic", "half_pixel_symmetric", 0.6f, false, {4.074075f, 3.555558f}},
    {"cubic", "half_pixel_symmetric", 0.6f, true, {3.912281f, 3.789473f}},
    {"cubic",
     "pytorch_half_pixel",
     1.8f,
     false,
     {0.5967081f, 2.425926f, 4.829904f, 3.604939f, 2, 5.127573f, 8.395067f}},
    {"cubic",
     "pytorch_half_pixel",
     1.8f,
     true,
     {0.4970066f, 2.283334f, 4.798639f, 3.604939f, 2, 5.395522f, 8.435046f}},
    {"cubic", "pytorch_half_pixel", 0.6f, false, {2.425927f, 2}},
    {"cubic", "pytorch_half_pixel", 0.6f, true, {2.283333f, 2}},
    {"cubic", "align_corners", 1.8f, false, {1, 3.28125f, 5, 3.3125f, 2, 4.71875f, 8}},
    {"cubic", "align_corners", 1.8f, true, {1, 3.085714f, 5, 3.3125f, 2, 5, 8}},
    {"cubic", "align_corners", 0.6f, false, {1, 8}},
    {"cubic", "align_corners", 0.6f, true, {1, 8}},
    {"cubic", "asymmetric", 1.8f, false, {1, 3.558299f, 4.938277f, 2.5f, 2.886831f, 6.724278f, 8.66666f}},
    {"cubic",
     "asymmetric",
     1.8f,
     true,
     {1, 3.363751f, 4.938275f, 2.499999f, 3.030001f, 6.841123f, 8.972974f}},
    {"cubic", "asymmetric", 0.6f, false, {1, 2.5f}},
    {"cubic", "asymmetric", 0.6f, true, {1, 2.5f}},
};

TEST(Resize, AgreesWithOnnxRuntime) {
  const Tensor x = f32({1, 1, 1, 4}, {1, 5, 2, 8});
  for (const Row& r : kRows) {
    SCOPED_TRACE(fmt::format("{} {} {} {}", r.mode, r.coordinates, r.scale, r.exclude_outside));
    const ir::Attributes attrs{{"mode", r.mode},
                               {"coordinate_transformation_mode", r.coordinates},
                               {"exclude_outside", int64_t{r.exclude_outside}}};
    const Tensor y = run("Resize", {x, Tensor(), f32({4}, {1, 1, 1, r.scale})}, attrs);
    const auto n = static_cast<int64_t>(r.expected.size());
    expect_near(y, Tensor::from<float>({1, 1, 1, n}, std::span(r.expected)), 2e-5);
    // Channels last: the same along axis 2, with a block of channels behind.
    const Tensor wide = permute(run("Concat", {x, x, x}, {{"axis", int64_t{1}}}), {0, 2, 3, 1});
    const Tensor last = run("Resize", {wide, Tensor(), f32({1}, {r.scale})}, [&] {
      auto a = attrs;
      a.set("axes", ints({2}));
      return a;
    }());
    expect_equal(to_first(last), run("Concat", {y, y, y}, {{"axis", int64_t{1}}}));
  }
}

Tensor sizes(std::initializer_list<int64_t> v) {
  return Tensor::from<int64_t>({static_cast<int64_t>(v.size())}, v);
}

TEST(Resize, NearestModes) {
  const Tensor x = f32({4}, {1, 5, 2, 8});
  const auto by = [&](const char* mode) {
    return run("Resize", {x, Tensor(), Tensor(), sizes({8})},
               {{"nearest_mode", mode}, {"coordinate_transformation_mode", "align_corners"}});
  };
  expect_equal(by("round_prefer_ceil"), f32({8}, {1, 1, 5, 5, 2, 2, 8, 8}));
  expect_equal(by("floor"), f32({8}, {1, 1, 1, 5, 5, 2, 2, 8}));
  expect_equal(by("ceil"), f32({8}, {1, 5, 5, 2, 2, 8, 8, 8}));
  const Tensor bytes =
      run("Resize", {random<uint8_t>({1, 2, 3, 3}, 1, 0, 255), Tensor(), f32({4}, {1, 1, 2, 2})},
          {{"coordinate_transformation_mode", "asymmetric"}, {"nearest_mode", "floor"}});
  EXPECT_EQ(bytes.dtype(), DType::u8);
  EXPECT_EQ(bytes.shape(), (Shape{1, 2, 6, 6}));
  EXPECT_EQ(bytes.at_int(0), bytes.at_int(7));
}

TEST(Resize, TwoAxesSizesAndPolicies) {
  const Tensor x = f32({1, 1, 2, 3}, {1, 5, 2, 8, 3, 4});
  expect_near(run("Resize", {x, Tensor(), Tensor(), sizes({1, 1, 3, 4})}, {{"mode", "linear"}}),
              f32({1, 1, 3, 4}, {1, 3.5f, 3.875f, 2, 4.5f, 4.1875f, 3.625f, 3, 8, 4.875f, 3.375f, 4}));
  expect_near(run("Resize", {x, Tensor(), Tensor(), sizes({1, 1, 3, 4})}, {{"mode", "cubic"}}),
              f32({1, 1, 3, 4}, {0.04917574f, 3.818419f, 4.49272f, 1.586135f, 4.535889f, 4.290039f, 3.584717f,
                                 2.928223f, 9.022606f, 4.761663f, 2.676717f, 4.270313f}));
  const auto policy = [&](const char* name) {
    return run("Resize", {x, Tensor(), Tensor(), sizes({4, 4})},
               {{"mode", "linear"}, {"axes", ints({2, -1})}, {"keep_aspect_ratio_policy", name}});
  };
  expect_near(policy("not_larger"), f32({1, 1, 3, 4}, {1, 3.5f, 3.875f, 2, 5.375f, 4.359375f, 3.5625f, 3.25f,
                                                       8, 4.875f, 3.375f, 4}));
  EXPECT_EQ(policy("not_smaller").shape(), (Shape{1, 1, 4, 6}));
}

TEST(Resize, ExtentsAreRoundedDownInSinglePrecision) {
  for (const auto& [in, scale, out] :
       {std::tuple{10, 0.7f, 7}, {10, 0.1f, 1}, {5, 1.8f, 9}, {10, 1.1f, 11}, {3, 1.0f / 3, 1}})
    EXPECT_EQ(run("Resize", {ramp({in}), Tensor(), f32({1}, {scale})}).shape(), Shape{out}) << scale;
}

TEST(Resize, CropExtrapolates) {
  const Tensor y = run("Resize", {f32({4}, {1, 5, 2, 8}), f32({2}, {-0.2f, 1.2f}), Tensor(), sizes({5})},
                       {{"mode", "linear"},
                        {"coordinate_transformation_mode", "tf_crop_and_resize"},
                        {"extrapolation_value", 9.0f}});
  expect_near(y, f32({5}, {9, 2.8f, 3.5f, 5.3f, 9}));
}

TEST(Resize, SymbolicExtents) {
  ir::Graph g;
  const int64_t h = g.symbol("h");
  const auto x = g.add_input("x", DType::f32, {1, 3, h, 10});
  const auto none = ir::kNone;
  const auto scales = g.add_constant("s", f32({4}, {1, 1, 2, 1.5f}));
  const auto out = infer_shape(g, "Resize", {x, none, scales});
  EXPECT_EQ(g.symbol_name((*out)[2]), "2*h");
  EXPECT_EQ((*out)[3], 15);
}

TEST(Resize, RejectsNonsense) {
  const Tensor x = ramp({1, 1, 2, 2}), scales = f32({4}, {1, 1, 2, 2});
  const auto bad = [&](std::vector<Tensor> in, ir::Attributes attrs,
                       ErrorCode code = ErrorCode::invalid_model) {
    expect_error(code, [&] { run("Resize", in, attrs); });
  };
  bad({x}, {});
  bad({x, Tensor(), f32({3}, {1, 1, 1})}, {});
  bad({x, Tensor(), f32({4}, {1, 1, 0, 1})}, {});
  bad({x, Tensor(), f32({4}, {1, 1, -1, 1})}, {});
  bad({x, Tensor(), f32({4}, {1, 1, NAN, 1})}, {});
  bad({x, Tensor(), Tensor(), sizes({1, 1, -2, 2})}, {});
  bad({x, Tensor(), f32({2}, {1, 1})}, {{"axes", ints({2, 2})}});
  bad({x, Tensor(), f32({2}, {1, 1})}, {{"axes", ints({2, 7})}});
  bad({x, Tensor(), scales}, {{"mode", "magic"}});
  bad({x, Tensor(), scales}, {{"mode", "linear"}, {"antialias", int64_t{1}}}, ErrorCode::unsupported);
  bad({ramp({1, 1, 0, 2}), Tensor(), Tensor(), sizes({1, 1, 2, 2})}, {});
}

}  // namespace
}  // namespace tenfold::ops::testing
