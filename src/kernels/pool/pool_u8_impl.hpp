// u8 pooling: maximum, average and global average, vectorised over channels.
#pragma once

#include "kernels/isa/requantize.hpp"

namespace tenfold::kernels {

/// The part of a window [first, first + kernel * dilation) that lies inside [0, size), as tap numbers.
struct WindowSpan {
  int64_t begin, end;
};
template <class S>
[[gnu::always_inline]] inline WindowSpan inside_taps(int64_t first, int64_t kernel, int64_t dilation,
                                                     int64_t size) {
  WindowSpan s{0, kernel};
  if (first < 0) s.begin = (-first + dilation - 1) / dilation;
  if (first + (kernel - 1) * dilation >= size) s.end = first < size ? (size - 1 - first) / dilation + 1 : 0;
  if (s.begin > s.end) s.begin = s.end;
  return s;
}

/// The window of one output pixel, clipped to the image.
struct PoolWindow {
  const u8* first;  // the first pixel inside
  int64_t rows, columns;
  ptrdiff_t row, column;  // bytes between taps
};
template <class S>
[[gnu::always_inline]] inline PoolWindow pool_window(const Pool<u8>& p, int64_t y, int64_t x) {
  const int64_t iy = y * p.stride_h - p.pad_top, ix = x * p.stride_w - p.pad_left;
  const WindowSpan v = inside_taps<S>(iy, p.kernel_h, p.dilation_h, p.in_h);
  const WindowSpan h = inside_taps<S>(ix, p.kernel_w, p.dilation_w, p.in_w);
  const bool empty = v.begin == v.end || h.begin == h.end;
  return {.first = empty ? p.in
                         : p.in + (iy + v.begin * p.dilation_h) * p.in_row +
                               (ix + h.begin * p.dilation_w) * p.in_pixel,
          .rows = empty ? 0 : v.end - v.begin,
          .columns = empty ? 0 : h.end - h.begin,
          .row = p.dilation_h * p.in_row,
          .column = p.dilation_w * p.in_pixel};
}

template <class S>
void max_pool_u8(const Pool<u8>& p) {
  for (int64_t y = p.y_begin; y < p.y_end; ++y) {
    for (int64_t x = 0; x < p.out_w; ++x) {
      const PoolWindow w = pool_window<S>(p, y, x);
      u8* out = p.out + y * p.out_row + x * p.out_pixel;
      for (int64_t c = 0; c < p.channels; c += 4 * S::lanes) {
        auto largest = S::zero_i();
        for (int64_t i = 0; i < w.rows; ++i)
          for (int64_t j = 0; j < w.columns; ++j)
            largest = S::max_u8(largest, S::load_i(w.first + i * w.row + j * w.column + c));
        store_bytes<S>(out + c, largest, p.channels - c);
      }
    }
  }
}

/// Sums of 4 * lanes channels over a window, in the lane order that pack4 undoes.
template <class S, class I = typename S::Int>
[[gnu::always_inline]] inline void sum_window(const PoolWindow& w, int64_t channel, I (&sum)[4]) {
  const I zero = S::zero_i();
  I low = zero, high = zero;  // 16-bit sums of up to 256 pixels
  int pending = 0;
  unroll<4>([&](auto s) TENFOLD_LAMBDA { sum[s] = zero; });
  const auto flush = [&]() TENFOLD_LAMBDA {
    sum[0] = S::add_i32(sum[0], S::lo16(low, zero));
    sum[1] = S::add_i32(sum[1], S::hi16(low, zero));
    sum[2] = S::add_i32(sum[2], S::lo16(high, zero));
    sum[3] = S::add_i32(sum[3], S::hi16(high, zero));
    low = high = zero;
    pending = 0;
  };
  for (int64_t i = 0; i < w.rows; ++i) {
    const u8* p = w.first + i * w.row + channel;
    for (int64_t j = 0; j < w.columns; ++j, p += w.column) {
      const I x = S::load_i(p);
      low = S::add_i16(low, S::lo8(x, zero));
      high = S::add_i16(high, S::hi8(x, zero));
      if (++pending == 256) flush();
    }
  }
  flush();
}

/// clamp_u8(rne(float(sum - offset) * factor) + zero_point), n channels.
template <class S, class I = typename S::Int>
[[gnu::always_inline]] inline void store_mean(const I (&sum)[4], i32 offset, float factor, int zero_point,
                                              u8* out, int64_t n) {
  I q[4];
  unroll<4>([&](auto s) TENFOLD_LAMBDA {
    q[s] = round_to_i32<S, true>(S::mul(S::to_f32(S::sub_i32(sum[s], S::set_i32(offset))), S::set_f(factor)));
  });
  store_bytes<S>(out, pack4<S>(q[0], q[1], q[2], q[3], S::set_i16(zero_point)), n);
}

template <class S>
void average_pool_u8(const Pool<u8>& p) {
  for (int64_t y = p.y_begin; y < p.y_end; ++y) {
    for (int64_t x = 0; x < p.out_w; ++x) {
      const PoolWindow w = pool_window<S>(p, y, x);
      const int64_t inside = w.rows * w.columns;
      int64_t count = inside;
      if (p.count_include_pad) {  // padding counts, what lies even beyond it does not
        const int64_t bottom = p.in_h + p.pad_bottom, right = p.in_w + p.pad_right;
        const int64_t top = y * p.stride_h - p.pad_top, left = x * p.stride_w - p.pad_left;
        const WindowSpan v = inside_taps<S>(top + p.pad_top, p.kernel_h, p.dilation_h, bottom + p.pad_top);
        const WindowSpan h = inside_taps<S>(left + p.pad_left, p.kernel_w, p.dilation_w, right + p.pad_left);
        count = (v.end - v.begin) * (h.end - h.begin);
      }
      const float factor = count ? p.scale / float(count) : 0.0f;
      for (int64_t c = 0; c < p.channels; c += 4 * S::lanes) {
        typename S::Int sum[4];
        sum_window<S>(w, c, sum);
        store_mean<S>(sum, i32(inside * p.in_zero), factor, p.out_zero,
                      p.out + y * p.out_row + x * p.out_pixel + c, p.channels - c);
      }
    }
  }
}

template <class S>
void global_average_u8(const GlobalAverageU8& g) {
  const PoolWindow w{.first = g.in, .rows = 1, .columns = g.pixels, .row = 0, .column = g.in_pixel};
  for (int64_t c = 0; c < g.channels; c += 4 * S::lanes) {
    typename S::Int sum[4];
    sum_window<S>(w, c, sum);
    store_mean<S>(sum, i32(g.pixels * g.in_zero), g.scale / float(g.pixels), g.out_zero, g.out + c,
                  g.channels - c);
  }
}

}  // namespace tenfold::kernels
