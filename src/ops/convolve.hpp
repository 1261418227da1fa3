// The loop nest of every convolution: FP32, INT8 and integer operators differ only in types and in what they
// store.
#pragma once

#include <algorithm>
#include <array>

#include "ops/window.hpp"

namespace tenfold::ops {

/// A resolved convolution of x [N, C, ...] (or channels last) with w [M, C/group, kernel...].
struct Convolution {
  Window window;
  int64_t batch = 0, channels = 0, filters = 0, group = 1;
  SpatialSteps x, y;
};

/// Checks shapes against each other and resolves the window; throws invalid_model.
Convolution resolve_convolution(const ir::Node& node, const Shape& x, const Shape& w);
/// The output shape of a convolution whose input extents may be symbols, after the same checks; no shape
/// while the inputs' are unknown.
std::optional<Shape> convolution_shape(InferContext& ctx, const Shape* x, const Shape* w);
/// Multiply-accumulates of a node whose input 1 is the weights; 0 while shapes are unknown.
double convolution_macs(const ir::Graph& graph, const ir::Node& node);

/// Sums of kTile neighbouring output positions.
inline constexpr int64_t kTile = 32;
template <class Sum>
using Tile = std::array<Sum, kTile>;

namespace detail {

template <class Sum, class X, class W, class Multiply>
void accumulate_taps(Tile<Sum>& sums, const X* x, W w, int64_t step, Range range, Multiply&& multiply) {
  Sum* s = sums.data();
  if (step == 1)
    for (int64_t i = range.first; i < range.last; i++) s[i] += multiply(x[i], w);
  else
    for (int64_t i = range.first; i < range.last; i++) s[i] += multiply(x[i * step], w);
}

/// Adds all taps of output positions [o2, o2 + count) of row (o0, o1) of filter m; x points at image and
/// group.
template <class Sum, class X, class W, class Multiply>
void accumulate(const Convolution& c, Tile<Sum>& sums, const X* x, const W* w, int64_t o0, int64_t o1,
                int64_t o2, int64_t count, Multiply&& multiply) {
  const Window& g = c.window;
  const int64_t step = g.stride[2] * c.x.axis[2];
  for (int64_t ch = 0; ch < c.channels / c.group; ch++, x += c.x.channel) {
    for (int64_t k0 = 0; k0 < g.kernel[0]; k0++) {
      const int64_t i0 = o0 * g.stride[0] + k0 * g.dilation[0] - g.pad_begin[0];
      for (int64_t k1 = 0; k1 < g.kernel[1]; k1++) {
        const int64_t i1 = o1 * g.stride[1] + k1 * g.dilation[1] - g.pad_begin[1];
        if (i0 < 0 || i0 >= g.in[0] || i1 < 0 || i1 >= g.in[1]) {
          w += g.kernel[2];
          continue;
        }
        for (int64_t k2 = 0; k2 < g.kernel[2]; k2++, w++) {
          const int64_t i2 = o2 * g.stride[2] + k2 * g.dilation[2] - g.pad_begin[2];
          const X* row = x + i0 * c.x.axis[0] + i1 * c.x.axis[1] + i2 * c.x.axis[2];
          accumulate_taps(sums, row, *w, step, valid_range(count, g.in[2], g.stride[2], i2), multiply);
        }
      }
    }
  }
}

}  // namespace detail

/// Calls store(sums, count, m, offset, step) for every tile of the output: `count` sums of filter m that
/// belong at offset, offset + step, ... of y.  multiply(x, w) gives one product; padding contributes nothing.
template <class Sum, class X, class W, class Multiply, class Store>
void convolve(const Convolution& c, const X* x, const W* w, Multiply&& multiply, Store&& store) {
  const Window& g = c.window;
  const int64_t per_group = c.filters / c.group, filter_size = c.channels / c.group * g.taps();
  // Channels last, neighbouring positions lie a pixel apart: few enough that their lines stay in the
  // first-level cache.
  const int64_t tile = c.x.axis[2] == 1 ? kTile : 8;
  for (int64_t n = 0; n < c.batch; n++)
    for (int64_t m = 0; m < c.filters; m++) {
      const X* group = x + n * c.x.batch + m / per_group * (c.channels / c.group) * c.x.channel;
      for (int64_t o0 = 0; o0 < g.out[0]; o0++)
        for (int64_t o1 = 0; o1 < g.out[1]; o1++)
          for (int64_t o2 = 0; o2 < g.out[2]; o2 += tile) {
            const int64_t count = std::min(tile, g.out[2] - o2);
            Tile<Sum> sums{};
            detail::accumulate(c, sums, group, w + m * filter_size, o0, o1, o2, count, multiply);
            store(sums, count, m,
                  n * c.y.batch + m * c.y.channel + o0 * c.y.axis[0] + o1 * c.y.axis[1] + o2 * c.y.axis[2],
                  c.y.axis[2]);
          }
    }
}

}  // namespace tenfold::ops
