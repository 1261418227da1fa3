// Vector traits, AVX2 without a u8 x s8 dot product.  Exact on any input: weights are stored as s16, even and
// odd bytes apart, and activations are split the same way (vpmaddubsw would saturate).
#pragma once

#include "kernels/isa/vec256.hpp"

namespace tenfold::kernels {

struct Avx2 : Vec256<Avx2> {
  struct Quad {
    Int even, odd;
  };
  static constexpr PackLayout layout{8, 2, 4, 4};
  static constexpr int u8_rows[5] = {0, 8, 4, 2, 2};  // INT8 GEMM tile: rows for 1 ... 4 vectors
  static constexpr bool vector_outer = true;  // a weight vector is two registers: load it once per row set
  TENFOLD_INLINE Quad split(Int x) { return {and_i(x, set_i32(0x00ff00ff)), _mm256_srli_epi16(x, 8)}; }
  TENFOLD_INLINE Quad weights(const std::byte* p) { return {load_i(p), load_i(p + 32)}; }
  TENFOLD_INLINE void dot4(Int& c, Quad a, Quad w) {
    c = add_i32(add_i32(c, madd_i16(a.even, w.even)), madd_i16(a.odd, w.odd));
  }
};

}  // namespace tenfold::kernels
