// u8 add and multiply with broadcast, table lookup.
#pragma once

#include "kernels/isa/requantize.hpp"

namespace tenfold::kernels {

/// Applies Op to 4 * lanes elements at a time.  Op: (Int a, Int b) -> Int on s32 lanes.
template <class S, bool BroadcastA, bool BroadcastB, class Op>
[[gnu::always_inline]] inline void binary_row_u8(const u8* a, const u8* b, u8* c, int64_t n,
                                                 typename S::Int zero_point, const typename S::Table* table, const Op& op) {
  using I = typename S::Int;
  I one_a = S::zero_i(), one_b = S::zero_i();
  if constexpr (BroadcastA) one_a = S::set_i32(*a);
  if constexpr (BroadcastB) one_b = S::set_i32(*b);
  for (int64_t i = 0; i < n; i += 4 * S::lanes) {
    I x[4] = {one_a, one_a, one_a, one_a}, y[4] = {one_b, one_b, one_b, one_b};
    if constexpr (!BroadcastA) widen4<S>(S::load_i(a + i), x);
    if constexpr (!BroadcastB) widen4<S>(S::load_i(b + i), y);
    unroll<4>([&](auto j) TENFOLD_LAMBDA { x[j] = op(x[j], y[j]); });
    I q = pack4<S>(x[0], x[1], x[2], x[3], zero_point);
    if (table) q = S::lookup(*table, q);
    store_bytes<S>(c + i, q, n - i);
  }
}

template <class S, bool BroadcastA, bool BroadcastB, class Op>
[[gnu::always_inline]] inline void binary_rows_u8(const BinaryU8& g, int64_t outer, int64_t inner,
                                                  const Op& op) {
  const auto zero_point = S::set_i16(g.zero_point);
  typename S::Table table;
  if (g.table) table = S::load_table(g.table);
  for (int64_t i = 0; i < outer; ++i)
    binary_row_u8<S, BroadcastA, BroadcastB>(g.a + i * g.a_outer, g.b + i * g.b_outer, g.c + i * g.c_outer,
                                             inner, zero_point, g.table ? &table : nullptr, op);
}

/// Picks the form of broadcast.  Rows that follow each other without a gap are one long row.
template <class S, class Op>
[[gnu::always_inline]] inline void binary_u8(const BinaryU8& g, const Op& op) {
  int64_t outer = g.outer, inner = g.inner;
  if (g.a_inner && g.b_inner && g.a_outer == inner && g.b_outer == inner && g.c_outer == inner) {
    inner *= outer;
    outer = 1;
  }
  if (g.a_inner && g.b_inner)
    binary_rows_u8<S, false, false>(g, outer, inner, op);
  else if (g.a_inner)
    binary_rows_u8<S, false, true>(g, outer, inner, op);
  else if (g.b_inner)
    binary_rows_u8<S, true, false>(g, outer, inner, op);
  else
    binary_rows_u8<S, true, true>(g, outer, inner, op);
}

template <class S>
void add_u8(const BinaryU8& g) {
  using I = typename S::Int;
  const auto a_scale = S::set_f(g.a_scale), b_scale = S::set_f(g.b_scale), offset = S::set_f(g.offset);
  binary_u8<S>(g, [&](I x, I y) TENFOLD_LAMBDA {
    return round_to_i32<S, true>(S::fma(S::to_f32(x), a_scale, S::fma(S::to_f32(y), b_scale, offset)));
  });
}

template <class S>
void mul_u8(const BinaryU8& g) {
  using I = typename S::Int;
  // Products of differences are below 2^16, hence exact as floats.
  const auto a_zero = S::set_f(float(g.a_zero)), b_zero = S::set_f(float(g.b_zero)),
             scale = S::set_f(g.a_scale);
  binary_u8<S>(g, [&](I x, I y) TENFOLD_LAMBDA {
    const auto product = S::mul(S::sub(S::to_f32(x), a_zero), S::sub(S::to_f32(y), b_zero));
    return round_to_i32<S, true>(S::mul(product, scale));
  });
}

template <class S>
void lookup_u8(const u8* in, u8* out, int64_t n, const u8* table) {
  const auto t = S::load_table(table);
  for (int64_t i = 0; i < n; i += 4 * S::lanes)
    store_bytes<S>(out + i, S::lookup(t, S::load_i(in + i)), n - i);
}

}  // namespace tenfold::kernels
