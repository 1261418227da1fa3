// The greatest or least bytes of rows of columns (over pixels, NHWC) and of contiguous bytes (over channels).
#pragma once

#include "kernels/isa/requantize.hpp"

namespace tenfold::kernels {

/// `flip` is 0xff for the least: that of bytes is the greatest of their complements.
template <class S>
[[gnu::always_inline]] inline u8 largest_u8(const u8* in, int64_t n, u8 flip) {
  constexpr int64_t width = 4 * S::lanes;
  u8 largest = 0;
  const auto take = [&](u8 x) TENFOLD_LAMBDA { largest = x > largest ? x : largest; };
  if (n < width) {
    for (int64_t i = 0; i < n; ++i) take(u8(in[i] ^ flip));
    return u8(largest ^ flip);
  }
  const auto flips = S::set_i8(flip);
  auto most = S::zero_i();
  for (int64_t i = 0; i < n; i += width)  // the last vector overlaps the one before
    most = S::max_u8(most, S::xor_i(S::load_i(in + lesser(i, n - width)), flips));
  alignas(64) u8 bytes[width];
  S::store_i(bytes, most);
  for (u8 b : bytes) take(b);
  return u8(largest ^ flip);
}

template <class S>
[[gnu::always_inline]] inline void largest_columns_u8(const Reduce<u8>& g, const u8* in, u8* out, u8 flip) {
  const auto flips = S::set_i8(flip);
  for (int64_t c = 0; c < g.inner; c += 4 * S::lanes) {
    auto most = S::zero_i();
    for (int64_t k = 0; k < g.count; ++k)
      most = S::max_u8(most, S::xor_i(S::load_i(in + k * g.in_step + c), flips));
    store_bytes<S>(out + c, S::xor_i(most, flips), g.inner - c);
  }
}

template <class S>
void reduce_u8(const Reduce<u8>& g) {
  const u8 flip = g.op == Reduction::min ? 0xff : 0;
  for (int64_t o = 0; o < g.outer; ++o) {
    const u8* in = g.in + o * g.in_outer;
    u8* out = g.out + o * g.out_outer;
    if (g.in_step == 1)
      *out = largest_u8<S>(in, g.count, flip);
    else
      largest_columns_u8<S>(g, in, out, flip);
  }
}

}  // namespace tenfold::kernels
