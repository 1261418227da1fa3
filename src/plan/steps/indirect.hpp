// Indirection: addresses of the pixels that a convolution's taps read, so that no patch is ever copied.
#pragma once

#include "base/math.hpp"
#include "base/thread_pool.hpp"
#include "ops/convolve.hpp"

namespace tenfold::plan {

/// Every output pixel reads exactly its own input pixel: the activation is the matrix A as it lies.
inline bool is_pointwise(const ops::Window& g) {
  for (size_t a = 0; a < 3; a++)
    if (g.kernel[a] != 1 || g.stride[a] != 1 || g.pad_begin[a] != 0 || g.in[a] != g.out[a]) return false;
  return true;
}

/// Every channel by itself, over at most two axes.  A pointwise convolution of one channel is none: the
/// planner takes it for a product of all pixels.
inline bool is_depthwise(const ops::Convolution& c) {
  return c.group == c.channels && c.filters == c.channels && c.window.is_planar() &&
         !(c.group == 1 && is_pointwise(c.window));
}

/// Output pixels that one block of pointers serves: with 9 taps the pointers take 18 KB, which stays in L1
/// beside the first lines of the tile they point at.
inline constexpr int64_t kIndirectPixels = 256;

/// A row of taps as one tap of kernel_w * C channels, where neighbouring pixels lie next to each other: a
/// third of the pointers of a 3 x 3 kernel, and longer products.  Output columns whose window leaves the
/// image at the left or right read copies of it, one for every input row.
class MergedRows {
 public:
  /// Does not apply: no columns, nothing merged.
  MergedRows() = default;
  explicit MergedRows(const ops::Convolution& c)
      : rows_(c.window.in[0] * c.window.in[1] * c.batch),
        width_(c.window.in[2]),
        columns_(c.window.out[2]),
        kernel_(c.window.kernel[2]),
        stride_(c.window.stride[2]),
        pad_(c.window.pad_begin[2]),
        channels_(c.channels) {
    left_ = std::min(columns_, ceil_div(pad_, stride_));
    right_ = std::clamp((width_ - kernel_ + pad_ + stride_) / stride_, left_, columns_);
    if (width_ < kernel_) right_ = left_;
  }
  static bool applies(const ops::Convolution& c) {
    const ops::Window& g = c.window;
    return c.group == 1 && g.kernel[2] > 1 && g.dilation[2] == 1 && c.x.channel == 1 &&
           c.x.axis[2] == c.channels && c.x.axis[1] == c.channels * g.in[2] &&
           c.x.axis[0] == c.x.axis[1] * g.in[1] && c.x.batch == c.x.axis[0] * g.in[0] &&
           c.channels <= kMostChannels;
  }
  bool merges() const { return kernel_ > 0; }
  /// The convolution over merged rows: valid columns are those whose windows lie inside.
  ops::Convolution merged(ops::Convolution c) const {
    if (!merges()) return c;
    c.channels *= kernel_;
    c.window.in[2] = std::max<int64_t>(0, width_ - kernel_ + 1);
    c.window.kernel[2] = 1;
    return c;
  }

  /// Elements of the copies of all rows.
  int64_t size() const { return edges() ? rows_ * edges() * kernel_ * channels_ + kTensorSlack : 0; }
  /// Copies what the edge columns read in input rows [begin, end), counted over the batch.
  template <class T>
  void copy(const T* x, T zero, tenfold::Range rows, T* copies) const {
    for (int64_t row = rows.begin; row < rows.end && edges(); row++)
      for (int64_t e = 0; e < edges(); e++) {
        T* to = copies + (row * edges() + e) * kernel_ * channels_;
        const int64_t start = (e < left_ ? e : right_ + e - left_) * stride_ - pad_;
        const int64_t first = std::clamp<int64_t>(start, 0, width_),
                      last = std::clamp<int64_t>(start + kernel_, first, width_);
        std::fill_n(to, kernel_ * channels_, zero);
        std::copy_n(x + (row * width_ + first) * channels_, (last - first) * channels_,
                    to + (first - start) * channels_);
      }
  }
  /// The copy for an edge column of an input row.
  template <class T>
  const T* edge(const T* copies, int64_t row, int64_t column) const {
    const int64_t e = column < left_ ? column : left_ + column - right_;
    return copies + (row * edges() + e) * kernel_ * channels_;
  }

 private:
  /// Above, three pointers more for a pixel are nothing beside its products.
  static constexpr int64_t kMostChannels = 128;
  int64_t edges() const { return left_ + columns_ - right_; }

  int64_t rows_ = 0, width_ = 0, columns_ = 0, kernel_ = 0, stride_ = 1, pad_ = 0, channels_ = 0;
  int64_t left_ = 0, right_ = 0;  ///< columns before and from here on leave the image
};

/// Writes pointers[t * stride + m] for every tap t and output pixel begin + m, begin + m < end, counted over
/// the whole batch; `outside` points at a pixel of zero points.  Channels last.
/// Columns outside the image point at `outside`, or at `copies` where rows are merged.
template <class T>
void fill_indirect(const ops::Convolution& c, const T* x, const T* outside, int64_t begin, int64_t end,
                   const T** pointers, int64_t stride, const MergedRows& rows = {},
                   const T* copies = nullptr) {
  const ops::Window& g = c.window;
  const int64_t plane = g.out[1] * g.out[2], pixels = g.out[0] * plane;
  for (int64_t m = begin; m < end;) {
    const int64_t image = m / pixels, oz = m % pixels / plane, oy = m % plane / g.out[2], ox = m % g.out[2];
    const int64_t run = std::min(end - m, g.out[2] - ox);
    const T* base = x + image * c.x.batch;
    const T** row = pointers + (m - begin);
    for (int64_t k = 0; k < g.kernel[0] * g.kernel[1]; k++) {
      const int64_t iz = oz * g.stride[0] + k / g.kernel[1] * g.dilation[0] - g.pad_begin[0],
                    iy = oy * g.stride[1] + k % g.kernel[1] * g.dilation[1] - g.pad_begin[1];
      const bool inside = iz >= 0 && iz < g.in[0] && iy >= 0 && iy < g.in[1];
      const auto beyond = [&](int64_t i) {
        return inside && rows.merges() ? rows.edge(copies, (image * g.in[0] + iz) * g.in[1] + iy, ox + i)
                                       : outside;
      };
      for (int64_t kx = 0; kx < g.kernel[2]; kx++, row += stride) {
        const int64_t ix = ox * g.stride[2] + kx * g.dilation[2] - g.pad_begin[2];
        const auto valid = inside ? ops::valid_range(run, g.in[2], g.stride[2], ix) : ops::Range{0, 0};
        const int64_t step = g.stride[2] * c.x.axis[2];
        const T* pixel = base + iz * c.x.axis[0] + iy * c.x.axis[1] + ix * c.x.axis[2];
        for (int64_t i = 0; i < valid.first; i++) row[i] = beyond(i);
        for (int64_t i = valid.first; i < valid.last; i++) row[i] = pixel + i * step;
        for (int64_t i = valid.last; i < run; i++) row[i] = beyond(i);
      }
    }
    m += run;
  }
}

}  // namespace tenfold::plan
