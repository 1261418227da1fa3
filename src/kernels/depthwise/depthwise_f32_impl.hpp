// FP32 depthwise convolution, one vector of channels at a time.  3x3, 5x5 and 7x7 with stride 1 or 2 run in
// blocks of columns x rows, where an input vector is loaded once for all outputs it goes into; other shapes
// take a plain loop. Padding is virtual: blocks at the border skip the rows and columns that lie outside.
#pragma once

#include "kernels/elementwise/activation_f32_impl.hpp"

namespace tenfold::kernels::f32 {

/// Rows and columns of outputs per block, so that accumulators and the weights of one kernel row fit the
/// registers.
template <class S, int K, int Stride>
struct DepthwiseBlock {
  static constexpr bool wide = S::lanes == 16;  // 32 registers, else 16
  static constexpr int rows = wide || K == 3 ? 2 : 1;
  static constexpr int columns = wide ? 7 : K == 3 ? 4 : K == 5 ? 8 : 7;
};

struct DepthwiseSpan {  // what stays the same over the blocks of a row
  const float* w;       // [K * K][lanes]
  const float* bias;
  float lo, hi;
  ptrdiff_t out_pixel;
  int64_t n;  // channels of this vector
};

/// What a block may rely on: the whole input inside the image and all lanes in use, only the lanes, or
/// nothing.
enum class Border { inside, edge, edge_and_tail };

struct DepthwiseInput {
  const float* image;  // where the block's first pixel is, or would be
  ptrdiff_t row, pixel;
  int64_t row_begin, row_end, column_begin, column_end;  // of the block's input: what lies in the image
};

/// `columns` of the NX outputs are stored.
template <class S, int K, int Stride, int R, int NX, Border B>
[[gnu::always_inline]] inline void depthwise_block(const DepthwiseInput& in, float* const* out,
                                                   int64_t columns, const DepthwiseSpan& s) {
  using F = typename S::Float;
  constexpr bool check = B != Border::inside, tail = B == Border::edge_and_tail;
  F acc[R][NX];
  const F bias = S::load_f(s.bias);
  unroll<R * NX>([&](auto i) TENFOLD_LAMBDA { acc[i / NX][i % NX] = bias; });
  constexpr int rows = (R - 1) * Stride + K, width = (NX - 1) * Stride + K;
  const int64_t first = in.column_begin, count = in.column_end - first;
  unroll<rows>([&](auto y) TENFOLD_LAMBDA {
    if (check && (y < in.row_begin || y >= in.row_end)) return;
    const float* p = in.image + y * in.row;
    F w[R][K];
    unroll<R * K>([&](auto i) TENFOLD_LAMBDA {
      constexpr int r = i / K, ky = y - r * Stride;
      if constexpr (ky >= 0 && ky < K) w[r][i % K] = S::load_f(s.w + (ky * K + i % K) * S::lanes);
    });
    unroll<width>([&](auto c) TENFOLD_LAMBDA {
      if (check && uint64_t(c - first) >= uint64_t(count)) return;
      F a;
      if constexpr (tail)
        a = S::load_f(p + c * in.pixel, s.n);
      else
        a = S::load_f(p + c * in.pixel);
      unroll<R * K>([&](auto i) TENFOLD_LAMBDA {
        constexpr int r = i / K, kx = i % K, ky = y - r * Stride, j = c - kx;
        if constexpr (ky >= 0 && ky < K && j >= 0 && j % Stride == 0 && j / Stride < NX)
          S::accumulate(acc[r][j / Stride], a, w[r][kx]);
      });
    });
  });
  const F lo = S::set_f(s.lo), hi = S::set_f(s.hi);
  unroll<R * NX>([&](auto i) TENFOLD_LAMBDA {
    constexpr int r = i / NX, j = i % NX;
    const F y = S::min(hi, S::max(lo, acc[r][j]));
    if (!check || j < columns) {
      if constexpr (tail)
        S::store_f(out[r] + j * s.out_pixel, y, s.n);
      else
        S::store_f(out[r] + j * s.out_pixel, y);
    }
  });
}

/// R output rows from `y` on, channels [c, c + n): all columns.  B: what blocks at the border may rely on.
template <class S, int K, int Stride, int R, Border B>
[[gnu::noinline]] void depthwise_rows(const DepthwiseF32& d, int64_t y, int64_t c, const DepthwiseSpan& s) {
  constexpr int NX = DepthwiseBlock<S, K, Stride>::columns;
  constexpr int rows = (R - 1) * Stride + K, width = (NX - 1) * Stride + K;
  constexpr bool fast_inside = B == Border::edge && R == DepthwiseBlock<S, K, Stride>::rows;
  const int64_t y0 = y * Stride - d.pad_top;
  DepthwiseInput in{
      nullptr, d.in_row, d.in_pixel, larger<int64_t>(-y0, 0), lesser<int64_t>(d.in_h - y0, rows), 0, 0};
  const bool rows_inside = in.row_begin == 0 && in.row_end == rows;
  for (int64_t step = 0; step < d.out_w; step += NX) {
    // The last block is moved back to overlap its neighbour rather than cut short.
    const int64_t x = step + NX > d.out_w && d.out_w >= NX ? d.out_w - NX : step;
    const int64_t x0 = x * Stride - d.pad_left, columns = lesser<int64_t>(NX, d.out_w - x);
    float* out[R];
    unroll<R>([&](auto r) TENFOLD_LAMBDA { out[r] = d.out + (y + r) * d.out_row + x * d.out_pixel + c; });
    in.image = d.in + y0 * d.in_row + x0 * d.in_pixel + c;
    if (fast_inside && rows_inside && x0 >= 0 && x0 + width <= d.in_w && columns == NX) {
      depthwise_block<S, K, Stride, R, NX, Border::inside>(in, out, columns, s);
    } else {
      in.column_begin = lesser<int64_t>(larger<int64_t>(-x0, 0), width);
      in.column_end = larger<int64_t>(lesser<int64_t>(d.in_w - x0, width), in.column_begin);
      depthwise_block<S, K, Stride, R, NX, B>(in, out, columns, s);
    }
  }
}

/// One output row of any kernel, stride and dilation.
template <class S>
[[gnu::noinline]] void depthwise_row_any(const DepthwiseF32& d, int64_t y, int64_t c,
                                         const DepthwiseSpan& s) {
  constexpr int NX = S::lanes == 16 ? 8 : 4;
  using F = typename S::Float;
  const PackedDepthwiseF32& w = *d.w;
  const F lo = S::set_f(s.lo), hi = S::set_f(s.hi);
  const ptrdiff_t step = w.stride_w * d.in_pixel;
  for (int64_t x = 0; x < d.out_w; x += NX) {
    F acc[NX];
    unroll<NX>([&](auto j) TENFOLD_LAMBDA { acc[j] = S::load_f(s.bias); });
    const int64_t columns = lesser<int64_t>(NX, d.out_w - x);
    for (int ky = 0; ky < w.kernel_h; ky++) {
      const int64_t iy = y * w.stride_h - d.pad_top + int64_t(ky) * w.dilation_h;
      if (iy < 0 || iy >= d.in_h) continue;
      for (int kx = 0; kx < w.kernel_w; kx++) {
        const int64_t ix = x * w.stride_w - d.pad_left + int64_t(kx) * w.dilation_w;
        const F weight = S::load_f(s.w + (int64_t(ky) * w.kernel_w + kx) * S::lanes);
        const float* p = d.in + iy * d.in_row + ix * d.in_pixel + c;
        const bool inside = ix >= 0 && ix + (NX - 1) * int64_t(w.stride_w) < d.in_w;
        unroll<NX>([&](auto j) TENFOLD_LAMBDA {
          const int64_t at = ix + j * int64_t(w.stride_w);
          if (inside || (at >= 0 && at < d.in_w)) S::accumulate(acc[j], S::load_f(p + j * step, s.n), weight);
        });
      }
    }
    float* out = d.out + y * d.out_row + x * d.out_pixel + c;
    unroll<NX>([&](auto j) TENFOLD_LAMBDA {
      if (j < columns) S::store_f(out + j * d.out_pixel, S::min(hi, S::max(lo, acc[j])), s.n);
    });
  }
}

/// Calls rows(y, count, c, span) over bands of at most `most` rows and all vectors of channels, and ends
/// each.
template <class S, class Rows>
[[gnu::always_inline]] inline void depthwise_walk(const DepthwiseF32& d, int64_t most, Rows rows) {
  const int64_t taps = int64_t(d.w->kernel_h) * d.w->kernel_w;
  const Ending end = make_ending<S>(d.activation, d.lo, d.hi);
  for (int64_t y = d.y_begin; y < d.y_end; y += most) {
    const int64_t count = lesser<int64_t>(most, d.y_end - y);
    for (int64_t c = 0; c < d.w->channels; c += S::lanes) {
      const int64_t n = lesser<int64_t>(S::lanes, d.w->channels - c);
      rows(y, count, c,
           DepthwiseSpan{d.w->weights + c * taps, d.w->bias + c, end.lo, end.hi, d.out_pixel, n});
      if (!end.pass) continue;
      for (int64_t r = 0; r < count; r++) {
        float* out = d.out + (y + r) * d.out_row + c;
        end.pass(out, d.out_pixel, out, d.out_pixel, d.out_w, n, end.a, end.b);
      }
    }
  }
}

template <class S, int K, int Stride>
[[gnu::noinline]] void depthwise_square(const DepthwiseF32& d) {
  constexpr int R = DepthwiseBlock<S, K, Stride>::rows;
  depthwise_walk<S>(d, R, [&](int64_t y, int64_t count, int64_t c, const DepthwiseSpan& s) TENFOLD_LAMBDA {
    const bool tail = s.n < S::lanes;
    if (count == R) {
      if (tail)
        depthwise_rows<S, K, Stride, R, Border::edge_and_tail>(d, y, c, s);
      else
        depthwise_rows<S, K, Stride, R, Border::edge>(d, y, c, s);
    } else {  // R is 1 or 2
      if (tail)
        depthwise_rows<S, K, Stride, 1, Border::edge_and_tail>(d, y, c, s);
      else
        depthwise_rows<S, K, Stride, 1, Border::edge>(d, y, c, s);
    }
  });
}

template <class S>
void depthwise_f32(const DepthwiseF32& d) {
  const PackedDepthwiseF32& w = *d.w;
  const int k = w.kernel_h, stride = w.stride_h;
  if (k == w.kernel_w && stride == w.stride_w && w.dilation_h == 1 && w.dilation_w == 1 && stride <= 2) {
    if (k == 3) return stride == 1 ? depthwise_square<S, 3, 1>(d) : depthwise_square<S, 3, 2>(d);
    if (k == 5) return stride == 1 ? depthwise_square<S, 5, 1>(d) : depthwise_square<S, 5, 2>(d);
    if (k == 7) return stride == 1 ? depthwise_square<S, 7, 1>(d) : depthwise_square<S, 7, 2>(d);
  }
  depthwise_walk<S>(d, 1, [&](int64_t y, int64_t, int64_t c, const DepthwiseSpan& s) TENFOLD_LAMBDA {
    depthwise_row_any<S>(d, y, c, s);
  });
}

}  // namespace tenfold::kernels::f32
