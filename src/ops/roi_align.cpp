// RoiAlign: regions [R, 4] (x1, y1, x2, y2) of images batch_indices [R], pooled to a fixed grid by bilinear
// samples.
#include <algorithm>

#include "ops/checks.hpp"

namespace tenfold::ops {
namespace {

constexpr int64_t kMaxGrid = 1 << 14;      ///< output extents
constexpr int64_t kMaxSampling = 1 << 10;  ///< samples a side of one output cell

void infer(InferContext& ctx) {
  for (size_t i = 0; i < 2; i++) expect_dtype(ctx, i, {DType::f32});
  expect_dtype(ctx, 2, {DType::i64});
  const ir::Node& node = ctx.node();
  const int64_t height = int_attr(node, "output_height", 1, 1, kMaxGrid),
                width = int_attr(node, "output_width", 1, 1, kMaxGrid);
  int_attr(node, "sampling_ratio", 0, 0, kMaxSampling);
  const std::string_view mode = text_attr(node.attrs, "mode", "avg"),
                         coordinates = text_attr(node.attrs, "coordinate_transformation_mode", "half_pixel");
  if (mode != "avg" && mode != "max") ctx.error("unknown mode '{}'", mode);
  if (coordinates != "half_pixel" && coordinates != "output_half_pixel")
    ctx.error("unknown coordinate_transformation_mode '{}'", coordinates);
  const Shape *x = ctx.shape(0), *rois = ctx.shape(1);
  if (!x || !rois) return ctx.set(0, DType::f32, std::nullopt);
  if (x->rank() != 4) ctx.error("an input of shape {}, expected four axes", to_string(*x));
  if (rois->rank() != 2 || !may_equal((*rois)[1], 4))
    ctx.error("regions of shape {}, expected [R, 4]", to_string(*rois));
  expect_vector(ctx, 2, (*rois)[0]);
  ctx.set(0, DType::f32, Shape{(*rois)[0], (*x)[1], height, width});
}

/// Four elements of a plane with their weights.
struct Bilinear {
  std::array<int64_t, 4> offset{};
  std::array<float, 4> weight{};
  Bilinear(float y, float x, int64_t height, int64_t width) {
    const float bottom = static_cast<float>(height - 1), right = static_cast<float>(width - 1);
    if (!(y >= -1 && y <= bottom + 1 && x >= -1 && x <= right + 1)) return;
    y = std::clamp(y, 0.0f, bottom);
    x = std::clamp(x, 0.0f, right);
    const int64_t y0 = static_cast<int64_t>(y), x0 = static_cast<int64_t>(x);
    const int64_t y1 = std::min(y0 + 1, height - 1), x1 = std::min(x0 + 1, width - 1);
    const float fy = y - static_cast<float>(y0), fx = x - static_cast<float>(x0);
    offset = {y0 * width + x0, y0 * width + x1, y1 * width + x0, y1 * width + x1};
    weight = {(1 - fy) * (1 - fx), (1 - fy) * fx, fy * (1 - fx), fy * fx};
  }
};

struct Region {
  float x, y, cell_width, cell_height;
  int64_t columns, rows;
};  ///< rows x columns samples a cell, none where the region is empty

int64_t samples_of(const ir::Node& node, float cell) {
  const int64_t fixed = node.attrs.get_int("sampling_ratio", 0);
  if (fixed > 0) return fixed;
  if (!(cell < static_cast<float>(kMaxSampling)))
    invalid(node, "a region {} input elements wide per output element", cell);
  return static_cast<int64_t>(std::max(std::ceil(cell), 0.0f));
}

Region region_of(const EvalContext& ctx, const float* roi) {
  const float scale = ctx.attrs().get_float("spatial_scale", 1);
  const bool half_pixel =
      text_attr(ctx.attrs(), "coordinate_transformation_mode", "half_pixel") == "half_pixel";
  const float offset = half_pixel ? 0.5f : 0.0f,
              smallest = half_pixel ? std::numeric_limits<float>::lowest() : 1.0f;
  Region r{roi[0] * scale - offset, roi[1] * scale - offset, 0, 0, 1, 1};
  r.cell_width =
      std::max(roi[2] * scale - offset - r.x, smallest) / static_cast<float>(ctx.out().shape->back());
  r.cell_height =
      std::max(roi[3] * scale - offset - r.y, smallest) / static_cast<float>((*ctx.out().shape)[2]);
  r.columns = samples_of(ctx.node, r.cell_width);
  r.rows = samples_of(ctx.node, r.cell_height);
  return r;
}

float pool_cell(const Region& r, const float* plane, int64_t height, int64_t width, int64_t row,
                int64_t column, bool largest) {
  const int64_t samples = r.rows * r.columns;
  if (samples == 0) return 0;
  double sum = 0;
  float best = -std::numeric_limits<float>::infinity();
  for (int64_t i = 0; i < r.rows; i++)
    for (int64_t j = 0; j < r.columns; j++) {
      const float y =
          r.y + (static_cast<float>(row) + (static_cast<float>(i) + 0.5f) / static_cast<float>(r.rows)) *
                    r.cell_height;
      const float x = r.x + (static_cast<float>(column) +
                             (static_cast<float>(j) + 0.5f) / static_cast<float>(r.columns)) *
                                r.cell_width;
      const Bilinear b(y, x, height, width);
      for (size_t k = 0; k < 4; k++) {
        const float v = b.weight[k] * plane[b.offset[k]];
        sum += static_cast<double>(v);
        best = std::max(best, v);  // ONNX takes the largest weighted corner
      }
    }
  return largest ? best : static_cast<float>(sum / static_cast<double>(samples));
}

void eval(const EvalContext& ctx) {
  const Shape &x = *ctx.in(0).shape, &y = *ctx.out().shape;
  const bool largest = text_attr(ctx.attrs(), "mode", "avg") == "max";
  if (x[2] == 0 || x[3] == 0) invalid(ctx.node, "an input of shape {}", to_string(x));
  float* to = ctx.out().as<float>();
  for (int64_t i = 0; i < y[0]; i++) {
    const int64_t image = ctx.in(2).as<int64_t>()[i];
    if (image < 0 || image >= x[0])
      node_error(ctx.node, ErrorCode::invalid_argument, "batch index {} of {} images", image, x[0]);
    const Region region = region_of(ctx, ctx.in(1).as<float>() + 4 * i);
    for (int64_t c = 0; c < x[1]; c++) {
      const float* plane = ctx.in(0).as<float>() + (image * x[1] + c) * x[2] * x[3];
      for (int64_t row = 0; row < y[2]; row++)
        for (int64_t column = 0; column < y[3]; column++)
          *to++ = pool_cell(region, plane, x[2], x[3], row, column, largest);
    }
  }
}

}  // namespace

extern const OpDef op_roi_align;
const OpDef op_roi_align{"RoiAlign", OpKind::other, 3, 3, 1, infer, eval};

}  // namespace tenfold::ops
