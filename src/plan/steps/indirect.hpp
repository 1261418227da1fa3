// Indirection: addresses of the pixels that a convolution's taps read, so that no patch is ever copied.
#pragma once

#include "ops/convolve.hpp"

namespace tenfold::plan {

/// Every output pixel reads exactly its own input pixel: the activation is the matrix A as it lies.
inline bool is_pointwise(const ops::Window& g) {
  for (size_t a = 0; a < 3; a++)
    if (g.kernel[a] != 1 || g.stride[a] != 1 || g.pad_begin[a] != 0 || g.in[a] != g.out[a]) return false;
  return true;
}

/// Output pixels that one block of pointers serves: with 9 taps the pointers take 18 KB, which stays in L1
/// beside the first lines of the tile they point at.
inline constexpr int64_t kIndirectPixels = 256;

/// Writes pointers[t * stride + m] for every tap t and output pixel begin + m, begin + m < end, counted over
/// the whole batch; `outside` points at a pixel of zero points.  2-D windows (axes 1 and 2), channels last.
template <class T>
void fill_indirect(const ops::Convolution& c, const T* x, const T* outside, int64_t begin, int64_t end,
                   const T** pointers, int64_t stride) {
  const ops::Window& g = c.window;
  const int64_t pixels = g.out[1] * g.out[2];
  for (int64_t m = begin; m < end;) {
    const int64_t image = m / pixels, oy = m % pixels / g.out[2], ox = m % g.out[2];
    const int64_t run = std::min(end - m, g.out[2] - ox);
    const T* base = x + image * c.x.batch;
    const T** row = pointers + (m - begin);
    for (int64_t ky = 0; ky < g.kernel[1]; ky++) {
      const int64_t iy = oy * g.stride[1] + ky * g.dilation[1] - g.pad_begin[1];
      const bool inside = iy >= 0 && iy < g.in[1];
      for (int64_t kx = 0; kx < g.kernel[2]; kx++, row += stride) {
        const int64_t ix = ox * g.stride[2] + kx * g.dilation[2] - g.pad_begin[2];
        const auto valid = inside ? ops::valid_range(run, g.in[2], g.stride[2], ix) : ops::Range{0, 0};
        const int64_t step = g.stride[2] * c.x.axis[2];
        const T* pixel = base + iy * c.x.axis[1] + ix * c.x.axis[2];
        for (int64_t i = 0; i < valid.first; i++) row[i] = outside;
        for (int64_t i = valid.first; i < valid.last; i++) row[i] = pixel + i * step;
        for (int64_t i = valid.last; i < run; i++) row[i] = outside;
      }
    }
    m += run;
  }
}

}  // namespace tenfold::plan
