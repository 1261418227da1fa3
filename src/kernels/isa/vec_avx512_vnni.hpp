// Vector traits, AVX-512 (F, BW, VL, DQ, VBMI) with VNNI.
#pragma once

#include "kernels/isa/vec.hpp"

namespace tenfold::kernels {

struct Avx512Vnni {
  static constexpr int lanes = 16;
  using Int = __m512i;
  using Float = __m512;
  using Mask = __mmask16;
  using Quad = Int;
  static constexpr PackLayout layout{16, 1, 2, 4};
  static constexpr int u8_rows[3] = {0, 12, 10};
  static constexpr int depthwise_accumulators = 8;  // INT8 depthwise: rows x columns at a time
  static constexpr int grouped_accumulators = 24;   // INT8 narrow groups: pixels x channels of a group
  static constexpr int f32_rows[4] = {0, 12, 14, 9};

  // Integers.
  TENFOLD_INLINE Int load_i(const void* p) { return _mm512_loadu_si512(p); }
  TENFOLD_INLINE void store_i(void* p, Int x) { _mm512_storeu_si512(p, x); }
  TENFOLD_INLINE Int zero_i() { return _mm512_setzero_si512(); }
  TENFOLD_INLINE Int set_i32(i32 x) { return _mm512_set1_epi32(x); }
  TENFOLD_INLINE Int set_i16(int x) { return _mm512_set1_epi16(short(x)); }
  TENFOLD_INLINE Int set_i8(int x) { return _mm512_set1_epi8(char(x)); }
  /// Has x computed here: GCC otherwise sinks whole accumulations into the branches that store them, and
  /// spills.
  TENFOLD_INLINE void pin(Int& x) { TENFOLD_ASM(static_cast<void>(x), volatile("" : "+v"(x))); }
  TENFOLD_INLINE Int add_i16(Int a, Int b) { return _mm512_add_epi16(a, b); }
  TENFOLD_INLINE Int sub_i16(Int a, Int b) { return _mm512_sub_epi16(a, b); }
  TENFOLD_INLINE Int add_i32(Int a, Int b) { return _mm512_add_epi32(a, b); }
  TENFOLD_INLINE Int sub_i32(Int a, Int b) { return _mm512_sub_epi32(a, b); }
  TENFOLD_INLINE Int mul_i32(Int a, Int b) { return _mm512_mullo_epi32(a, b); }
  TENFOLD_INLINE Int madd_i16(Int a, Int b) { return _mm512_madd_epi16(a, b); }
  TENFOLD_INLINE Int mul_low_i16(Int a, Int b) { return _mm512_mullo_epi16(a, b); }
  TENFOLD_INLINE Int mul_high_i16(Int a, Int b) { return _mm512_mulhi_epi16(a, b); }
  TENFOLD_INLINE Int adds_i16(Int a, Int b) { return _mm512_adds_epi16(a, b); }
  TENFOLD_INLINE Int pack_i32_i16(Int a, Int b) { return _mm512_packs_epi32(a, b); }
  TENFOLD_INLINE Int pack_i16_u8(Int a, Int b) { return _mm512_packus_epi16(a, b); }
  TENFOLD_INLINE Int lo8(Int a, Int b) { return _mm512_unpacklo_epi8(a, b); }
  TENFOLD_INLINE Int hi8(Int a, Int b) { return _mm512_unpackhi_epi8(a, b); }
  TENFOLD_INLINE Int lo16(Int a, Int b) { return _mm512_unpacklo_epi16(a, b); }
  TENFOLD_INLINE Int hi16(Int a, Int b) { return _mm512_unpackhi_epi16(a, b); }
  /// Sums of neighbouring lanes, those of a and then those of b in every 128-bit part.
  TENFOLD_INLINE Int add_pairs_i32(Int a, Int b) {
    const Float x = from_bits(a), y = from_bits(b);
    return add_i32(bits(_mm512_shuffle_ps(x, y, 0x88)), bits(_mm512_shuffle_ps(x, y, 0xdd)));
  }
  TENFOLD_INLINE Int shuffle_i8(Int x, Int order) { return _mm512_shuffle_epi8(x, order); }
  TENFOLD_INLINE Int repeat_part(__m128i x) { return _mm512_broadcast_i32x4(x); }
  TENFOLD_INLINE Int max_u8(Int a, Int b) { return _mm512_max_epu8(a, b); }
  TENFOLD_INLINE Int and_i(Int a, Int b) { return _mm512_and_si512(a, b); }
  TENFOLD_INLINE Int xor_i(Int a, Int b) { return _mm512_xor_si512(a, b); }
  template <int N>
  TENFOLD_INLINE Int shift_left_i16(Int a) {
    return _mm512_slli_epi16(a, N);
  }
  template <int N>
  TENFOLD_INLINE Int shift_left_i32(Int a) {
    return _mm512_slli_epi32(a, N);
  }
  template <int N>
  TENFOLD_INLINE Int shift_right_signed_i32(Int a) {
    return _mm512_srai_epi32(a, N);
  }
  template <int L>
  TENFOLD_INLINE __m128i part(Int x) {
    if constexpr (L == 0)
      return _mm512_castsi512_si128(x);
    else
      return _mm512_extracti32x4_epi32(x, L);
  }
  /// 4 * lanes bytes from C places, `step` apart.
  template <int C>
  TENFOLD_INLINE Int load_parts(const u8* p, ptrdiff_t step) {
    if constexpr (C == 1) {
      return load_i(p);
    } else if constexpr (C == 2) {
      const auto half = [](const u8* q) TENFOLD_LAMBDA {
        return _mm256_loadu_si256(reinterpret_cast<const __m256i*>(q));
      };
      return _mm512_inserti64x4(_mm512_castsi256_si512(half(p)), half(p + step), 1);
    } else {
      const auto quarter = [](const u8* q) TENFOLD_LAMBDA {
        return _mm_loadu_si128(reinterpret_cast<const __m128i*>(q));
      };
      Int x = _mm512_castsi128_si512(quarter(p));
      x = _mm512_inserti32x4(x, quarter(p + step), 1);
      x = _mm512_inserti32x4(x, quarter(p + 2 * step), 2);
      return _mm512_inserti32x4(x, quarter(p + 3 * step), 3);
    }
  }
  /// `lanes` consecutive u8 widened to 32 bits.
  TENFOLD_INLINE Int load_u8_i32(const u8* p) {
    return _mm512_cvtepu8_epi32(_mm_loadu_si128(reinterpret_cast<const __m128i*>(p)));
  }
  /// 2 * lanes consecutive u8 widened to 16 bits.
  TENFOLD_INLINE Int load_u8_i16(const u8* p) {
    return _mm512_cvtepu8_epi16(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(p)));
  }
  /// After packing 4/NV rows x NV vectors: makes the NV * lanes bytes of each row contiguous.
  template <int NV>
  TENFOLD_INLINE Int group_rows(Int y) {
    if constexpr (NV == 4)
      return y;
    else if constexpr (NV == 2)
      return _mm512_permutexvar_epi64(_mm512_setr_epi64(0, 2, 4, 6, 1, 3, 5, 7), y);
    else
      return _mm512_permutexvar_epi32(_mm512_setr_epi32(0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15),
                                      y);
  }
  /// Stores bytes [i * B, i * B + min(n, B)) of y.
  template <int B>
  TENFOLD_INLINE void store_chunk(u8* d, Int y, int i, int64_t n) {
    const __mmask64 m = n >= B ? ~0ull >> (64 - B) : (1ull << n) - 1;
    if constexpr (B == 64) {
      if (n >= B)
        store_i(d, y);
      else
        _mm512_mask_storeu_epi8(d, m, y);
    } else if constexpr (B == 32) {
      const __m256i h = i ? _mm512_extracti64x4_epi64(y, 1) : _mm512_castsi512_si256(y);
      if (n >= B)
        _mm256_storeu_si256(reinterpret_cast<__m256i*>(d), h);
      else
        _mm256_mask_storeu_epi8(d, __mmask32(m), h);
    } else {
      const __m128i h = i == 0 ? part<0>(y) : i == 1 ? part<1>(y) : i == 2 ? part<2>(y) : part<3>(y);
      if (n >= B)
        _mm_storeu_si128(reinterpret_cast<__m128i*>(d), h);
      else
        _mm_mask_storeu_epi8(d, __mmask16(m), h);
    }
  }
  /// The first n < 64 bytes of y.
  TENFOLD_INLINE void store_tail(u8* d, Int y, int64_t n) { _mm512_mask_storeu_epi8(d, (1ull << n) - 1, y); }

  // Floats.
  TENFOLD_INLINE __mmask16 first_lanes(int64_t n) {
    return n >= lanes ? __mmask16(0xffff) : __mmask16((1u << n) - 1);
  }
  TENFOLD_INLINE Float load_f(const float* p) { return _mm512_loadu_ps(p); }
  TENFOLD_INLINE Float load_f(const float* p, int64_t n) { return _mm512_maskz_loadu_ps(first_lanes(n), p); }
  TENFOLD_INLINE void store_f(float* p, Float x) { _mm512_storeu_ps(p, x); }
  TENFOLD_INLINE void store_f(float* p, Float x, int64_t n) {
    if (n >= lanes)
      store_f(p, x);
    else
      _mm512_mask_storeu_ps(p, first_lanes(n), x);
  }
  TENFOLD_INLINE Float zero_f() { return _mm512_setzero_ps(); }
  TENFOLD_INLINE Float set_f(float x) { return _mm512_set1_ps(x); }
  TENFOLD_INLINE Float add(Float a, Float b) { return _mm512_add_ps(a, b); }
  TENFOLD_INLINE Float sub(Float a, Float b) { return _mm512_sub_ps(a, b); }
  TENFOLD_INLINE Float mul(Float a, Float b) { return _mm512_mul_ps(a, b); }
  TENFOLD_INLINE Float div(Float a, Float b) { return _mm512_div_ps(a, b); }
  TENFOLD_INLINE Float min(Float a, Float b) { return _mm512_min_ps(a, b); }
  TENFOLD_INLINE Float max(Float a, Float b) { return _mm512_max_ps(a, b); }
  TENFOLD_INLINE Float sqrt(Float a) { return _mm512_sqrt_ps(a); }
  TENFOLD_INLINE Float fma(Float a, Float b, Float c) { return _mm512_fmadd_ps(a, b, c); }
  TENFOLD_INLINE Float fnma(Float a, Float b, Float c) { return _mm512_fnmadd_ps(a, b, c); }
  /// c += a * b in place: with the intrinsic GCC 12 may move accumulators between registers and spill.
  TENFOLD_INLINE void accumulate(Float& c, Float a, Float b) {
    TENFOLD_ASM(c = fma(a, b, c), ("vfmadd231ps %2, %1, %0" : "+v"(c) : "v"(a), "v"(b)));
  }
  TENFOLD_INLINE Float round(Float x) {
    return _mm512_roundscale_ps(x, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
  }
  TENFOLD_INLINE Float and_f(Float a, Float b) { return _mm512_and_ps(a, b); }
  TENFOLD_INLINE Float or_f(Float a, Float b) { return _mm512_or_ps(a, b); }
  TENFOLD_INLINE Float xor_f(Float a, Float b) { return _mm512_xor_ps(a, b); }
  TENFOLD_INLINE Float abs(Float a) { return _mm512_abs_ps(a); }
  TENFOLD_INLINE Mask less(Float a, Float b) { return _mm512_cmp_ps_mask(a, b, _CMP_LT_OQ); }
  TENFOLD_INLINE Mask ordered(Float a) { return _mm512_cmp_ps_mask(a, a, _CMP_ORD_Q); }
  TENFOLD_INLINE Float select(Mask m, Float yes, Float no) { return _mm512_mask_blend_ps(m, no, yes); }
  TENFOLD_INLINE Float to_f32(Int x) { return _mm512_cvtepi32_ps(x); }
  /// Rounds half to even; out of range gives INT_MIN.
  TENFOLD_INLINE Int to_i32(Float x) { return _mm512_cvtps_epi32(x); }
  TENFOLD_INLINE Int bits(Float x) { return _mm512_castps_si512(x); }
  TENFOLD_INLINE Float from_bits(Int x) { return _mm512_castsi512_ps(x); }
  TENFOLD_INLINE Float scale2(Float x, Float n) { return _mm512_scalef_ps(x, n); }
  TENFOLD_INLINE Float scale2_wide(Float x, Float n) { return _mm512_scalef_ps(x, n); }
  /// 1 / x to about 1e-7.
  TENFOLD_INLINE Float reciprocal(Float x) {
    const Float y = _mm512_rcp14_ps(x);
    return fma(fnma(x, y, set_f(1)), y, y);
  }
  TENFOLD_INLINE float sum(Float x) { return _mm512_reduce_add_ps(x); }
  TENFOLD_INLINE float largest(Float x) { return _mm512_reduce_max_ps(x); }
  TENFOLD_INLINE float smallest(Float x) { return _mm512_reduce_min_ps(x); }

  /// r[i] lane j <-> r[j] lane i.
  TENFOLD_INLINE void transpose_f(Float (&r)[16]) {
    Float t[16];
    unroll<8>([&](auto i) TENFOLD_LAMBDA {
      t[2 * i] = _mm512_unpacklo_ps(r[2 * i], r[2 * i + 1]);
      t[2 * i + 1] = _mm512_unpackhi_ps(r[2 * i], r[2 * i + 1]);
    });
    unroll<4>([&](auto h) TENFOLD_LAMBDA {  // r[4h + c], part p: column 4p + c of rows 4h ... 4h + 3
      r[4 * h] = _mm512_shuffle_ps(t[4 * h], t[4 * h + 2], 0x44);
      r[4 * h + 1] = _mm512_shuffle_ps(t[4 * h], t[4 * h + 2], 0xee);
      r[4 * h + 2] = _mm512_shuffle_ps(t[4 * h + 1], t[4 * h + 3], 0x44);
      r[4 * h + 3] = _mm512_shuffle_ps(t[4 * h + 1], t[4 * h + 3], 0xee);
    });
    unroll<4>([&](auto c) TENFOLD_LAMBDA {
      const Float a = _mm512_shuffle_f32x4(r[c], r[4 + c], 0x88),
                  b = _mm512_shuffle_f32x4(r[c], r[4 + c], 0xdd);
      const Float d = _mm512_shuffle_f32x4(r[8 + c], r[12 + c], 0x88),
                  e = _mm512_shuffle_f32x4(r[8 + c], r[12 + c], 0xdd);
      t[c] = _mm512_shuffle_f32x4(a, d, 0x88);
      t[4 + c] = _mm512_shuffle_f32x4(b, e, 0x88);
      t[8 + c] = _mm512_shuffle_f32x4(a, d, 0xdd);
      t[12 + c] = _mm512_shuffle_f32x4(b, e, 0xdd);
    });
    unroll<16>([&](auto i) TENFOLD_LAMBDA { r[i] = t[i]; });
  }

  // u8 x s8.
  TENFOLD_INLINE Quad split(Int x) { return x; }
  TENFOLD_INLINE Quad bcast4(const u8* p) {
    i32 x;
    __builtin_memcpy(&x, p, 4);
    return _mm512_set1_epi32(x);
  }
  TENFOLD_INLINE Quad weights(const std::byte* p) { return load_i(p); }
  TENFOLD_INLINE void dot4(Int& c, Quad a, Quad w) {
    TENFOLD_ASM(c = _mm512_dpbusd_epi32(c, a, w), ("vpdpbusd %2, %1, %0" : "+v"(c) : "v"(a), "v"(w)));
  }
  /// The product of s16 pairs, c += a.x * w.x + a.y * w.y.
  struct Pairs {
    using Quad = Int;
    static constexpr int rows[3] = {0, 12, 10};  // register tile: rows for 1, 2 vectors
    TENFOLD_INLINE Quad bcast4(const u8* p) { return Avx512Vnni::bcast4(p); }
    TENFOLD_INLINE Quad weights(const std::byte* p) { return load_i(p); }
    TENFOLD_INLINE void dot4(Int& c, Quad a, Quad w) {
      TENFOLD_ASM(c = _mm512_dpwssd_epi32(c, a, w), ("vpdpwssd %2, %1, %0" : "+v"(c) : "v"(a), "v"(w)));
    }
  };

  static constexpr bool masked_stores = true;  // a row shorter than a register tile stored by the tile itself
  static constexpr bool fast_lookup = true;    // worth having in the epilogue of a register tile
  /// 256-entry table lookup of every byte: two halves of 128 entries, chosen by bit 7.
  struct Table {
    Int part[4];
  };
  TENFOLD_INLINE Table load_table(const u8* t) {
    return {{load_i(t), load_i(t + 64), load_i(t + 128), load_i(t + 192)}};
  }
  TENFOLD_INLINE Int lookup(const Table& t, Int x) {
    const Int low = _mm512_permutex2var_epi8(t.part[0], x, t.part[1]);
    const Int high = _mm512_permutex2var_epi8(t.part[2], x, t.part[3]);
    return _mm512_mask_blend_epi8(_mm512_movepi8_mask(x), low, high);
  }
};

}  // namespace tenfold::kernels
