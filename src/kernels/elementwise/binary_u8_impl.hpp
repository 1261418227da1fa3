// u8 add and multiply with broadcast, table lookup.
#pragma once

#include "kernels/isa/requantize.hpp"

namespace tenfold::kernels {

/// Applies Op to 4 * lanes elements at a time.  Op: bytes a, bytes b -> four vectors of s32, in the lane
/// order of widen4.
template <class S, bool BroadcastA, bool BroadcastB, class Op>
[[gnu::always_inline]] inline void binary_row_u8(const u8* a, const u8* b, u8* c, int64_t n,
                                                 typename S::Int zero_point, const typename S::Table* table,
                                                 const Op& op) {
  using I = typename S::Int;
  const I one_a = BroadcastA ? S::set_i8(*a) : S::zero_i(), one_b = BroadcastB ? S::set_i8(*b) : S::zero_i();
  for (int64_t i = 0; i < n; i += 4 * S::lanes) {
    I q[4];
    op(BroadcastA ? one_a : S::load_i(a + i), BroadcastB ? one_b : S::load_i(b + i), q);
    I y = pack4<S>(q[0], q[1], q[2], q[3], zero_point);
    if (table) y = S::lookup(*table, y);
    store_bytes<S>(c + i, y, n - i);
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

/// One operand is a short row that every row repeats (a scale per channel): several copies of it side by side
/// make rows long enough to fill vectors.
template <class S, class Op>
[[gnu::noinline]] void binary_repeated_u8(const BinaryU8& g, const Op& op) {
  constexpr int64_t kBytes = 2048;
  alignas(64) u8 copies[kBytes + 4 * S::lanes];
  const int64_t repeat = kBytes / g.inner;
  const u8* row = g.b_outer == 0 ? g.b : g.a;
  for (int64_t i = 0; i < repeat * g.inner; i += g.inner)
    for (int64_t j = 0; j < g.inner; ++j) copies[i + j] = row[j];
  for (int64_t i = 0; i < g.outer; i += repeat) {
    BinaryU8 part = g;
    (g.b_outer == 0 ? part.b : part.a) = copies;
    if (g.b_outer == 0)
      part.a += i * g.a_outer;
    else
      part.b += i * g.b_outer;
    part.c += i * g.c_outer;
    binary_rows_u8<S, false, false>(part, 1, lesser(repeat, g.outer - i) * g.inner, op);
  }
}

/// Picks the form of broadcast.  Rows that follow each other without a gap are one long row.
template <class S, class Op>
[[gnu::always_inline]] inline void binary_u8(const BinaryU8& g, const Op& op) {
  const bool rows = g.a_inner && g.b_inner;
  const bool a_whole = g.a_outer == g.inner, b_whole = g.b_outer == g.inner, c_whole = g.c_outer == g.inner;
  if (rows && a_whole && b_whole && c_whole)
    binary_rows_u8<S, false, false>(g, 1, g.outer * g.inner, op);
  else if (rows && c_whole && g.inner <= 1024 && ((a_whole && g.b_outer == 0) || (b_whole && g.a_outer == 0)))
    binary_repeated_u8<S>(g, op);
  else if (rows)
    binary_rows_u8<S, false, false>(g, g.outer, g.inner, op);
  else if (g.a_inner)
    binary_rows_u8<S, false, true>(g, g.outer, g.inner, op);
  else if (g.b_inner)
    binary_rows_u8<S, true, false>(g, g.outer, g.inner, op);
  else
    binary_rows_u8<S, true, true>(g, g.outer, g.inner, op);
}

/// Op with its float limited before the conversion only where the sum or product may leave the range of s32.
template <class S>
void add_u8(const BinaryU8& g) {
  using I = typename S::Int;
  const auto a_scale = S::set_f(g.a_scale), b_scale = S::set_f(g.b_scale), offset = S::set_f(g.offset);
  const auto run = [&]<bool Limit>(std::bool_constant<Limit>) TENFOLD_LAMBDA {
    binary_u8<S>(g, [&](I a, I b, I(&q)[4]) TENFOLD_LAMBDA {
      I x[4], y[4];
      widen4<S>(a, x);
      widen4<S>(b, y);
      unroll<4>([&](auto j) TENFOLD_LAMBDA {
        q[j] = round_to_i32<S, Limit>(
            S::fma(S::to_f32(x[j]), a_scale, S::fma(S::to_f32(y[j]), b_scale, offset)));
      });
    });
  };
  const float bound =
      255 * (__builtin_fabsf(g.a_scale) + __builtin_fabsf(g.b_scale)) + __builtin_fabsf(g.offset);
  if (bound < 1e9f)
    run(std::bool_constant<false>{});
  else
    run(std::bool_constant<true>{});
}

template <class S>
void mul_u8(const BinaryU8& g) {
  using I = typename S::Int;
  const I a_zero = S::set_i16(g.a_zero), b_zero = S::set_i16(g.b_zero), zero = S::zero_i();
  const auto scale = S::set_f(g.a_scale);
  const auto run = [&]<bool Limit>(std::bool_constant<Limit>) TENFOLD_LAMBDA {
    // Differences of 16 bits, whose products are below 2^16, hence exact as floats.
    binary_u8<S>(g, [&](I a, I b, I(&q)[4]) TENFOLD_LAMBDA {
      const auto half = [&](I x, I y, I& even, I& odd) TENFOLD_LAMBDA {
        x = S::sub_i16(x, a_zero), y = S::sub_i16(y, b_zero);
        const I low = S::mul_low_i16(x, y), high = S::mul_high_i16(x, y);
        even = S::lo16(low, high), odd = S::hi16(low, high);
      };
      half(S::lo8(a, zero), S::lo8(b, zero), q[0], q[1]);
      half(S::hi8(a, zero), S::hi8(b, zero), q[2], q[3]);
      unroll<4>([&](auto j)
                    TENFOLD_LAMBDA { q[j] = round_to_i32<S, Limit>(S::mul(S::to_f32(q[j]), scale)); });
    });
  };
  if (__builtin_fabsf(g.a_scale) * 65536 < 1e9f)
    run(std::bool_constant<false>{});
  else
    run(std::bool_constant<true>{});
}

template <class S>
void lookup_u8(const u8* in, u8* out, int64_t n, const u8* table) {
  const auto t = S::load_table(table);
  for (int64_t i = 0; i < n; i += 4 * S::lanes)
    store_bytes<S>(out + i, S::lookup(t, S::load_i(in + i)), n - i);
}

}  // namespace tenfold::kernels
