// What every kernel file builds on: forced inlining, compile-time loops, and the meaning of the vector
// traits.
//
// Rule for everything a per-ISA translation unit includes: a function is either always_inline or a template
// with the ISA tag among its arguments, and no std:: function is called.  Anything else could be emitted out
// of line as a weak symbol compiled with AVX-512, and the linker may keep that copy for callers on a machine
// without it. tools/check_isa_leaks.sh enforces the rule on the object files.
//
// A trait (Avx2, AvxVnni, AvxVnniEvex, Avx512Vnni) supplies
//   lanes, Int, Float, Mask        vectors of 32-bit lanes
//   *_i*, lo*, hi*, pack_*         integers; unpack and pack act inside 128-bit parts, as in the instruction
//   set
//   *_f, add, mul, fma, ...        floats; the forms with a count load zeros behind it and store only that
//   many
//   Quad, weights, bcast4, dot4    the u8 x s8 dot product of four bytes per lane
//   Pairs                          the same for two s16 per lane
#pragma once

#include <immintrin.h>

#include <cstddef>
#include <cstdint>
#include <utility>  // std::integer_sequence only: no functions

#include "kernels/kernels.hpp"

#define TENFOLD_INLINE [[gnu::always_inline]] static inline
#define TENFOLD_LAMBDA __attribute__((always_inline))
/// For the functions that fill tables: compiled for the baseline, since they run before the CPU is known to
/// be fit.
#define TENFOLD_BASELINE [[gnu::target("no-avx"), gnu::noinline]]

/// Inline assembly of a trait, and the same as a statement with intrinsics, which the tests compile where
/// they emulate an ISA (tests/kernels/emulated).
#ifdef TENFOLD_PLAIN_INTRINSICS
#define TENFOLD_ASM(plain, ...) plain
#else
#define TENFOLD_ASM(plain, ...) asm __VA_ARGS__
#endif

namespace tenfold::kernels {

using s16 = int16_t;
using i32 = int32_t;
using u32 = uint32_t;

template <class T>
[[gnu::always_inline]] constexpr T lesser(T a, T b) {
  return b < a ? b : a;
}
template <class T>
[[gnu::always_inline]] constexpr T larger(T a, T b) {
  return a < b ? b : a;
}

/// f(0) ... f(N-1) with constant indices: GCC 12 keeps an array of accumulators in registers only if every
/// index is a constant before scalar replacement, which runs before "#pragma GCC unroll".
template <int N, class F>
[[gnu::always_inline]] inline void unroll(F&& f) {
  [&]<int... I>(std::integer_sequence<int, I...>) TENFOLD_LAMBDA {
    (f(std::integral_constant<int, I>{}), ...);
  }
  (std::make_integer_sequence<int, N>{});
}

}  // namespace tenfold::kernels
