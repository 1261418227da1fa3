// FP32 GEMM and convolution on packed weights, by rows or through row pointers (indirect).
#pragma once

#include "kernels/gemm/gemm_tile_f32_impl.hpp"

namespace tenfold::kernels::f32 {

/// Rows of A that go through all panels before the next ones: their part of A stays in L2.
template <class S>
[[gnu::always_inline]] inline int64_t gemm_row_block(int64_t m, int64_t k) {
  constexpr int64_t l2_floats = 64 * 1024;
  const int64_t unit = S::f32_rows[2], rows = larger<int64_t>(l2_floats / k / unit, 4) * unit;
  return rows >= m ? m : divide_up(m, divide_up(m, rows));
}

template <class S, bool Indirect>
void gemm_rows(const GemmF32& g, int64_t row, int64_t rows) {
  const PackedF32& w = *g.w;
  const int64_t depth = w.taps * w.k;
  GemmTile t{};
  t.rows_per_tap = g.indirect_stride;
  t.taps = w.taps, t.k = w.k;
  t.lda = g.lda, t.ldc = g.ldc, t.ld_residual = g.ld_residual;
  t.end = make_ending<S>(g.activation, g.lo, g.hi);
  if constexpr (Indirect)
    t.rows = g.indirect + row, t.a_offset = g.a_offset;
  else
    t.a = g.a + row * g.lda;
  for (int64_t first = 0; first < g.n_end;) {
    const int vectors = panel_vectors(divide_up(w.n - first, S::lanes));
    const int64_t width = int64_t(vectors) * S::lanes;
    if (first >= g.n_begin) {
      t.b = w.weights + first * depth;
      t.ldb = width;
      t.bias = w.bias + first;
      t.c = g.c + row * g.ldc + first;
      if (g.residual) t.residual = g.residual + row * g.ld_residual + first;
      t.n = lesser(w.n, g.n_end) - first;
      const bool last = first + width >= g.n_end;
      gemm_panel<S, Indirect>(t, vectors, rows, last ? t.b : t.b + width * depth, last ? 0 : width * depth);
    }
    first += width;
  }
}

template <class S>
void gemm_f32(const GemmF32& g) {
  const int64_t block = gemm_row_block<S>(g.m, g.w->k);
  for (int64_t row = 0; row < g.m; row += block) {
    const int64_t rows = lesser(block, g.m - row);
    if (g.indirect)
      gemm_rows<S, true>(g, row, rows);
    else
      gemm_rows<S, false>(g, row, rows);
  }
}

}  // namespace tenfold::kernels::f32
