// Operators that move elements: values, and data that must not lead out of range.
#include <gtest/gtest.h>

#include "ops/run_op.hpp"

namespace tenfold::ops {
namespace {

using testing::ramp;
using testing::run;
using testing::run_all;

std::vector<float> list(const Tensor& t) { return {t.span<float>().begin(), t.span<float>().end()}; }
Tensor ints(std::initializer_list<int64_t> v) {
  return Tensor::from<int64_t>(Shape{static_cast<int64_t>(v.size())}, v);
}
Tensor ints(Shape s, std::initializer_list<int64_t> v) { return Tensor::from<int64_t>(std::move(s), v); }

TEST(Movement, Slice) {
  const Tensor x = ramp(Shape{2, 4});
  EXPECT_EQ(list(run("Slice", {x, ints({1}), ints({3}), ints({1})})), (std::vector<float>{1, 2, 5, 6}));
  EXPECT_EQ(list(run("Slice", {x, ints({-1}), ints({INT64_MIN}), ints({1}), ints({-2})})),
            (std::vector<float>{3, 1, 7, 5}));
  EXPECT_EQ(list(run("Slice", {x, ints({0}), ints({INT64_MAX}), ints({1}), ints({INT64_MAX})})),
            (std::vector<float>{0, 4}));
  EXPECT_EQ(run("Slice", {x, ints({3}), ints({1}), ints({1})}).shape(), (Shape{2, 0}));
  EXPECT_EQ(run("Slice", {ramp(Shape{0}), ints({-1}), ints({INT64_MIN}), ints({0}), ints({-1})}).shape(),
            (Shape{0}));
  EXPECT_EQ(list(run("Slice", {x, ints({INT64_MIN}), ints({INT64_MIN}), ints({0}), ints({INT64_MIN})})),
            (std::vector<float>{0, 1, 2, 3}));
  EXPECT_THROW(run("Slice", {x, ints({0}), ints({1}), ints({0}), ints({0})}), Error);
  EXPECT_THROW(run("Slice", {x, ints({0}), ints({1}), ints({2})}), Error);
  EXPECT_THROW(run("Slice", {x, ints({0, 0}), ints({1, 1}), ints({1, -1})}), Error);
}

TEST(Movement, GatherFamily) {
  const Tensor x = ramp(Shape{3, 2});
  EXPECT_EQ(list(run("Gather", {x, ints({-1, 0})})), (std::vector<float>{4, 5, 0, 1}));
  EXPECT_EQ(list(run("Gather", {x, ints(Shape{}, {1})}, {{"axis", int64_t{1}}})),
            (std::vector<float>{1, 3, 5}));
  EXPECT_EQ(list(run("GatherElements", {x, ints(Shape{1, 2}, {2, -2})})), (std::vector<float>{4, 3}));
  EXPECT_EQ(list(run("GatherND", {x, ints(Shape{2, 2}, {0, 1, -1, -2})})), (std::vector<float>{1, 4}));
  for (int64_t bad : {int64_t{3}, int64_t{-4}, INT64_MAX, INT64_MIN}) {
    EXPECT_THROW(run("Gather", {x, ints({bad})}), Error) << bad;
    EXPECT_THROW(run("GatherElements", {x, ints(Shape{1, 2}, {0, bad})}), Error) << bad;
    EXPECT_THROW(run("GatherND", {x, ints(Shape{1, 2}, {bad, 0})}), Error) << bad;
    EXPECT_THROW(run("ScatterND", {x, ints(Shape{1, 1}, {bad}), ramp(Shape{1, 2})}), Error) << bad;
    EXPECT_THROW(run("ScatterElements", {x, ints(Shape{1, 1}, {bad}), ramp(Shape{1, 1})}), Error) << bad;
  }
  EXPECT_THROW(run("GatherElements", {x, ints(Shape{1, 3}, {0, 0, 0})}), Error);
}

TEST(Movement, ScatterFamily) {
  const Tensor x = ramp(Shape{3, 2}), u = ramp(Shape{1, 2}, 10);
  EXPECT_EQ(list(run("ScatterND", {x, ints(Shape{1, 1}, {1}), u})), (std::vector<float>{0, 1, 10, 11, 4, 5}));
  EXPECT_EQ(list(run("ScatterND", {x, ints(Shape{1, 1}, {1}), u}, {{"reduction", std::string("add")}})),
            (std::vector<float>{0, 1, 12, 14, 4, 5}));
  EXPECT_EQ(list(run("ScatterElements", {x, ints(Shape{1, 2}, {2, 0}), u})),
            (std::vector<float>{0, 11, 2, 3, 10, 5}));
  EXPECT_THROW(run("ScatterND", {x, ints(Shape{1, 1}, {1}), ramp(Shape{1, 3})}), Error);
  EXPECT_THROW(run("ScatterND", {x, ints(Shape{1, 1}, {1}), u}, {{"reduction", std::string("xor")}}), Error);
}

TEST(Movement, Pads) {
  const Tensor x = ramp(Shape{1, 3});
  const auto pad = [&](const char* mode, std::initializer_list<int64_t> pads) {
    return list(run("Pad", {x, ints(pads)}, {{"mode", std::string(mode)}}));
  };
  EXPECT_EQ(pad("constant", {0, 1, 0, 2}), (std::vector<float>{0, 0, 1, 2, 0, 0}));
  EXPECT_EQ(pad("reflect", {0, 2, 0, 3}), (std::vector<float>{2, 1, 0, 1, 2, 1, 0, 1}));
  EXPECT_EQ(pad("edge", {0, 1, 0, 1}), (std::vector<float>{0, 0, 1, 2, 2}));
  EXPECT_EQ(pad("wrap", {0, 1, 0, 4}), (std::vector<float>{2, 0, 1, 2, 0, 1, 2, 0}));
  EXPECT_EQ(pad("constant", {0, -1, 1, 1}), (std::vector<float>{1, 2, 0, 0, 0, 0}));
  EXPECT_EQ(list(run("Pad", {x, ints({1, 0}), Tensor::scalar(9.0f), ints({-1})})),
            (std::vector<float>{9, 0, 1, 2}));
  EXPECT_THROW(run("Pad", {x, ints({0, -2, 0, -2})}), Error);
  EXPECT_THROW(run("Pad", {x, ints({0, 1})}), Error);
  EXPECT_THROW(run("Pad", {ramp(Shape{0}), ints({1, 1})}, {{"mode", std::string("edge")}}), Error);
  for (int64_t huge : {int64_t{1} << 62, INT64_MIN}) try {
      run("Pad", {x, ints({0, 0, 0, huge})});
      ADD_FAILURE() << huge;
    } catch (const Error& e) {
      EXPECT_NE(std::string(e.what()).find(std::to_string(huge).substr(0, 12)), std::string::npos)
          << e.what();
    }
}

TEST(Movement, SplitAndConcatAreInverse) {
  const Tensor x = ramp(Shape{2, 7, 3});
  const auto parts = run_all("Split", {x}, {{"axis", int64_t{1}}, {"num_outputs", int64_t{3}}}, 3);
  EXPECT_EQ(parts[0].shape(), (Shape{2, 3, 3}));
  EXPECT_EQ(parts[2].shape(), (Shape{2, 1, 3}));
  EXPECT_EQ(list(run("Concat", parts, {{"axis", int64_t{1}}})), list(x));
  const auto given = run_all("Split", {x, ints({2, 0, 5})}, {{"axis", int64_t{-2}}}, 3);
  EXPECT_EQ(list(run("Concat", given, {{"axis", int64_t{-2}}})), list(x));
  EXPECT_THROW(run_all("Split", {x, ints({2, 2})}, {{"axis", int64_t{1}}}, 2), Error);
  EXPECT_THROW(run_all("Split", {x, ints({-2, 9})}, {{"axis", int64_t{1}}}, 2), Error);
}

TEST(Movement, BlocksAndTiles) {
  const Tensor x = ramp(Shape{1, 8, 2, 3});
  for (const char* mode : {"DCR", "CRD"}) {
    const Tensor wide = run("DepthToSpace", {x}, {{"blocksize", int64_t{2}}, {"mode", std::string(mode)}});
    EXPECT_EQ(wide.shape(), (Shape{1, 2, 4, 6}));
    if (std::string(mode) == "CRD") continue;  // SpaceToDepth is the inverse of DCR
    EXPECT_EQ(list(run("SpaceToDepth", {wide}, {{"blocksize", int64_t{2}}})), list(x));
  }
  EXPECT_EQ(list(run("Tile", {ramp(Shape{2}), ints({3})})), (std::vector<float>{0, 1, 0, 1, 0, 1}));
  EXPECT_EQ(run("Tile", {ramp(Shape{2}), ints({0})}).shape(), (Shape{0}));
  EXPECT_EQ(list(run("Expand", {ramp(Shape{2, 1}), ints({1, 3})})), (std::vector<float>{0, 0, 0, 1, 1, 1}));
  EXPECT_THROW(run("Expand", {ramp(Shape{2}), ints({3})}), Error);
  EXPECT_THROW(run("Tile", {ramp(Shape{2}), ints({-1})}), Error);
  EXPECT_THROW(run("Tile", {ramp(Shape{2}), ints({INT64_MAX})}), Error);
  EXPECT_THROW(run("DepthToSpace", {x}, {{"blocksize", int64_t{3}}}), Error);
}

TEST(Movement, Makers) {
  EXPECT_EQ(
      run("Range", {Tensor::scalar<int64_t>(5), Tensor::scalar<int64_t>(-2), Tensor::scalar<int64_t>(-3)})
          .span<int64_t>()[2],
      -1);
  EXPECT_THROW(
      run("Range", {Tensor::scalar<int64_t>(0), Tensor::scalar<int64_t>(5), Tensor::scalar<int64_t>(0)}),
      Error);
  EXPECT_THROW(run("Range", {Tensor::scalar<int64_t>(INT64_MIN), Tensor::scalar<int64_t>(INT64_MAX),
                             Tensor::scalar<int64_t>(1)}),
               Error);
  EXPECT_THROW(run("Range", {Tensor::scalar(0.0f), Tensor::scalar(1e30f), Tensor::scalar(1e-30f)}), Error);
  EXPECT_THROW(run("ConstantOfShape", {ints({-1})}), Error);
  EXPECT_THROW(run("ConstantOfShape", {ints({INT64_MAX, INT64_MAX})}), Error);
  EXPECT_EQ(list(run("OneHot", {ints({1, -1, 7}), Tensor::scalar<int64_t>(3), ramp(Shape{2})})),
            (std::vector<float>{0, 1, 0, 0, 0, 1, 0, 0, 0}));
  EXPECT_EQ(list(run("Trilu", {ramp(Shape{2, 2}, 1)})), (std::vector<float>{1, 2, 0, 4}));
  EXPECT_EQ(list(run("Trilu", {ramp(Shape{2, 2}, 1), Tensor::scalar<int64_t>(INT64_MIN)})),
            (std::vector<float>{1, 2, 3, 4}));
  const Tensor nz = run("NonZero", {ramp(Shape{2, 2})});
  EXPECT_EQ(nz.shape(), (Shape{2, 3}));
  EXPECT_EQ(nz.at_int(0), 0);
  EXPECT_EQ(nz.at_int(3), 1);
  EXPECT_THROW(run("Reshape", {ramp(Shape{4}), ints({3, -1})}), Error);
  EXPECT_EQ(run("Reshape", {ramp(Shape{0, 3, 2}), ints({0, -1})}).shape(), (Shape{0, 6}));
  EXPECT_EQ(run("Reshape", {ramp(Shape{2, 0, 3}), ints({-1, 0})}).shape(), (Shape{6, 0}));
  EXPECT_THROW(run("Reshape", {ramp(Shape{4}), ints({INT64_MAX, INT64_MAX, 4})}), Error);
  EXPECT_THROW(run("ReverseSequence", {ramp(Shape{2, 3}), ints({3, 1, 9})}), Error);
}

}  // namespace
}  // namespace tenfold::ops
