// Moving INT8 weights by blocks: 16 bytes at a time in vectors that every compiler maps to the baseline ISA.
#pragma once

#include <algorithm>
#include <cstring>

#include "kernels/kernels.hpp"

namespace tenfold::kernels {

using Bytes16 [[gnu::vector_size(16)]] = int8_t;
using Words4 [[gnu::vector_size(16)]] = int32_t;
using Words8 [[gnu::vector_size(16)]] = int16_t;

inline Words4 load_words(const s8* from) {
  Words4 v;
  std::memcpy(&v, from, sizeof v);
  return v;
}
inline void store_words(std::byte* to, Words4 v) { std::memcpy(to, &v, sizeof v); }

/// Rows become columns.
inline void transpose_words(Words4 (&r)[4]) {
  const Words4 a = __builtin_shufflevector(r[0], r[1], 0, 4, 1, 5);
  const Words4 b = __builtin_shufflevector(r[0], r[1], 2, 6, 3, 7);
  const Words4 c = __builtin_shufflevector(r[2], r[3], 0, 4, 1, 5);
  const Words4 d = __builtin_shufflevector(r[2], r[3], 2, 6, 3, 7);
  r[0] = __builtin_shufflevector(a, c, 0, 1, 4, 5);
  r[1] = __builtin_shufflevector(a, c, 2, 3, 6, 7);
  r[2] = __builtin_shufflevector(b, d, 0, 1, 4, 5);
  r[3] = __builtin_shufflevector(b, d, 2, 3, 6, 7);
}

/// Four lanes of one weight vector of `lanes`, four taps each.  One byte a weight: s8 quads as they are; two:
/// s16, even pairs, then odd pairs one vector on.
template <int weight_bytes>
void put_lanes(int lanes, std::byte* to, Words4 quads) {
  if constexpr (weight_bytes == 1) return store_words(to, quads);
  const Words4 low{0xffff, 0xffff, 0xffff, 0xffff};
  store_words(to, (((quads << 24) >> 24) & low) | (((quads << 8) >> 24) << 16));
  store_words(to + 4 * lanes, (((quads << 16) >> 24) & low) | ((quads >> 24) << 16));
}

/// Four rows of k weights, channel by channel, as four lanes of vectors, from `to` on one every `step` bytes.
inline void put_rows(const s8* const (&rows)[4], int64_t k, std::byte* to, int64_t step) {
  constexpr int64_t kBlock = 16;
  int64_t k0 = 0;
  for (; k0 + kBlock <= k; k0 += kBlock, to += 4 * step) {
    Words4 block[4] = {load_words(rows[0] + k0), load_words(rows[1] + k0), load_words(rows[2] + k0),
                       load_words(rows[3] + k0)};
    transpose_words(block);
    store_words(to, block[0]);
    store_words(to + step, block[1]);
    store_words(to + 2 * step, block[2]);
    store_words(to + 3 * step, block[3]);
  }
  for (; k0 < k; k0 += 4, to += step) {
    s8 quads[16] = {};
    for (int i = 0; i < 4; ++i)
      std::memcpy(quads + 4 * i, rows[i] + k0, size_t(std::min<int64_t>(4, k - k0)));
    store_words(to, load_words(quads));
  }
}

/// 16 rows of 16 bytes become columns: four rounds that each interleave row i with row i + 8.
inline void transpose_bytes(Bytes16 (&r)[16]) {
  for (int round = 0; round < 4; ++round) {
    Bytes16 next[16];
    for (int i = 0; i < 8; ++i) {
      next[2 * i] =
          __builtin_shufflevector(r[i], r[i + 8], 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23);
      next[2 * i + 1] = __builtin_shufflevector(r[i], r[i + 8], 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29,
                                                14, 30, 15, 31);
    }
    std::copy(std::begin(next), std::end(next), std::begin(r));
  }
}

/// `columns` columns of [rows][ld], from the one at `from` on, to [columns][rows]; nothing is read from `end`
/// on.
inline void transpose_columns(const s8* from, const s8* end, int64_t rows, int64_t ld, int64_t columns,
                              s8* to) {
  constexpr int64_t kBlock = 16;
  for (int64_t c0 = 0; c0 < columns; c0 += kBlock) {
    const int64_t width = std::min(kBlock, columns - c0);
    int64_t r = 0;
    // A block reads 16 bytes of each row, wherever the row ends: the last rows have fewer behind them.
    for (; (r + kBlock - 1) * ld + c0 + kBlock <= end - from && r + kBlock <= rows; r += kBlock) {
      Bytes16 block[kBlock];
      for (int64_t i = 0; i < kBlock; ++i) std::memcpy(&block[i], from + (r + i) * ld + c0, kBlock);
      transpose_bytes(block);
      for (int64_t c = 0; c < width; ++c) std::memcpy(to + (c0 + c) * rows + r, &block[c], kBlock);
    }
    for (; r < rows; ++r)
      for (int64_t c = c0; c < c0 + width; ++c) to[c * rows + r] = from[r * ld + c];
  }
}

}  // namespace tenfold::kernels
