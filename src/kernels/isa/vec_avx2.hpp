// Vector traits, AVX2 without an exact u8 x s8 dot product: vpmaddubsw saturates.  The GEMM uses it for the
// steps whose weights cannot make it saturate.  Anything else, and depthwise convolutions, is exact on any
// weights: they are stored as s16, even and odd bytes apart, and activations are split the same way.
//
// A core of Zen 3 sums 27.8 products a cycle in a tile of 4 rows x 2 vectors of plain steps and 19.7 of exact
// ones. Real networks have 4 to 35 % steps with an exact vector (ResNet-18 4 %, ResNet-50 12 %,
// EfficientNet-Lite0 21 %): docs/adr/0008.
// What did not pay there: only exact steps, 2 x 4 (21.5); activations widened ahead (21.7) and pair products
// after S. Winograd 1968, which need one multiplication for four products (22.2: bound by loads); vpsignb on
// centred activations (17.9).
#pragma once

#include "kernels/isa/vec256.hpp"

namespace tenfold::kernels {

struct Avx2 : Vec256<Avx2> {
  struct Quad {
    Int even, odd;
  };
  static constexpr PackLayout layout{8, 2, 2, 4};
  static constexpr int u8_rows[3] = {0, 8, 4};  // INT8 GEMM tile: rows for 1, 2 vectors
  static constexpr int grouped_accumulators = 8;
  TENFOLD_INLINE Quad split(Int x) { return {and_i(x, set_i32(0x00ff00ff)), _mm256_srli_epi16(x, 8)}; }
  TENFOLD_INLINE Quad weights(const std::byte* p) { return {load_i(p), load_i(p + 32)}; }
  TENFOLD_INLINE void dot4(Int& c, Quad a, Quad w) {
    c = add_i32(add_i32(c, madd_i16(a.even, w.even)), madd_i16(a.odd, w.odd));
    pin(c);  // GCC otherwise adds products up late and spills them: depthwise kernels took 1.22 times as long
  }

  /// The order of bytes that makes the pairs of SortedSteps.
  TENFOLD_INLINE Int pairing_order(int pairing) {
    const int second_and_third = 0x03010200, second_and_fourth = 0x01020300;
    const Int quads =
        _mm256_setr_epi32(0, 0x04040404, 0x08080808, 0x0c0c0c0c, 0, 0x04040404, 0x08080808, 0x0c0c0c0c);
    return add_i32(quads, set_i32(pairing == 1 ? second_and_third : second_and_fourth));
  }

  struct Pairs : PairOperands {
    TENFOLD_INLINE void dot4(Int& c, Quad a, Quad w) { c = add_i32(c, madd_i16(a, w)); }
  };

  /// The plain step: s8 weights.
  struct Plain : PairOperands {
    TENFOLD_INLINE void dot4(Int& c, Quad a, Quad w) {
      c = add_i32(c, madd_i16(_mm256_maddubs_epi16(a, w), set_i16(1)));
    }
    /// Of two steps, where 16 bits hold the sum.
    TENFOLD_INLINE void dot8(Int& c, Quad a, Quad w, Quad a2, Quad w2) {
      const Int sum = add_i16(_mm256_maddubs_epi16(a, w), _mm256_maddubs_epi16(a2, w2));
      c = add_i32(c, madd_i16(sum, set_i16(1)));
    }
  };
};

}  // namespace tenfold::kernels
