// Transposition of 4-byte and 1-byte elements in blocks that fit the registers.
#pragma once

#include "kernels/isa/vec.hpp"

namespace tenfold::kernels::f32 {

/// Up to lanes x lanes elements.
template <class S>
[[gnu::always_inline]] inline void transpose_block(const float* in, ptrdiff_t ld_in, float* out,
                                                   ptrdiff_t ld_out, int64_t rows, int64_t columns) {
  constexpr int lanes = S::lanes;
  typename S::Float r[lanes];
  if (rows >= lanes && columns >= lanes) {
    unroll<lanes>([&](auto i) TENFOLD_LAMBDA { r[i] = S::load_f(in + i * ld_in); });
    S::transpose_f(r);
    unroll<lanes>([&](auto i) TENFOLD_LAMBDA { S::store_f(out + i * ld_out, r[i]); });
  } else {
    unroll<lanes>([&](auto i)
                      TENFOLD_LAMBDA { r[i] = i < rows ? S::load_f(in + i * ld_in, columns) : S::zero_f(); });
    S::transpose_f(r);
    unroll<lanes>([&](auto i) TENFOLD_LAMBDA {
      if (i < columns) S::store_f(out + i * ld_out, r[i], rows);
    });
  }
}

/// At most four rows, as of a picture: blocks of 4 x 4.  Where the output has no gaps, each of its rows but
/// the last few is stored as four elements, of which the next row overwrites those too many.
template <class S>
[[gnu::always_inline]] inline void transpose_few_rows(const float* in, ptrdiff_t ld_in, float* out,
                                                      int64_t rows, int64_t columns) {
  const float* row[4];
  unroll<4>([&](auto i) TENFOLD_LAMBDA { row[i] = in + (i < rows ? i : 0) * ld_in; });
  int64_t c = 0;
  for (; c + 8 <= columns; c += 4) {
    __m128 r[4];
    unroll<4>([&](auto i) TENFOLD_LAMBDA { r[i] = _mm_loadu_ps(row[i] + c); });
    _MM_TRANSPOSE4_PS(r[0], r[1], r[2], r[3]);
    unroll<4>([&](auto i) TENFOLD_LAMBDA { _mm_storeu_ps(out + (c + i) * rows, r[i]); });
  }
  for (; c < columns; c++)
    for (int64_t i = 0; i < rows; i++) out[c * rows + i] = row[i][c];
}

template <class S>
void transpose_32(const void* in, ptrdiff_t ld_in, void* out, ptrdiff_t ld_out, int64_t rows,
                  int64_t columns) {
  const auto* from = static_cast<const float*>(in);
  auto* to = static_cast<float*>(out);
  if (rows <= 4 && ld_out == rows) return transpose_few_rows<S>(from, ld_in, to, rows, columns);
  for (int64_t c = 0; c < columns; c += S::lanes)
    for (int64_t r = 0; r < rows; r += S::lanes)
      transpose_block<S>(from + r * ld_in + c, ld_in, to + c * ld_out + r, ld_out, rows - r, columns - c);
}

/// 16 x 16 bytes: four rounds of interleaving rows i and i + 8.
template <class S>
[[gnu::always_inline]] inline void transpose_bytes(const u8* in, ptrdiff_t ld_in, u8* out, ptrdiff_t ld_out) {
  __m128i r[16], t[16];
  unroll<16>([&](auto i) TENFOLD_LAMBDA {
    r[i] = _mm_loadu_si128(reinterpret_cast<const __m128i*>(in + i * ld_in));
  });
  unroll<2>([&](auto) TENFOLD_LAMBDA {
    unroll<8>([&](auto i) TENFOLD_LAMBDA {
      t[2 * i] = _mm_unpacklo_epi8(r[i], r[i + 8]);
      t[2 * i + 1] = _mm_unpackhi_epi8(r[i], r[i + 8]);
    });
    unroll<8>([&](auto i) TENFOLD_LAMBDA {
      r[2 * i] = _mm_unpacklo_epi8(t[i], t[i + 8]);
      r[2 * i + 1] = _mm_unpackhi_epi8(t[i], t[i + 8]);
    });
  });
  unroll<16>([&](auto i)
                 TENFOLD_LAMBDA { _mm_storeu_si128(reinterpret_cast<__m128i*>(out + i * ld_out), r[i]); });
}

template <class S>
void transpose_8(const void* in, ptrdiff_t ld_in, void* out, ptrdiff_t ld_out, int64_t rows,
                 int64_t columns) {
  const auto* from = static_cast<const u8*>(in);
  auto* to = static_cast<u8*>(out);
  for (int64_t c = 0; c < columns; c += 16)
    for (int64_t r = 0; r < rows; r += 16) {
      const u8* block = from + r * ld_in + c;
      u8* target = to + c * ld_out + r;
      if (rows - r >= 16 && columns - c >= 16) {
        transpose_bytes<S>(block, ld_in, target, ld_out);
        continue;
      }
      for (int64_t j = 0; j < lesser<int64_t>(16, columns - c); j++)
        for (int64_t i = 0; i < lesser<int64_t>(16, rows - r); i++)
          target[j * ld_out + i] = block[i * ld_in + j];
    }
}

}  // namespace tenfold::kernels::f32
