// From s32 accumulators to bytes:  y = clamp_u8( rne( fma(acc, multiplier, bias) ) + zero_point ), in exactly
// this order, so that all ISAs agree bit for bit.  S: vector traits.
#pragma once

#include "kernels/isa/vec.hpp"

namespace tenfold::kernels {

/// Parameters of one vector of channels, as packed.
template <class S>
struct VectorParams {
  i32 init[S::lanes];
  float multiplier[S::lanes];
  float bias[S::lanes];
};

/// Far beyond any byte, far inside s32: floats are cut here where they may be out of the range of s32, which
/// the conversion would turn into INT_MIN whatever the sign.  NaN passes and becomes INT_MIN, hence 0.
constexpr float kConvertLimit = 1 << 20;

template <class S, bool Limit, class F = typename S::Float>
[[gnu::always_inline]] inline typename S::Int round_to_i32(F x) {
  if constexpr (Limit) x = S::min(S::set_f(kConvertLimit), x);
  return S::to_i32(x);
}
template <class S>
[[gnu::always_inline]] inline typename S::Int requantize(typename S::Int acc, typename S::Float m,
                                                         typename S::Float b) {
  return S::to_i32(S::fma(S::to_f32(acc), m, b));
}
/// Saturating packs clamp for free.  ZP = false: zero point 0 (after Relu), nothing to add.
template <class S, bool ZP = true, class I = typename S::Int>
[[gnu::always_inline]] inline I pack2(I a, I b, I zero_point) {
  const I x = S::pack_i32_i16(a, b);
  if constexpr (ZP)
    return S::adds_i16(x, zero_point);
  else
    return x;
}
template <class S, bool ZP = true, class I = typename S::Int>
[[gnu::always_inline]] inline I pack4(I a, I b, I c, I d, I zero_point) {
  return S::pack_i16_u8(pack2<S, ZP>(a, b, zero_point), pack2<S, ZP>(c, d, zero_point));
}
/// Four s32 vectors from the bytes of one, in the lane order that pack4 undoes.
template <class S, class I = typename S::Int>
[[gnu::always_inline]] inline void widen4(I x, I (&out)[4]) {
  const I z = S::zero_i(), low = S::lo8(x, z), high = S::hi8(x, z);
  out[0] = S::lo16(low, z);
  out[1] = S::hi16(low, z);
  out[2] = S::lo16(high, z);
  out[3] = S::hi16(high, z);
}
/// Turns the 4 x 4 bytes of every 128-bit part: byte 4 * i + j comes from 4 * j + i.
template <class S, class I = typename S::Int>
[[gnu::always_inline]] inline I turn_parts(I x) {
  return S::shuffle_i8(x,
                       S::repeat_part(_mm_setr_epi8(0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15)));
}
/// min(n, 4 * lanes) bytes at p, zeros behind them; nothing is read beyond.
template <class S>
[[gnu::always_inline]] inline typename S::Int load_bytes(const u8* p, int64_t n) {
  if (n >= 4 * S::lanes) return S::load_i(p);
  alignas(64) u8 copy[4 * S::lanes] = {};
  __builtin_memcpy(copy, p, size_t(n));
  return S::load_i(copy);
}
/// min(n, 4 * lanes) bytes of y.
template <class S, class I = typename S::Int>
[[gnu::always_inline]] inline void store_bytes(u8* d, I y, int64_t n) {
  if (n >= 4 * S::lanes)
    S::store_i(d, y);
  else
    S::store_tail(d, y, n);
}

}  // namespace tenfold::kernels
