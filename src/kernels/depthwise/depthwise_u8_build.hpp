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

/// Interleaves columns [c0, c1) of 4 * lanes channels; column c goes to scratch[(c - origin) * G * 4].
/// Out of line: one copy for all kernel shapes, and the call costs nothing beside sixteen shuffles.
template <class S, int G>
[[gnu::noinline]] void interleave_wide(const DepthwiseRows& in, int64_t c0, int64_t c1, typename S::Int* d) {
  using I = typename S::Int;
  const I zero = S::set_i8(in.zero_point);
  for (int64_t c = c0; c < c1; ++c) {
    if (c < 0 || c >= in.width) {
      unroll<4 * G>([&](auto i) TENFOLD_LAMBDA { S::store_i(d + i, zero); });
      d += 4 * G;
      continue;
    }
    const ptrdiff_t at = c * in.pixel;
    unroll<G>([&](auto g) TENFOLD_LAMBDA {
      I r[4];
      unroll<4>([&](auto i) TENFOLD_LAMBDA { r[i] = S::load_i(in.row[4 * g + i] + at); });
      if (in.outside) [[unlikely]]
        unroll<4>([&](auto i) TENFOLD_LAMBDA {
          if (in.outside >> (4 * g + i) & 1) r[i] = zero;
        });
      const I abl = S::lo8(r[0], r[1]), abh = S::hi8(r[0], r[1]);
      const I cdl = S::lo8(r[2], r[3]), cdh = S::hi8(r[2], r[3]);
      S::store_i(d, S::lo16(abl, cdl));
      S::store_i(d + 1, S::hi16(abl, cdl));
      S::store_i(d + 2, S::lo16(abh, cdh));
      S::store_i(d + 3, S::hi16(abh, cdh));
      d += 4;
    });
  }
}

/// The same for `lanes` channels, in channel order: one vector per group of rows.
template <class S, int G>
[[gnu::noinline]] void interleave_narrow(const DepthwiseRows& in, int64_t c0, int64_t c1,
                                         typename S::Int* d) {
  const auto zero = S::set_i8(in.zero_point);
  alignas(64) u8 zeros[64];
  S::store_i(zeros, zero);
  for (int64_t c = c0; c < c1; ++c) {
    const bool column_outside = c < 0 || c >= in.width;
    unroll<G>([&](auto g) TENFOLD_LAMBDA {
      const auto at = [&](int i) TENFOLD_LAMBDA {
        return in.outside >> (4 * g + i) & 1 ? zeros : in.row[4 * g + i] + c * in.pixel;
      };
      S::store_i(d, column_outside ? zero : S::quads(at(0), at(1), at(2), at(3)));
      d += 1;
    });
  }
}

}  // namespace tenfold::kernels
