// Depthwise convolution, first half: interleaving input rows.
//
// Four input rows of a column are byte-interleaved into quads, so that one dot4 sums four vertical taps of a
// channel. The column goes to an L1 scratch and is shared by all horizontal taps and by several output rows.
// Pixels outside the image become the zero point here, so callers need no padded copy.
#pragma once

#include "kernels/depthwise/depthwise_u8_shape.hpp"
#include "kernels/isa/requantize.hpp"

namespace tenfold::kernels {

/// The input rows under one pass of output rows, for one block of channels.
struct DepthwiseRows {
  const u8* row[8];  // column 0 of the image; rows outside the image point at any valid row
  unsigned outside;  // bit i: row i lies outside the image
  ptrdiff_t pixel;
  int64_t width;  // columns [0, width) exist
  u8 zero_point;
};

/// Columns c, c + step, ... of one row, C in a vector of bytes; those outside the image are `zero`.
template <class S, int C, class I = typename S::Int>
[[gnu::always_inline]] inline I load_columns(const DepthwiseRows& in, const u8* row, int64_t c, int64_t step,
                                             I zero) {
  constexpr int B = 4 * S::lanes / C;
  if (c >= 0 && c + (C - 1) * step < in.width) [[likely]]
    return S::template load_parts<C>(row + c * in.pixel, step * in.pixel);
  alignas(64) u8 bytes[4 * S::lanes];
  S::store_i(bytes, zero);
  for (int i = 0; i < C; ++i, c += step)
    if (c >= 0 && c < in.width) __builtin_memcpy(bytes + i * B, row + c * in.pixel, B);
  return S::load_i(bytes);
}

/// Row group g of columns c, c + step, ..., C in a vector, byte-interleaved: quad q of it holds four rows of
/// every channel of a quarter of the vector's.
/// Outside: rows may lie outside the image.
template <class S, int C, bool Outside = true, class I = typename S::Int>
[[gnu::always_inline]] inline void interleave_group(const DepthwiseRows& in, int g, int64_t c, int64_t step,
                                                    I zero, I (&quads)[4]) {
  I r[4];
  unroll<4>([&](auto i) TENFOLD_LAMBDA { r[i] = load_columns<S, C>(in, in.row[4 * g + i], c, step, zero); });
  if (Outside && in.outside) [[unlikely]]
    unroll<4>([&](auto i) TENFOLD_LAMBDA {
      if (in.outside >> (4 * g + i) & 1) r[i] = zero;
    });
  const I abl = S::lo8(r[0], r[1]), abh = S::hi8(r[0], r[1]);
  const I cdl = S::lo8(r[2], r[3]), cdh = S::hi8(r[2], r[3]);
  quads[0] = S::lo16(abl, cdl), quads[1] = S::hi16(abl, cdl);
  quads[2] = S::lo16(abh, cdh), quads[3] = S::hi16(abh, cdh);
}

/// Interleaves `vectors` vectors of C columns, from column c on, which are `step` apart.  Quad q of row group
/// g goes to d + (4 * g + q) * part, one vector behind the other.  Out of line: one copy for all kernel
/// shapes, and the call costs nothing beside sixteen shuffles.
template <class S, int G, int C>
[[gnu::noinline, gnu::noclone]] void interleave(const DepthwiseRows& in, int64_t c, int64_t step, int vectors,
                                                std::byte* d, ptrdiff_t part) {
  using I = typename S::Int;
  const I zero = S::set_i8(in.zero_point);
  for (int v = 0; v < vectors; ++v, c += C * step, d += 4 * S::lanes) {
    unroll<G>([&](auto g) TENFOLD_LAMBDA {
      I quads[4];
      interleave_group<S, C>(in, g, c, step, zero, quads);
      unroll<4>([&](auto q) TENFOLD_LAMBDA { S::store_i(d + (4 * g + q) * part, quads[q]); });
    });
  }
}

}  // namespace tenfold::kernels
