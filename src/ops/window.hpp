// Geometry shared by convolutions and pools: windows that slide over one to three spatial axes, in both
// layouts.
#pragma once

#include <array>

#include "ops/op.hpp"

namespace tenfold::ops {

inline constexpr int kMaxSpatial = 3;
using Extents3 = std::array<int64_t, kMaxSpatial>;

/// Where the axes of a spatial operator lie: N, C, spatial... or, with attribute `channels_last`, N,
/// spatial..., C.
struct SpatialLayout {
  bool channels_last = false;
  int channel_axis(int rank) const { return channels_last ? rank - 1 : 1; }
  int spatial_axis(int i) const { return channels_last ? 1 + i : 2 + i; }
};
SpatialLayout layout_of(const ir::Node& node);

/// A tensor of N x C x pixels in either layout, any number of spatial axes folded into `pixels`.
struct Planes {
  int64_t batch, channels, pixels;
  int64_t batch_step, channel_step, pixel_step;
};
Planes planes_of(const Shape& shape, SpatialLayout layout);

/// Element strides of a tensor with three spatial axes.
struct SpatialSteps {
  int64_t batch, channel;
  Extents3 axis;
};
SpatialSteps steps_of(int64_t channels, const Extents3& extents, SpatialLayout layout);

/// One sliding window.  Axes are right-aligned: a 2-D window has extents {1, h, w}.
struct Window {
  enum class AutoPad { notset, same_upper, same_lower, valid };
  int spatial = 0;
  AutoPad auto_pad = AutoPad::notset;
  bool ceil_mode = false;
  Extents3 kernel{1, 1, 1}, stride{1, 1, 1}, dilation{1, 1, 1}, pad_begin{0, 0, 0}, pad_end{0, 0, 0};
  Extents3 in{1, 1, 1}, out{1, 1, 1};

  int first_axis() const { return kMaxSpatial - spatial; }
  /// Extent that the dilated kernel covers.
  int64_t reach(int i) const;
  int64_t taps() const { return kernel[0] * kernel[1] * kernel[2]; }
  /// At most two axes do anything: the first has one position, without padding.
  bool is_planar() const { return kernel[0] == 1 && in[0] == 1 && out[0] == 1 && pad_begin[0] == 0; }
};

/// Reads strides, dilations, pads, auto_pad and ceil_mode.  `kernel` has `spatial` extents; attribute
/// kernel_shape, where present, must agree.  Throws invalid_model for extents that make no sense, unsupported
/// for more than three axes.
Window read_window(const ir::Node& node, std::span<const int64_t> kernel);
/// The same where only attribute kernel_shape gives the kernel (pools).
Window read_pool_window(const ir::Node& node, int spatial);
/// Sets in, out and, under auto_pad, the pads for the static input shape.
void resolve(Window& window, const ir::Node& node, const Shape& x);
/// The output shape for an input whose extents may be symbols.
Shape window_output(InferContext& ctx, const Window& window, const Shape& x, int64_t channels);

/// Throws unless the rank has a batch axis, a channel axis and `lo` to `hi` spatial axes; returns how many.
int spatial_rank(const ir::Node& node, const Shape& x, int lo = 1, int hi = kMaxSpatial);

/// Output positions [first, last) whose input position o * stride + offset lies in [0, in).
struct Range {
  int64_t first, last;
};
Range valid_range(int64_t out, int64_t in, int64_t stride, int64_t offset);

}  // namespace tenfold::ops
