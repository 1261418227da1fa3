// How Resize maps one axis: which input positions an output position reads, with what weights.
#pragma once

#include <array>

#include "ops/checks.hpp"

namespace tenfold::ops {

enum class ResizeMode { nearest, linear, cubic };
enum class ResizeCoordinates {
  half_pixel,
  half_pixel_symmetric,
  pytorch_half_pixel,
  align_corners,
  asymmetric,
  tf_half_pixel_for_nn,
  tf_crop_and_resize
};
enum class ResizeNearest { round_prefer_floor, round_prefer_ceil, floor, ceil };

/// The attributes that are the same for every axis.
struct ResizeOptions {
  ResizeMode mode = ResizeMode::nearest;
  ResizeCoordinates coordinates = ResizeCoordinates::half_pixel;
  ResizeNearest nearest = ResizeNearest::round_prefer_floor;
  float cubic_a = -0.75f, extrapolation = 0;
  bool exclude_outside = false;
};
/// Throws invalid_model for unknown names, unsupported for antialiasing.
ResizeOptions read_resize_options(const ir::Node& node);

struct ResizeAxis {
  int64_t in = 1, out = 1;
  float scale = 1;
  float start = 0, end = 1;  ///< region of interest, for tf_crop_and_resize
  bool identity(const ResizeOptions& o) const {
    return in == out && scale == 1 && o.coordinates != ResizeCoordinates::tf_crop_and_resize;
  }
};

/// Every axis of a Resize, from its scales or sizes.
std::array<ResizeAxis, kMaxRank> resize_axes(const EvalContext& ctx);
/// The same where these are constants and the input's shape is known; empty otherwise.
std::optional<std::array<ResizeAxis, kMaxRank>> constant_resize_axes(const ir::Graph& graph,
                                                                     const ir::Node& node);

/// The input positions that one output position reads; weights sum to 1.
struct ResizeTaps {
  int count = 1;
  bool outside = false;  ///< the output is the extrapolation value
  std::array<int64_t, 4> index{};
  std::array<float, 4> weight{1, 0, 0, 0};
};
ResizeTaps resize_taps(const ResizeOptions& options, const ResizeAxis& axis, int64_t position);

}  // namespace tenfold::ops
