// The register tile of every FP32 matrix product: MR rows x NV vectors of accumulators.
#pragma once

#include "kernels/elementwise/activation_f32_impl.hpp"
#include "kernels/gemm/layout_f32.hpp"

namespace tenfold::kernels::f32 {

struct GemmTile {
  // A: rows `lda` apart from `a`, or one pointer per row and tap (+ a_offset).
  const float* a;
  ptrdiff_t lda;
  const float* const* rows;
  ptrdiff_t rows_per_tap, a_offset;
  int64_t taps, k;
  const float* b;  // k rows, `ldb` floats apart
  ptrdiff_t ldb;
  const float* bias;  // a whole panel
  float* c;
  ptrdiff_t ldc;
  const float* residual;
  ptrdiff_t ld_residual;
  int64_t n;  // channels wanted; at least the panel's width: no tail
  Ending end;
  const float* prefetch;  // brought into L2, a line per step of k
};

/// The end of a tile whose last vector is not full: from a copy of the accumulators in L1.
template <class S>
[[gnu::noinline]] void store_partial_tile(const float* tile, int64_t rows, int64_t width, const GemmTile& t) {
  const auto lo = S::set_f(t.end.lo), hi = S::set_f(t.end.hi);
  for (int64_t m = 0; m < rows; m++, tile += width)
    for (int64_t i = 0; i < t.n; i += S::lanes) {
      auto x = S::load_f(tile + i);
      if (t.residual) x = S::add(x, S::load_f(t.residual + m * t.ld_residual + i, t.n - i));
      S::store_f(t.c + m * t.ldc + i, S::min(hi, S::max(lo, x)), t.n - i);
    }
}

template <class S, int MR, int NV>
[[gnu::always_inline]] inline void store_tile(const GemmTile& t, typename S::Float (&acc)[MR][NV]) {
  constexpr int64_t width = NV * S::lanes;
  if (t.n >= width) {
    if (t.residual)
      unroll<MR * NV>([&](auto i) TENFOLD_LAMBDA {
        constexpr int m = i / NV, v = i % NV;
        acc[m][v] = S::add(acc[m][v], S::load_f(t.residual + m * t.ld_residual + v * S::lanes));
      });
    const auto lo = S::set_f(t.end.lo), hi = S::set_f(t.end.hi);
    unroll<MR * NV>([&](auto i) TENFOLD_LAMBDA {
      constexpr int m = i / NV, v = i % NV;
      S::store_f(t.c + m * t.ldc + v * S::lanes, S::min(hi, S::max(lo, acc[m][v])));
    });
  } else {
    alignas(64) float copy[MR * width];
    unroll<MR * NV>([&](auto i) TENFOLD_LAMBDA { S::store_f(copy + i * S::lanes, acc[i / NV][i % NV]); });
    store_partial_tile<S>(copy, MR, width, t);
  }
  if (t.end.pass) t.end.pass(t.c, t.ldc, t.c, t.ldc, MR, lesser<int64_t>(t.n, width), t.end.a, t.end.b);
}

/// One step of k: NV vectors of B against one element of each row.
template <class S, int MR, int NV, class Element>
[[gnu::always_inline]] inline void multiply_step(typename S::Float (&acc)[MR][NV], const float* b,
                                                 Element element) {
  typename S::Float bv[NV];
  unroll<NV>([&](auto v) TENFOLD_LAMBDA { bv[v] = S::load_f(b + v * S::lanes); });
  unroll<MR>([&](auto m) TENFOLD_LAMBDA {
    const auto av = S::set_f(element(m));
    unroll<NV>([&](auto v) TENFOLD_LAMBDA { S::accumulate(acc[m][v], av, bv[v]); });
  });
}

/// Short tiles have too few accumulators to hide the latency of an FMA: several steps of k at once, each with
/// its own set.
template <class S, int MR, int NV>
constexpr int k_sets = MR* NV > 6   ? 1
                       : MR* NV > 3 ? 2
                                    : 4;

/// One pointer per row, or (direct) per three rows: base + {0, 1, 2} * lda is one addressing mode each.
template <int MR, bool Indirect>
struct RowPointers {
  static constexpr int per = Indirect ? 1 : 3, count = (MR + per - 1) / per;
  const float* p[count];
};

/// All of k for one tap; moves b and prefetch on.
template <class S, int MR, int NV, bool Indirect, int Sets>
[[gnu::always_inline]] inline void multiply_tap(typename S::Float (&acc)[Sets][MR][NV],
                                                RowPointers<MR, Indirect> rows, const GemmTile& t,
                                                const float*& b, const char*& prefetch) {
  using Rows = RowPointers<MR, Indirect>;
  const ptrdiff_t lda = t.lda, ldb = t.ldb;
  int64_t k = t.k;
  if constexpr (Sets > 1) {
    for (; k >= Sets; k -= Sets) {
      unroll<Sets>([&](auto s) TENFOLD_LAMBDA {
        multiply_step<S, MR, NV>(acc[s], b + s * ldb, [&](auto m) TENFOLD_LAMBDA {
          return rows.p[m / Rows::per][m % Rows::per * lda + s];
        });
      });
      unroll<Rows::count>([&](auto g) TENFOLD_LAMBDA { rows.p[g] += Sets; });
      b += Sets * ldb;
    }
  }
  if constexpr (Indirect) {
    for (int64_t i = 0; i < k; i++) {
      multiply_step<S, MR, NV>(acc[0], b, [&](auto m) TENFOLD_LAMBDA { return rows.p[m][i]; });
      b += ldb;
      __builtin_prefetch(prefetch, 0, 2);
      prefetch += 64;
    }
  } else {
#pragma GCC unroll 1
    for (; k > 0; k--) {
      multiply_step<S, MR, NV>(acc[0], b, [&](auto m) TENFOLD_LAMBDA { return rows.p[m / 3][m % 3 * lda]; });
      unroll<Rows::count>([&](auto g) TENFOLD_LAMBDA {
        rows.p[g]++;
        asm(""
            : "+r"(rows.p[g]));  // GCC 12 would rewrite all pointers as one index plus many bases, and spill
      });
      b += ldb;
      __builtin_prefetch(prefetch, 0, 2);
      prefetch += 64;
    }
  }
}

template <class S, int MR, int NV, bool Indirect>
[[gnu::noinline]] void gemm_tile(const GemmTile& t) {
  using F = typename S::Float;
  constexpr int sets = k_sets<S, MR, NV>, tile = MR * NV;
  F acc[sets][MR][NV];
  unroll<tile>([&](auto i)
                   TENFOLD_LAMBDA { acc[0][i / NV][i % NV] = S::load_f(t.bias + i % NV * S::lanes); });
  unroll<(sets - 1) * tile>([&](auto i)
                                TENFOLD_LAMBDA { acc[1 + i / tile][i / NV % MR][i % NV] = S::zero_f(); });
  const float* b = t.b;
  const char* prefetch = reinterpret_cast<const char*>(t.prefetch);
  for (int64_t tap = 0; tap < t.taps; tap++) {
    RowPointers<MR, Indirect> rows;
    unroll<RowPointers<MR, Indirect>::count>([&](auto g) TENFOLD_LAMBDA {
      if constexpr (Indirect)
        rows.p[g] = t.rows[tap * t.rows_per_tap + g] + t.a_offset;
      else
        rows.p[g] = t.a + 3 * g * t.lda;
    });
    multiply_tap<S, MR, NV, Indirect, sets>(acc, rows, t, b, prefetch);
  }
  unroll<(sets - 1) * tile>([&](auto i) TENFOLD_LAMBDA {
    constexpr int m = i / NV % MR, v = i % NV;
    acc[0][m][v] = S::add(acc[0][m][v], acc[1 + i / tile][m][v]);
  });
  store_tile<S, MR, NV>(t, acc[0]);
}

using GemmTileFunction = void (*)(const GemmTile&);
template <class S, int NV, bool Indirect, class>
struct GemmTileTable;
template <class S, int NV, bool Indirect, int... I>
struct GemmTileTable<S, NV, Indirect, std::integer_sequence<int, I...>> {
  static constexpr GemmTileFunction functions[] = {&gemm_tile<S, I + 1, NV, Indirect>...};
};

/// Tiles of 1 ... S::f32_rows[vectors] rows.
template <class S, bool Indirect>
[[gnu::always_inline]] inline const GemmTileFunction* gemm_tiles(int vectors) {
  if (vectors == 1)
    return GemmTileTable<S, 1, Indirect, std::make_integer_sequence<int, S::f32_rows[1]>>::functions;
  if (vectors == 2)
    return GemmTileTable<S, 2, Indirect, std::make_integer_sequence<int, S::f32_rows[2]>>::functions;
  return GemmTileTable<S, 3, Indirect, std::make_integer_sequence<int, S::f32_rows[3]>>::functions;
}

/// Rows [0, m) against one panel.  The rows are split evenly over the tiles, and the first tiles bring `next`
/// (`next_floats` of them) into L2.
template <class S, bool Indirect>
[[gnu::always_inline]] inline void gemm_panel(GemmTile t, int vectors, int64_t m, const float* next,
                                              int64_t next_floats) {
  const GemmTileFunction* tile = gemm_tiles<S, Indirect>(vectors);
  const int64_t most = S::f32_rows[vectors], count = divide_up(m, most), base = m / count, extra = m % count;
  const int64_t line_floats = t.taps * t.k * 16;  // what one tile prefetches
  for (int64_t i = 0; i < count; i++) {
    const int64_t rows = base + (i < extra);
    t.prefetch = next + (i * line_floats < next_floats ? i * line_floats : 0);
    tile[rows - 1](t);
    if constexpr (Indirect)
      t.rows += rows;
    else
      t.a += rows * t.lda;
    t.c += rows * t.ldc;
    if (t.residual) t.residual += rows * t.ld_residual;
  }
}

}  // namespace tenfold::kernels::f32
