// Vector traits, AVX-VNNI: 256 bits with vpdpbusd, in VEX encoding, and the same in EVEX encoding for CPUs
// that have AVX512-VNNI only.  Two tags, so that no symbol is shared between the encodings.
#pragma once

#include "kernels/isa/vec256.hpp"

namespace tenfold::kernels {

template <class Self>
struct VnniVec256 : Vec256<Self> {
  using Int = __m256i;
  using Quad = Int;
  static constexpr PackLayout layout{8, 1, 2, 4};
  static constexpr int u8_rows[3] = {0, 12, 6};
  TENFOLD_INLINE Quad split(Int x) { return x; }
  TENFOLD_INLINE Quad weights(const std::byte* p) { return Vec256<Self>::load_i(p); }
};

struct AvxVnni : VnniVec256<AvxVnni> {
  TENFOLD_INLINE void dot4(Int& c, Quad a, Quad w) {
    TENFOLD_ASM(c = _mm256_dpbusd_epi32(c, a, w), ("%{vex%} vpdpbusd %2, %1, %0" : "+x"(c) : "x"(a), "x"(w)));
  }
  struct Pairs : PairOperands {
    TENFOLD_INLINE void dot4(Int& c, Quad a, Quad w) {
      TENFOLD_ASM(c = _mm256_dpwssd_epi32(c, a, w), ("%{vex%} vpdpwssd %2, %1, %0"
                                                     : "+x"(c)
                                                     : "x"(a), "x"(w)));
    }
  };
};

struct AvxVnniEvex : VnniVec256<AvxVnniEvex> {
  TENFOLD_INLINE void dot4(Int& c, Quad a, Quad w) {
    TENFOLD_ASM(c = _mm256_dpbusd_epi32(c, a, w), ("vpdpbusd %2, %1, %0" : "+v"(c) : "v"(a), "v"(w)));
  }
  struct Pairs : PairOperands {
    TENFOLD_INLINE void dot4(Int& c, Quad a, Quad w) {
      TENFOLD_ASM(c = _mm256_dpwssd_epi32(c, a, w), ("vpdpwssd %2, %1, %0" : "+v"(c) : "v"(a), "v"(w)));
    }
  };
};

}  // namespace tenfold::kernels
