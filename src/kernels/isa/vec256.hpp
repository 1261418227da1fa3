// Vector traits, 256 bits: everything but the dot product, shared by AVX2 and both encodings of AVX-VNNI.
#pragma once

#include "kernels/isa/vec.hpp"

namespace tenfold::kernels {

template <class Self>
struct Vec256 {
  static constexpr int lanes = 8;
  using Int = __m256i;
  using Float = __m256;
  using Mask = __m256;

  // Integers.
  TENFOLD_INLINE Int load_i(const void* p) { return _mm256_loadu_si256(static_cast<const Int*>(p)); }
  TENFOLD_INLINE void store_i(void* p, Int x) { _mm256_storeu_si256(static_cast<Int*>(p), x); }
  TENFOLD_INLINE Int zero_i() { return _mm256_setzero_si256(); }
  TENFOLD_INLINE Int set_i32(i32 x) { return _mm256_set1_epi32(x); }
  TENFOLD_INLINE Int set_i16(int x) { return _mm256_set1_epi16(short(x)); }
  TENFOLD_INLINE Int set_i8(int x) { return _mm256_set1_epi8(char(x)); }
  /// Has x computed here: GCC otherwise sinks whole accumulations into the branches that store them, and
  /// spills.
  TENFOLD_INLINE void pin(Int& x) { asm volatile("" : "+x"(x)); }
  TENFOLD_INLINE Int add_i16(Int a, Int b) { return _mm256_add_epi16(a, b); }
  TENFOLD_INLINE Int sub_i16(Int a, Int b) { return _mm256_sub_epi16(a, b); }
  TENFOLD_INLINE Int add_i32(Int a, Int b) { return _mm256_add_epi32(a, b); }
  TENFOLD_INLINE Int sub_i32(Int a, Int b) { return _mm256_sub_epi32(a, b); }
  TENFOLD_INLINE Int mul_i32(Int a, Int b) { return _mm256_mullo_epi32(a, b); }
  TENFOLD_INLINE Int madd_i16(Int a, Int b) { return _mm256_madd_epi16(a, b); }
  TENFOLD_INLINE Int mul_low_i16(Int a, Int b) { return _mm256_mullo_epi16(a, b); }
  TENFOLD_INLINE Int mul_high_i16(Int a, Int b) { return _mm256_mulhi_epi16(a, b); }
  TENFOLD_INLINE Int adds_i16(Int a, Int b) { return _mm256_adds_epi16(a, b); }
  TENFOLD_INLINE Int pack_i32_i16(Int a, Int b) { return _mm256_packs_epi32(a, b); }
  TENFOLD_INLINE Int pack_i16_u8(Int a, Int b) { return _mm256_packus_epi16(a, b); }
  TENFOLD_INLINE Int lo8(Int a, Int b) { return _mm256_unpacklo_epi8(a, b); }
  TENFOLD_INLINE Int hi8(Int a, Int b) { return _mm256_unpackhi_epi8(a, b); }
  TENFOLD_INLINE Int lo16(Int a, Int b) { return _mm256_unpacklo_epi16(a, b); }
  TENFOLD_INLINE Int hi16(Int a, Int b) { return _mm256_unpackhi_epi16(a, b); }
  /// Sums of neighbouring lanes, those of a and then those of b in every 128-bit part.
  TENFOLD_INLINE Int add_pairs_i32(Int a, Int b) { return _mm256_hadd_epi32(a, b); }
  TENFOLD_INLINE Int shuffle_i8(Int x, Int order) { return _mm256_shuffle_epi8(x, order); }
  TENFOLD_INLINE Int repeat_part(__m128i x) { return _mm256_broadcastsi128_si256(x); }
  TENFOLD_INLINE Int max_u8(Int a, Int b) { return _mm256_max_epu8(a, b); }
  TENFOLD_INLINE Int and_i(Int a, Int b) { return _mm256_and_si256(a, b); }
  TENFOLD_INLINE Int xor_i(Int a, Int b) { return _mm256_xor_si256(a, b); }
  template <int N>
  TENFOLD_INLINE Int shift_left_i16(Int a) {
    return _mm256_slli_epi16(a, N);
  }
  template <int N>
  TENFOLD_INLINE Int shift_left_i32(Int a) {
    return _mm256_slli_epi32(a, N);
  }
  template <int N>
  TENFOLD_INLINE Int shift_right_signed_i32(Int a) {
    return _mm256_srai_epi32(a, N);
  }
  template <int L>
  TENFOLD_INLINE __m128i part(Int x) {
    return _mm256_extracti128_si256(x, L);
  }
  /// 4 * lanes bytes from C places, `step` apart.
  template <int C>
  TENFOLD_INLINE Int load_parts(const u8* p, ptrdiff_t step) {
    static_assert(C == 1 || C == 2);
    if constexpr (C == 1) return load_i(p);
    const auto half = [](const u8* q)
                          TENFOLD_LAMBDA { return _mm_loadu_si128(reinterpret_cast<const __m128i*>(q)); };
    return _mm256_inserti128_si256(_mm256_castsi128_si256(half(p)), half(p + step), 1);
  }
  /// `lanes` consecutive u8 widened to 32 bits.
  TENFOLD_INLINE Int load_u8_i32(const u8* p) {
    return _mm256_cvtepu8_epi32(_mm_loadl_epi64(reinterpret_cast<const __m128i*>(p)));
  }
  /// 2 * lanes consecutive u8 widened to 16 bits.
  TENFOLD_INLINE Int load_u8_i16(const u8* p) {
    return _mm256_cvtepu8_epi16(_mm_loadu_si128(reinterpret_cast<const __m128i*>(p)));
  }
  /// After packing 4/NV rows x NV vectors: makes the NV * lanes bytes of each row contiguous.
  template <int NV>
  TENFOLD_INLINE Int group_rows(Int y) {
    if constexpr (NV == 4)
      return y;
    else if constexpr (NV == 2)
      return _mm256_permute4x64_epi64(y, 0xd8);
    else
      return _mm256_permutevar8x32_epi32(y, _mm256_setr_epi32(0, 4, 1, 5, 2, 6, 3, 7));
  }
  /// Stores bytes [i * B, i * B + min(n, B)) of y.
  template <int B>
  TENFOLD_INLINE void store_chunk(u8* d, Int y, int i, int64_t n) {
    const __m128i h = i * B >= 16 ? _mm256_extracti128_si256(y, 1) : _mm256_castsi256_si128(y);
    if (n >= B) {
      if constexpr (B == 32)
        store_i(d, y);
      else if constexpr (B == 16)
        _mm_storeu_si128(reinterpret_cast<__m128i*>(d), h);
      else if (i & 1)
        _mm_storeh_pd(reinterpret_cast<double*>(d), _mm_castsi128_pd(h));
      else
        _mm_storel_epi64(reinterpret_cast<__m128i*>(d), h);
    } else {
      store_tail(d, B == 32 ? y : _mm256_castsi128_si256(B == 8 && (i & 1) ? _mm_srli_si128(h, 8) : h), n);
    }
  }
  /// The first n < 32 bytes of y, in falling powers of two.
  TENFOLD_INLINE void store_tail(u8* d, Int y, int64_t n) {
    __m128i h = _mm256_castsi256_si128(y);
    if (n & 16) {
      _mm_storeu_si128(reinterpret_cast<__m128i*>(d), h);
      d += 16;
      h = _mm256_extracti128_si256(y, 1);
    }
    if (n & 8) {
      _mm_storel_epi64(reinterpret_cast<__m128i*>(d), h);
      d += 8;
      h = _mm_srli_si128(h, 8);
    }
    if (n & 4) {
      _mm_storeu_si32(d, h);
      d += 4;
      h = _mm_srli_si128(h, 4);
    }
    if (n & 2) {
      _mm_storeu_si16(d, h);
      d += 2;
      h = _mm_srli_si128(h, 2);
    }
    if (n & 1) *d = u8(_mm_extract_epi8(h, 0));
  }

  // Floats.
  TENFOLD_INLINE Int first_lanes(int64_t n) {
    return _mm256_cmpgt_epi32(_mm256_set1_epi32(n > 8 ? 8 : int(n)),
                              _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7));
  }
  TENFOLD_INLINE Float load_f(const float* p) { return _mm256_loadu_ps(p); }
  TENFOLD_INLINE Float load_f(const float* p, int64_t n) {
    return n >= lanes ? load_f(p) : _mm256_maskload_ps(p, first_lanes(n));
  }
  TENFOLD_INLINE void store_f(float* p, Float x) { _mm256_storeu_ps(p, x); }
  /// In falling powers of two: a masked store is microcode on AMD cores.
  TENFOLD_INLINE void store_f(float* p, Float x, int64_t n) {
    if (n >= lanes) return store_f(p, x);
    __m128 h = _mm256_castps256_ps128(x);
    if (n & 4) {
      _mm_storeu_ps(p, h);
      h = _mm256_extractf128_ps(x, 1);
      p += 4;
    }
    if (n & 2) {
      _mm_storel_pi(reinterpret_cast<__m64*>(p), h);
      h = _mm_movehl_ps(h, h);
      p += 2;
    }
    if (n & 1) _mm_store_ss(p, h);
  }
  TENFOLD_INLINE Float zero_f() { return _mm256_setzero_ps(); }
  TENFOLD_INLINE Float set_f(float x) { return _mm256_set1_ps(x); }
  TENFOLD_INLINE Float add(Float a, Float b) { return _mm256_add_ps(a, b); }
  TENFOLD_INLINE Float sub(Float a, Float b) { return _mm256_sub_ps(a, b); }
  TENFOLD_INLINE Float mul(Float a, Float b) { return _mm256_mul_ps(a, b); }
  TENFOLD_INLINE Float div(Float a, Float b) { return _mm256_div_ps(a, b); }
  TENFOLD_INLINE Float min(Float a, Float b) { return _mm256_min_ps(a, b); }
  TENFOLD_INLINE Float max(Float a, Float b) { return _mm256_max_ps(a, b); }
  TENFOLD_INLINE Float sqrt(Float a) { return _mm256_sqrt_ps(a); }
  TENFOLD_INLINE Float fma(Float a, Float b, Float c) { return _mm256_fmadd_ps(a, b, c); }
  TENFOLD_INLINE Float fnma(Float a, Float b, Float c) { return _mm256_fnmadd_ps(a, b, c); }
  /// c += a * b in place: with the intrinsic GCC 12 may move accumulators between registers and spill.
  TENFOLD_INLINE void accumulate(Float& c, Float a, Float b) {
    asm("vfmadd231ps %2, %1, %0" : "+x"(c) : "x"(a), "x"(b));
  }
  TENFOLD_INLINE Float round(Float x) {
    return _mm256_round_ps(x, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
  }
  TENFOLD_INLINE Float and_f(Float a, Float b) { return _mm256_and_ps(a, b); }
  TENFOLD_INLINE Float or_f(Float a, Float b) { return _mm256_or_ps(a, b); }
  TENFOLD_INLINE Float xor_f(Float a, Float b) { return _mm256_xor_ps(a, b); }
  TENFOLD_INLINE Float abs(Float a) { return _mm256_andnot_ps(set_f(-0.0f), a); }
  TENFOLD_INLINE Mask less(Float a, Float b) { return _mm256_cmp_ps(a, b, _CMP_LT_OQ); }
  TENFOLD_INLINE Mask ordered(Float a) { return _mm256_cmp_ps(a, a, _CMP_ORD_Q); }
  TENFOLD_INLINE Float select(Mask m, Float yes, Float no) { return _mm256_blendv_ps(no, yes, m); }
  TENFOLD_INLINE Float to_f32(Int x) { return _mm256_cvtepi32_ps(x); }
  /// Rounds half to even; out of range gives INT_MIN.
  TENFOLD_INLINE Int to_i32(Float x) { return _mm256_cvtps_epi32(x); }
  TENFOLD_INLINE Int bits(Float x) { return _mm256_castps_si256(x); }
  TENFOLD_INLINE Float from_bits(Int x) { return _mm256_castsi256_ps(x); }
  /// x * 2^n, n a small integer, x in [0.5, 2].
  TENFOLD_INLINE Float scale2(Float x, Float n) {
    return from_bits(add_i32(bits(x), shift_left_i32<23>(to_i32(n))));
  }
  /// x * 2^n for any n in [-252, 256], x in [0.5, 2]: to 0 and to infinity as multiplication goes.
  TENFOLD_INLINE Float scale2_wide(Float x, Float n) {
    const Int all = to_i32(n), half = shift_right_signed_i32<1>(all), one = set_i32(127);
    const auto power = [&](Int e) TENFOLD_LAMBDA { return from_bits(shift_left_i32<23>(add_i32(e, one))); };
    return mul(mul(x, power(half)), power(sub_i32(all, half)));
  }
  /// 1 / x to about 1e-7.
  TENFOLD_INLINE Float reciprocal(Float x) {
    const Float y = _mm256_rcp_ps(x);
    return fma(fnma(x, y, set_f(1)), y, y);
  }
  TENFOLD_INLINE float sum(Float x) {
    __m128 h = _mm_add_ps(_mm256_castps256_ps128(x), _mm256_extractf128_ps(x, 1));
    h = _mm_add_ps(h, _mm_movehl_ps(h, h));
    return _mm_cvtss_f32(_mm_add_ss(h, _mm_movehdup_ps(h)));
  }
  TENFOLD_INLINE float largest(Float x) {
    __m128 h = _mm_max_ps(_mm256_castps256_ps128(x), _mm256_extractf128_ps(x, 1));
    h = _mm_max_ps(h, _mm_movehl_ps(h, h));
    return _mm_cvtss_f32(_mm_max_ss(h, _mm_movehdup_ps(h)));
  }
  TENFOLD_INLINE float smallest(Float x) {
    __m128 h = _mm_min_ps(_mm256_castps256_ps128(x), _mm256_extractf128_ps(x, 1));
    h = _mm_min_ps(h, _mm_movehl_ps(h, h));
    return _mm_cvtss_f32(_mm_min_ss(h, _mm_movehdup_ps(h)));
  }

  /// r[i] lane j <-> r[j] lane i.
  TENFOLD_INLINE void transpose_f(Float (&r)[8]) {
    Float t[8];
    unroll<4>([&](auto i) TENFOLD_LAMBDA {
      t[2 * i] = _mm256_unpacklo_ps(r[2 * i], r[2 * i + 1]);
      t[2 * i + 1] = _mm256_unpackhi_ps(r[2 * i], r[2 * i + 1]);
    });
    unroll<2>([&](auto h) TENFOLD_LAMBDA {  // r[4h + c], part p: column 4p + c of rows 4h ... 4h + 3
      r[4 * h] = _mm256_shuffle_ps(t[4 * h], t[4 * h + 2], 0x44);
      r[4 * h + 1] = _mm256_shuffle_ps(t[4 * h], t[4 * h + 2], 0xee);
      r[4 * h + 2] = _mm256_shuffle_ps(t[4 * h + 1], t[4 * h + 3], 0x44);
      r[4 * h + 3] = _mm256_shuffle_ps(t[4 * h + 1], t[4 * h + 3], 0xee);
    });
    unroll<4>([&](auto c) TENFOLD_LAMBDA {
      t[c] = _mm256_permute2f128_ps(r[c], r[4 + c], 0x20);
      t[4 + c] = _mm256_permute2f128_ps(r[c], r[4 + c], 0x31);
    });
    unroll<8>([&](auto i) TENFOLD_LAMBDA { r[i] = t[i]; });
  }

  // The u8 operand of dot4: four bytes repeated in every lane.
  TENFOLD_INLINE auto bcast4(const u8* p) {
    return Self::split(_mm256_castps_si256(_mm256_broadcast_ss(reinterpret_cast<const float*>(p))));
  }

  static constexpr bool masked_stores =
      false;                                  // a row shorter than a register tile stored by the tile itself
  static constexpr bool fast_lookup = false;  // worth having in the epilogue of a register tile
  /// 256-entry table lookup of every byte, three instructions for a row of 16 entries.  A byte shuffle uses
  /// the low four bits of an index and gives zero where bit 7 is set.  For x < 128, x - 16r keeps its low
  /// bits and is negative once r > x / 16, so rows 0 ... x / 16 contribute; each row is stored xor its
  /// predecessor, so that they add up to the last one.  Saturating subtraction keeps x >= 128 negative.  The
  /// upper half does the same with x - 128.
  struct Table {
    alignas(16) u8 rows[256];
  };
  TENFOLD_INLINE Table load_table(const u8* t) {
    Table table;
    for (int i = 0; i < 256; ++i) table.rows[i] = i % 128 < 16 ? t[i] : u8(t[i] ^ t[i - 16]);
    return table;
  }
  TENFOLD_INLINE Int lookup(const Table& t, Int x) {
    const auto* row = reinterpret_cast<const __m128i*>(t.rows);
    const Int step = set_i8(16);
    Int y = zero_i();
    unroll<2>([&](auto half) TENFOLD_LAMBDA {
      Int index = half ? _mm256_xor_si256(x, set_i8(-128)) : x;
      unroll<8>([&](auto r) TENFOLD_LAMBDA {
        y = xor_i(
            y, _mm256_shuffle_epi8(_mm256_broadcastsi128_si256(_mm_load_si128(row + half * 8 + r)), index));
        if constexpr (r < 7) index = _mm256_subs_epi8(index, step);
      });
    });
    return y;
  }

  /// What every product of s16 pairs has in common; the trait's Pairs adds dot4, c += a.x * w.x + a.y * w.y.
  struct PairOperands {
    using Quad = Int;
    static constexpr int rows[3] = {0, 12, 6};  // register tile: rows for 1, 2 vectors
    TENFOLD_INLINE Quad bcast4(const u8* p) {
      return _mm256_castps_si256(_mm256_broadcast_ss(reinterpret_cast<const float*>(p)));
    }
    TENFOLD_INLINE Quad weights(const std::byte* p) { return load_i(p); }
  };

  static constexpr int depthwise_accumulators = 4;   // INT8 depthwise: rows x columns at a time
  static constexpr int grouped_accumulators = 12;    // INT8 narrow groups: pixels x channels of a group
  static constexpr int f32_rows[4] = {0, 12, 6, 4};  // FP32 GEMM tile: rows for 1, 2, 3 vectors
};

}  // namespace tenfold::kernels
