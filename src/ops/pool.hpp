// The loop nest of every pool: it gives windows, the operator folds their elements.
#pragma once

#include "ops/window.hpp"

namespace tenfold::ops {

/// A resolved pool over x [N, C, spatial...] or channels last.
struct Pooling {
  Window window;
  int64_t batch = 0, channels = 0;
  SpatialSteps x, y;
};
Pooling resolve_pool(const ir::Node& node, const Shape& x);
/// The output shape of a pool; no shape while the input's is unknown.
std::optional<Shape> pool_shape(InferContext& ctx);

/// The taps of one window that lie inside the input: input positions begin + t * dilation for t in [0, taps).
struct PoolWindow {
  int64_t image = 0, channel = 0;
  int64_t y = 0;             ///< element offset of the output
  int64_t x = 0;             ///< element offset of image and channel in the input
  Extents3 begin{}, taps{};  ///< per axis
  int64_t padded_taps = 0;   ///< taps inside the input or its padding, what count_include_pad divides by
  int64_t count() const { return taps[0] * taps[1] * taps[2]; }
};

/// Calls f(offset, i0, i1, i2) for every element of the window: its offset in the input and its spatial
/// position.
template <class F>
void for_each_tap(const Pooling& p, const PoolWindow& w, F&& f) {
  const Extents3& d = p.window.dilation;
  for (int64_t t0 = 0, i0 = w.begin[0]; t0 < w.taps[0]; t0++, i0 += d[0])
    for (int64_t t1 = 0, i1 = w.begin[1]; t1 < w.taps[1]; t1++, i1 += d[1])
      for (int64_t t2 = 0, i2 = w.begin[2]; t2 < w.taps[2]; t2++, i2 += d[2])
        f(w.x + i0 * p.x.axis[0] + i1 * p.x.axis[1] + i2 * p.x.axis[2], i0, i1, i2);
}

/// Calls f(window) for every output element.
template <class F>
void for_each_window(const Pooling& p, F&& f) {
  const Window& g = p.window;
  PoolWindow w;
  // Sets axis i for output position o; returns the taps inside input and padding.
  const auto place = [&](size_t i, int64_t o) {
    const int64_t start = o * g.stride[i] - g.pad_begin[i];
    const Range inside = valid_range(g.kernel[i], g.in[i], g.dilation[i], start);
    w.begin[i] = start + inside.first * g.dilation[i];
    w.taps[i] = inside.last - inside.first;
    const Range padded =
        valid_range(g.kernel[i], g.pad_begin[i] + g.in[i] + g.pad_end[i], g.dilation[i], o * g.stride[i]);
    return padded.last - padded.first;
  };
  for (w.image = 0; w.image < p.batch; w.image++)
    for (w.channel = 0; w.channel < p.channels; w.channel++) {
      w.x = w.image * p.x.batch + w.channel * p.x.channel;
      for (int64_t o0 = 0; o0 < g.out[0]; o0++) {
        const int64_t taps0 = place(0, o0);
        for (int64_t o1 = 0; o1 < g.out[1]; o1++) {
          const int64_t taps01 = taps0 * place(1, o1);
          for (int64_t o2 = 0; o2 < g.out[2]; o2++) {
            w.padded_taps = taps01 * place(2, o2);
            w.y = w.image * p.y.batch + w.channel * p.y.channel + o0 * p.y.axis[0] + o1 * p.y.axis[1] +
                  o2 * p.y.axis[2];
            f(w);
          }
        }
      }
    }
}

}  // namespace tenfold::ops
