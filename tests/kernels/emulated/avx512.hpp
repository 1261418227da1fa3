// AVX-512 for CPUs without it, included before anything else by the emulated kernel tables (CMakeLists.txt):
// the kernel sources of an AVX-512 ISA then compile for AVX2, and their tests run on every machine.
//
// The intrinsics are SIMDe's, an implementation that knows nothing of these kernels.  What version 0.7.4
// lacks or gets wrong stands below.  The ISA tags get other names, so that no symbol clashes with those of
// the real tables, and TENFOLD_PLAIN_INTRINSICS turns the inline assembly of the traits into intrinsics.
#pragma once

#define SIMDE_X86_AVX512F_ENABLE_NATIVE_ALIASES
#define SIMDE_X86_AVX512BW_ENABLE_NATIVE_ALIASES
#define SIMDE_X86_AVX512VL_ENABLE_NATIVE_ALIASES
#define SIMDE_X86_AVX512DQ_ENABLE_NATIVE_ALIASES
#define SIMDE_X86_AVX512VBMI_ENABLE_NATIVE_ALIASES
#define SIMDE_X86_AVX512VNNI_ENABLE_NATIVE_ALIASES
#include <immintrin.h>
#include <simde/x86/avx512.h>

#include <cstdint>
#include <cstring>

// GCC's types of these names hold long long where SIMDe's hold long: not the same to the compiler.
#define __m512i simde__m512i
#define __m512 simde__m512

namespace tenfold::emulated {

template <class To, class From>
[[gnu::always_inline]] inline To as(const From& x) {
  static_assert(sizeof(To) == sizeof(From));
  To y;
  std::memcpy(&y, &x, sizeof y);
  return y;
}

// Missing in SIMDe 0.7.4: halves and quarters by AVX2, which has the instruction itself.
struct Halves {
  __m256 f[2];
};
struct IntHalves {
  __m256i i[2];
};

[[gnu::always_inline]] inline __m512 cvtepi32_ps(__m512i x) {
  const auto h = as<IntHalves>(x);
  return as<__m512>(Halves{_mm256_cvtepi32_ps(h.i[0]), _mm256_cvtepi32_ps(h.i[1])});
}
[[gnu::always_inline]] inline __m512i cvtps_epi32(__m512 x) {
  const auto h = as<Halves>(x);
  return as<__m512i>(IntHalves{_mm256_cvtps_epi32(h.f[0]), _mm256_cvtps_epi32(h.f[1])});
}
[[gnu::always_inline]] inline __m512i cvtepu8_epi32(__m128i x) {
  return as<__m512i>(IntHalves{_mm256_cvtepu8_epi32(x), _mm256_cvtepu8_epi32(_mm_srli_si128(x, 8))});
}
[[gnu::always_inline]] inline __m512i cvtepu8_epi16(__m256i x) {
  return as<__m512i>(IntHalves{_mm256_cvtepu8_epi16(_mm256_castsi256_si128(x)),
                               _mm256_cvtepu8_epi16(_mm256_extracti128_si256(x, 1))});
}
template <int N>
[[gnu::always_inline]] inline __m512i srai_epi32(__m512i x) {
  const auto h = as<IntHalves>(x);
  return as<__m512i>(IntHalves{_mm256_srai_epi32(h.i[0], N), _mm256_srai_epi32(h.i[1], N)});
}
template <int N>
[[gnu::always_inline]] inline __m512 shuffle_f32x4(__m512 a, __m512 b) {
  struct Quarters {
    __m128 f[4];
  };
  const auto x = as<Quarters>(a), y = as<Quarters>(b);
  return as<__m512>(Quarters{x.f[N & 3], x.f[N >> 2 & 3], y.f[N >> 4 & 3], y.f[N >> 6]});
}

// Missing: masked memory access.  A lane whose bit is clear is not touched.
template <class T>
[[gnu::noinline]] static void store_lanes(void* to, uint64_t mask, const void* from, int lanes) {
  for (int i = 0; i < lanes; ++i)
    if (mask >> i & 1) static_cast<T*>(to)[i] = static_cast<const T*>(from)[i];
}
template <class V>
[[gnu::always_inline]] inline void mask_storeu_epi8(void* to, uint64_t mask, V x) {
  store_lanes<uint8_t>(to, mask, &x, sizeof(V));
}
[[gnu::always_inline]] inline void mask_storeu_ps(void* to, uint16_t mask, __m512 x) {
  store_lanes<float>(to, mask, &x, 16);
}
[[gnu::always_inline]] inline __m512 maskz_loadu_ps(uint16_t mask, const void* from) {
  alignas(64) float x[16] = {};
  store_lanes<float>(x, mask, from, 16);
  return as<__m512>(x);
}

// Missing: reductions, in the order of the compiler's own (halves, then quarters, and so on).
template <class F>
[[gnu::always_inline]] inline float reduce(__m512 x, F&& combine) {
  float lane[16];
  std::memcpy(lane, &x, sizeof lane);
  for (int n = 8; n > 0; n /= 2)
    for (int i = 0; i < n; ++i) lane[i] = combine(lane[i], lane[i + n]);
  return lane[0];
}

/// Missing: 1 / x to 14 bits.  rcpps gives 12, and one step of the kernels' refinement makes 23 of either.
[[gnu::always_inline]] inline __m512 rcp14_ps(__m512 x) {
  const auto h = as<Halves>(x);
  return as<__m512>(Halves{_mm256_rcp_ps(h.f[0]), _mm256_rcp_ps(h.f[1])});
}
/// Wrong: SIMDe multiplies by exp2(n), which is infinite from n = 128 on, where x * 2^n need not be.
[[gnu::noinline]] static __m512 scalef_ps(__m512 x, __m512 n) {
  float lane[16], power[16];
  std::memcpy(lane, &x, sizeof lane);
  std::memcpy(power, &n, sizeof power);
  for (int i = 0; i < 16; ++i) {
    const float p = __builtin_floorf(power[i]);
    const bool number = p == p;
    lane[i] = number ? __builtin_ldexpf(lane[i], int(p < -400 ? -400 : p > 400 ? 400 : p)) : power[i];
  }
  return as<__m512>(lane);
}

}  // namespace tenfold::emulated

#undef _mm512_scalef_ps
#undef _mm512_madd_epi16  // SIMDe's alias takes the arguments of the masked form
#define _mm512_madd_epi16 simde_mm512_madd_epi16
#define _mm512_scalef_ps ::tenfold::emulated::scalef_ps
#define _mm512_cvtepi32_ps ::tenfold::emulated::cvtepi32_ps
#define _mm512_cvtps_epi32 ::tenfold::emulated::cvtps_epi32
#define _mm512_cvtepu8_epi32 ::tenfold::emulated::cvtepu8_epi32
#define _mm512_cvtepu8_epi16 ::tenfold::emulated::cvtepu8_epi16
#undef _mm512_shuffle_f32x4  // macros in GCC without optimisation
#define _mm512_srai_epi32(x, n) ::tenfold::emulated::srai_epi32<n>(x)
#define _mm512_shuffle_f32x4(a, b, n) ::tenfold::emulated::shuffle_f32x4<n>(a, b)
#define _mm_mask_storeu_epi8 ::tenfold::emulated::mask_storeu_epi8
#define _mm256_mask_storeu_epi8 ::tenfold::emulated::mask_storeu_epi8
#define _mm512_mask_storeu_epi8 ::tenfold::emulated::mask_storeu_epi8
#define _mm512_mask_storeu_ps ::tenfold::emulated::mask_storeu_ps
#define _mm512_maskz_loadu_ps ::tenfold::emulated::maskz_loadu_ps
#define _mm512_rcp14_ps ::tenfold::emulated::rcp14_ps
#define _mm512_reduce_add_ps(x) ::tenfold::emulated::reduce(x, [](float a, float b) { return a + b; })
#define _mm512_reduce_max_ps(x) ::tenfold::emulated::reduce(x, [](float a, float b) { return a > b ? a : b; })
#define _mm512_reduce_min_ps(x) ::tenfold::emulated::reduce(x, [](float a, float b) { return a < b ? a : b; })

#define TENFOLD_PLAIN_INTRINSICS
#define Avx512Vnni EmulatedAvx512Vnni
#define AvxVnni EmulatedAvxVnni
#define add_u8_kernels_avx512_vnni add_u8_kernels_emulated_avx512_vnni
#define add_f32_kernels_avx512_vnni add_f32_kernels_emulated_avx512_vnni
#define add_f32_depthwise_avx512_vnni add_f32_depthwise_emulated_avx512_vnni
#define add_u8_kernels_avx_vnni add_u8_kernels_emulated_avx_vnni
