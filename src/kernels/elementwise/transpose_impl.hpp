// Matrix transposition of 4-byte and 1-byte elements, in blocks that fill cache lines on both sides.
#pragma once

#include "kernels/isa/vec.hpp"

namespace tenfold::kernels {

/// 4x4 elements of four bytes.
template <class S>
[[gnu::always_inline]] inline void transpose_block_32(const u32* in, ptrdiff_t ld_in, u32* out,
                                                      ptrdiff_t ld_out) {
  const auto row = [&](int i) TENFOLD_LAMBDA {
    return _mm_loadu_si128(reinterpret_cast<const __m128i*>(in + i * ld_in));
  };
  const __m128i a = row(0), b = row(1), c = row(2), d = row(3);
  const __m128i ab0 = _mm_unpacklo_epi32(a, b), ab1 = _mm_unpackhi_epi32(a, b);
  const __m128i cd0 = _mm_unpacklo_epi32(c, d), cd1 = _mm_unpackhi_epi32(c, d);
  const __m128i columns[4] = {_mm_unpacklo_epi64(ab0, cd0), _mm_unpackhi_epi64(ab0, cd0),
                              _mm_unpacklo_epi64(ab1, cd1), _mm_unpackhi_epi64(ab1, cd1)};
  unroll<4>([&](auto i) TENFOLD_LAMBDA {
    _mm_storeu_si128(reinterpret_cast<__m128i*>(out + i * ld_out), columns[i]);
  });
}

/// 16 rows x 8 columns of bytes: eight rows of 16 bytes come out.
template <class S>
[[gnu::always_inline]] inline void transpose_block_8(const u8* in, ptrdiff_t ld_in, u8* out,
                                                     ptrdiff_t ld_out) {
  const auto row = [&](int i) TENFOLD_LAMBDA {
    return _mm_loadl_epi64(reinterpret_cast<const __m128i*>(in + i * ld_in));
  };
  __m128i pairs[8], fours[8], eights[8];
  unroll<8>([&](auto i) TENFOLD_LAMBDA { pairs[i] = _mm_unpacklo_epi8(row(2 * i), row(2 * i + 1)); });
  unroll<4>([&](auto i)
                TENFOLD_LAMBDA {  // fours[2i]: columns 0-3 of rows 4i ... 4i+3, fours[2i+1]: columns 4-7
                  fours[2 * i] = _mm_unpacklo_epi16(pairs[2 * i], pairs[2 * i + 1]);
                  fours[2 * i + 1] = _mm_unpackhi_epi16(pairs[2 * i], pairs[2 * i + 1]);
                });
  unroll<2>([&](auto h) TENFOLD_LAMBDA {  // eights[4h + j]: columns 2j, 2j+1 of rows 8h ... 8h+7
    unroll<2>([&](auto part) TENFOLD_LAMBDA {
      eights[4 * h + 2 * part] = _mm_unpacklo_epi32(fours[4 * h + part], fours[4 * h + 2 + part]);
      eights[4 * h + 2 * part + 1] = _mm_unpackhi_epi32(fours[4 * h + part], fours[4 * h + 2 + part]);
    });
  });
  unroll<4>([&](auto j) TENFOLD_LAMBDA {
    const auto at = [&](int c) TENFOLD_LAMBDA { return reinterpret_cast<__m128i*>(out + c * ld_out); };
    _mm_storeu_si128(at(2 * j), _mm_unpacklo_epi64(eights[j], eights[4 + j]));
    _mm_storeu_si128(at(2 * j + 1), _mm_unpackhi_epi64(eights[j], eights[4 + j]));
  });
}

/// BR x BC blocks inside tiles of 64 x 64, edges one by one.
template <class S, class T, int BR, int BC, class Block>
[[gnu::always_inline]] inline void transpose_tiled(const T* in, ptrdiff_t ld_in, T* out, ptrdiff_t ld_out,
                                                   int64_t rows, int64_t columns, const Block& block) {
  constexpr int64_t kTile = 64;
  const auto scalar = [&](int64_t r0, int64_t r1, int64_t c0, int64_t c1) TENFOLD_LAMBDA {
    for (int64_t r = r0; r < r1; ++r)
      for (int64_t c = c0; c < c1; ++c) out[c * ld_out + r] = in[r * ld_in + c];
  };
  for (int64_t r0 = 0; r0 < rows; r0 += kTile) {
    const int64_t r1 = lesser(rows, r0 + kTile), whole_r = r0 + (r1 - r0) / BR * BR;
    for (int64_t c0 = 0; c0 < columns; c0 += kTile) {
      const int64_t c1 = lesser(columns, c0 + kTile), whole_c = c0 + (c1 - c0) / BC * BC;
      for (int64_t r = r0; r < whole_r; r += BR)
        for (int64_t c = c0; c < whole_c; c += BC)
          block(in + r * ld_in + c, ld_in, out + c * ld_out + r, ld_out);
      scalar(r0, whole_r, whole_c, c1);
      scalar(whole_r, r1, c0, c1);
    }
  }
}

template <class S>
void transpose_32(const void* in, ptrdiff_t ld_in, void* out, ptrdiff_t ld_out, int64_t rows,
                  int64_t columns) {
  transpose_tiled<S, u32, 4, 4>(static_cast<const u32*>(in), ld_in, static_cast<u32*>(out), ld_out, rows,
                                columns,
                                [](const u32* a, ptrdiff_t lda, u32* b, ptrdiff_t ldb)
                                    TENFOLD_LAMBDA { transpose_block_32<S>(a, lda, b, ldb); });
}
template <class S>
void transpose_8(const void* in, ptrdiff_t ld_in, void* out, ptrdiff_t ld_out, int64_t rows,
                 int64_t columns) {
  transpose_tiled<S, u8, 16, 8>(static_cast<const u8*>(in), ld_in, static_cast<u8*>(out), ld_out, rows,
                                columns, [](const u8* a, ptrdiff_t lda, u8* b, ptrdiff_t ldb) TENFOLD_LAMBDA {
                                  transpose_block_8<S>(a, lda, b, ldb);
                                });
}

}  // namespace tenfold::kernels
