// INT8 depthwise convolution: the walk over rows and blocks of channels.
#pragma once

#include "kernels/depthwise/depthwise_u8_generic.hpp"
#include "kernels/depthwise/depthwise_u8_rows.hpp"
#include "kernels/elementwise/lookup_rows_impl.hpp"

namespace tenfold::kernels {

/// Table lookup of whole output rows, while they are in L1 or L2.
template <class S>
[[gnu::noinline]] void depthwise_lookup(const DepthwiseU8& d, int64_t y, int rows) {
  const auto table = S::load_table(d.table);
  const int64_t C = d.w->channels;
  for (int r = 0; r < rows; ++r) {
    u8* out = d.out + (y + r) * d.out_row;
    if (d.out_pixel == C)
      lookup_rows<S>(out, 0, 1, d.out_w * C, table);
    else
      lookup_rows<S>(out, d.out_pixel, d.out_w, C, table);
  }
}

/// Output rows [y, y + d.rows) of all channels.
template <class S, class Shape>
void depthwise_pass(const DepthwiseU8& d, int64_t y, int rows) {
  const PackedDepthwiseU8& w = *d.w;
  constexpr int64_t per = int64_t(Shape::K) * Shape::G * Shape::RP * 4 * S::lanes * S::layout.weight_bytes;
  const int64_t wide = depthwise_u8_wide_blocks(w.channels, S::lanes);
  const int rest = depthwise_u8_rest_columns(w.channels, S::lanes);
  DepthwisePass p{};
  p.rows = rows;
  p.out_pixel = d.out_pixel;
  p.out_w = d.out_w, p.pad_left = d.pad_left;
  p.zero_point = d.zero_point;
  p.scratch = d.scratch;
  p.weights = w.weights, p.params = w.params;
  p.in.pixel = d.in_pixel, p.in.width = d.in_w, p.in.zero_point = u8(w.x_zero_point);
  // Rows that only zero weights meet (the last group's rest), or that only output rows behind the last one
  // need, may be any row; those that `rows` do not need may not be in memory.
  constexpr int needed = (Shape::R - 1) * Shape::Stride + Shape::K;
  const int64_t first = y * Shape::Stride - d.pad_top;
  const auto in_image = [&](int64_t iy) { return lesser<int64_t>(larger<int64_t>(iy, 0), d.in_h - 1); };
  const int64_t top = in_image(first), bottom = in_image(first + (rows - 1) * Shape::Stride + Shape::K - 1);
  for (int i = 0; i < 4 * Shape::G; ++i) {
    const int64_t iy = first + i;
    p.in.row[i] = d.in + lesser(larger(iy, top), bottom) * d.in_row;
    if ((iy < 0 || iy >= d.in_h) && i < needed) p.in.outside |= 1u << i;
  }
  for (int r = 0; r < rows; ++r) p.out[r] = d.out + (y + r) * d.out_row;
  p.channels = w.channels;
  for (int64_t b = 0; b < wide; ++b) {
    if constexpr (S::lanes >= 16 && Shape::K == 3)
      p.in.outside   ? depthwise_block_3x3<S, Shape, true, true>(p)
      : p.zero_point ? depthwise_block_3x3<S, Shape, true, false>(p)
                     : depthwise_block_3x3<S, Shape, false, false>(p);
    else
      depthwise_block<S, Shape, 1>(p);
    for (int i = 0; i < 4 * Shape::G; ++i) p.in.row[i] += 4 * S::lanes;
    for (int r = 0; r < rows; ++r) p.out[r] += 4 * S::lanes;
    p.weights += per * 4;
    p.params += 4 * sizeof(VectorParams<S>);
    p.channels -= 4 * S::lanes;
  }
  if (rest == 2) depthwise_block<S, Shape, 2>(p);
  if constexpr (S::lanes >= 16)
    if (rest == 4) depthwise_block<S, Shape, 4>(p);
  if (d.table) depthwise_lookup<S>(d, y, rows);
}

template <class S, int K, int Stride>
void depthwise_fast(const DepthwiseU8& d) {
  constexpr int RP = depthwise_u8_rows(K, Stride), R = larger(1, RP / 2);
  using Whole = DepthwiseShape<K, Stride, RP, RP>;
  using Rest = DepthwiseShape<K, Stride, RP, R>;  // half as many rows, where that is enough
  for (int64_t y = d.y_begin; y < d.y_end; y += RP) {
    const int rows = int(lesser<int64_t>(RP, d.y_end - y));
    rows <= R ? depthwise_pass<S, Rest>(d, y, rows) : depthwise_pass<S, Whole>(d, y, rows);
  }
}

template <class S>
void depthwise_u8(const DepthwiseU8& d) {
  const PackedDepthwiseU8& w = *d.w;
  if (w.generic) {
    depthwise_generic<S>(d);
    if (d.table)
      for (int64_t y = d.y_begin; y < d.y_end; ++y) depthwise_lookup<S>(d, y, 1);
    return;
  }
  const bool two = w.stride_h == 2;
  if (w.kernel_h == 3)
    two ? depthwise_fast<S, 3, 2>(d) : depthwise_fast<S, 3, 1>(d);
  else if (w.kernel_h == 5)
    two ? depthwise_fast<S, 5, 2>(d) : depthwise_fast<S, 5, 1>(d);
  else
    two ? depthwise_fast<S, 7, 2>(d) : depthwise_fast<S, 7, 1>(d);
}

}  // namespace tenfold::kernels
