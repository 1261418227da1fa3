#include "ops/window.hpp"

#include <algorithm>
#include <limits>

#include "base/math.hpp"
#include "ops/checks.hpp"

namespace tenfold::ops {
namespace {

constexpr int64_t kMaxExtent = std::numeric_limits<int32_t>::max();

size_t at(int i) { return static_cast<size_t>(i); }

/// Copies attribute `name` (absent: keep the defaults) right-aligned into `to`; each value in [lo,
/// kMaxExtent].
void read_extents(const ir::Node& node, std::string_view name, int spatial, int64_t lo, Extents3& to) {
  const auto values = int_list(node.attrs, name);
  if (values.empty()) return;
  if (values.size() != at(spatial))
    invalid(node, "attribute '{}' has {} values for {} spatial axes", name, values.size(), spatial);
  for (int i = 0; i < spatial; i++) {
    const int64_t v = values[at(i)];
    if (v < lo || v > kMaxExtent)
      invalid(node, "attribute '{}' has {}, allowed are {} to {}", name, v, lo, kMaxExtent);
    to[at(kMaxSpatial - spatial + i)] = v;
  }
}

void read_pads(const ir::Node& node, Window& w) {
  const auto pads = int_list(node.attrs, "pads");
  if (pads.empty()) return;
  if (pads.size() != at(2 * w.spatial))
    invalid(node, "attribute 'pads' has {} values for {} spatial axes", pads.size(), w.spatial);
  for (int i = 0; i < 2 * w.spatial; i++) {
    const int64_t v = pads[at(i)];
    if (v < 0 || v > kMaxExtent) invalid(node, "attribute 'pads' has {}, allowed are 0 to {}", v, kMaxExtent);
    (i < w.spatial ? w.pad_begin : w.pad_end)[at(w.first_axis() + i % w.spatial)] = v;
  }
}

Window::AutoPad read_auto_pad(const ir::Node& node) {
  const std::string_view mode = text_attr(node.attrs, "auto_pad", "NOTSET");
  if (mode == "NOTSET" || mode.empty()) return Window::AutoPad::notset;
  if (mode == "SAME_UPPER") return Window::AutoPad::same_upper;
  if (mode == "SAME_LOWER") return Window::AutoPad::same_lower;
  if (mode == "VALID") return Window::AutoPad::valid;
  invalid(node, "unknown auto_pad '{}'", mode);
}

bool is_same(Window::AutoPad mode) {
  return mode == Window::AutoPad::same_upper || mode == Window::AutoPad::same_lower;
}

/// Output extent of axis i for a known input extent.
int64_t output_extent(const Window& w, const ir::Node& node, size_t i, int64_t in) {
  if (is_same(w.auto_pad)) return ceil_div(in, w.stride[i]);
  const int64_t padded = checked_add(in, w.pad_begin[i] + w.pad_end[i]), reach = w.reach(static_cast<int>(i));
  const int64_t room = padded - reach;
  // With ceil_mode the last window may reach beyond the padding, and so may the only one.
  if (room < 0 && !(w.ceil_mode && room > -w.stride[i]))
    invalid(node, "the window covers {} elements, the padded input has {}", reach, padded);
  int64_t out = (w.ceil_mode ? ceil_div(room, w.stride[i]) : room / w.stride[i]) + 1;
  // A window must begin inside the input or the padding before it (ONNX MaxPool-22).
  if (w.ceil_mode && (out - 1) * w.stride[i] >= in + w.pad_begin[i]) out--;
  return out;
}

/// The same for a symbolic input extent.
int64_t symbolic_extent(InferContext& ctx, const Window& w, size_t i, int64_t in, int axis) {
  const int64_t stride = w.stride[i], reach = w.reach(static_cast<int>(i));
  if (is_same(w.auto_pad)) return dim_div(ctx, dim_add(ctx, in, stride - 1), stride);
  // Whether ceil_mode drops the last window depends on the extent, unless a window can never begin in the
  // padding.
  if (w.ceil_mode && stride + w.pad_end[i] > reach) return ctx.data_dependent(0, axis);
  // (room + stride) / stride rather than room / stride + 1: then explicit and automatic padding give one
  // expression.
  const int64_t grow = w.pad_begin[i] + w.pad_end[i] - reach + stride + (w.ceil_mode ? stride - 1 : 0);
  return dim_div(ctx, dim_add(ctx, in, grow), stride);
}

}  // namespace

SpatialLayout layout_of(const ir::Node& node) { return {flag_attr(node, "channels_last")}; }

Planes planes_of(const Shape& shape, SpatialLayout layout) {
  const int rank = shape.rank(), first = layout.spatial_axis(0);
  Planes p{};
  p.batch = shape[0];
  p.channels = shape[layout.channel_axis(rank)];
  p.pixels = shape.elements(first, first + rank - 2);
  p.batch_step = checked_mul(p.channels, p.pixels);
  p.channel_step = layout.channels_last ? 1 : p.pixels;
  p.pixel_step = layout.channels_last ? p.channels : 1;
  return p;
}

SpatialSteps steps_of(int64_t channels, const Extents3& extents, SpatialLayout layout) {
  SpatialSteps s{};
  int64_t step = layout.channels_last ? channels : 1;
  for (int i = kMaxSpatial - 1; i >= 0; i--) {
    s.axis[at(i)] = step;
    step = checked_mul(step, extents[at(i)]);
  }
  s.channel = layout.channels_last ? 1 : step;
  s.batch = layout.channels_last ? step : checked_mul(step, channels);
  return s;
}

int64_t Window::reach(int i) const { return checked_add(checked_mul(kernel[at(i)] - 1, dilation[at(i)]), 1); }

Window read_window(const ir::Node& node, std::span<const int64_t> kernel) {
  Window w;
  w.spatial = static_cast<int>(kernel.size());
  if (w.spatial < 1 || w.spatial > kMaxSpatial)
    unsupported(node, "{} spatial axes; 1 to {} are", w.spatial, kMaxSpatial);
  for (int i = 0; i < w.spatial; i++) {
    if (kernel[at(i)] < 1 || kernel[at(i)] > kMaxExtent) invalid(node, "kernel extent {}", kernel[at(i)]);
    w.kernel[at(w.first_axis() + i)] = kernel[at(i)];
  }
  Extents3 declared = w.kernel;
  read_extents(node, "kernel_shape", w.spatial, 1, declared);
  if (declared != w.kernel) invalid(node, "attribute 'kernel_shape' and the weights disagree");
  read_extents(node, "strides", w.spatial, 1, w.stride);
  read_extents(node, "dilations", w.spatial, 1, w.dilation);
  w.auto_pad = read_auto_pad(node);
  if (w.auto_pad == Window::AutoPad::notset) read_pads(node, w);
  w.ceil_mode = flag_attr(node, "ceil_mode");
  checked_product(w.kernel);
  return w;
}

Window read_pool_window(const ir::Node& node, int spatial) {
  const auto kernel = int_list(node.attrs, "kernel_shape");
  if (kernel.size() != at(spatial))
    invalid(node, "attribute 'kernel_shape' has {} values for {} spatial axes", kernel.size(), spatial);
  return read_window(node, kernel);
}

void resolve(Window& w, const ir::Node& node, const Shape& x) {
  const SpatialLayout layout = layout_of(node);
  for (int axis = 0; axis < w.spatial; axis++) {
    const size_t i = at(w.first_axis() + axis);
    w.in[i] = x[layout.spatial_axis(axis)];
    w.out[i] = output_extent(w, node, i, w.in[i]);
    if (!is_same(w.auto_pad)) continue;
    const int64_t needed = checked_add(checked_mul(w.out[i] - 1, w.stride[i]), w.reach(static_cast<int>(i)));
    const int64_t pad = std::max<int64_t>(0, needed - w.in[i]);
    const int64_t small = pad / 2, large = pad - small;
    w.pad_begin[i] = w.auto_pad == Window::AutoPad::same_upper ? small : large;
    w.pad_end[i] = pad - w.pad_begin[i];
  }
}

Shape window_output(InferContext& ctx, const Window& w, const Shape& x, int64_t channels) {
  const SpatialLayout layout = layout_of(ctx.node());
  Shape out = x;
  out[layout.channel_axis(x.rank())] = channels;
  for (int axis = 0; axis < w.spatial; axis++) {
    const size_t i = at(w.first_axis() + axis);
    const int64_t in = x[layout.spatial_axis(axis)];
    int64_t& extent = out[layout.spatial_axis(axis)];
    extent = is_symbol(in) ? symbolic_extent(ctx, w, i, in, layout.spatial_axis(axis))
                           : output_extent(w, ctx.node(), i, in);
  }
  return out;
}

int spatial_rank(const ir::Node& node, const Shape& x, int lo, int hi) {
  const int spatial = x.rank() - 2;
  if (spatial < lo) invalid(node, "the input of shape {} has too few axes", to_string(x));
  if (spatial > hi)
    unsupported(node, "the input of shape {} has more than {} spatial axes", to_string(x), hi);
  return spatial;
}

Range valid_range(int64_t out, int64_t in, int64_t stride, int64_t offset) {
  const int64_t first = offset >= 0 ? 0 : ceil_div(-offset, stride);
  const int64_t last = in <= offset ? 0 : ceil_div(in - offset, stride);
  Range r{std::min(first, out), std::min(last, out)};
  r.last = std::max(r.first, r.last);
  return r;
}

}  // namespace tenfold::ops
