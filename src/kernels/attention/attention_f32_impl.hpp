// FP32 attention of one head: K and V are packed once into scratch, then a tile of queries at a time has its
// scores, their softmax and its context computed while they are in L1 / L2.
#pragma once

#include "kernels/gemm/gemm_dynamic_f32_impl.hpp"
#include "kernels/norm/softmax_f32_impl.hpp"

namespace tenfold::kernels::f32 {

/// Panels of a [k x n] matrix that lie one after the other, `n` padded to whole vectors.
template <class S>
[[gnu::always_inline]] inline void gemm_panels(GemmTile t, int64_t rows, int64_t n, bool store_padding) {
  float* c = t.c;
  for (int64_t first = 0; first < n;) {
    const int vectors = panel_vectors(divide_up(n - first, S::lanes));
    t.ldb = int64_t(vectors) * S::lanes;
    t.c = c + first;
    t.n = store_padding ? t.ldb : n - first;
    gemm_panel<S, false>(t, vectors, rows, t.b, 0);
    t.b += t.k * t.ldb;
    first += t.ldb;
  }
}

template <class S>
[[gnu::always_inline]] inline void pack_attention(const AttentionF32& g, float* k, float* v) {
  for (int64_t first = 0; first < g.keys;) {
    const int64_t width = int64_t(panel_vectors(divide_up(g.keys - first, S::lanes))) * S::lanes;
    pack_panel_transposed<S>(g.k + first * g.ldk, g.ldk, g.head, g.keys - first, width, g.scale,
                             k + first * g.head);
    first += width;
  }
  for (int64_t first = 0; first < g.value_head;) {
    const int64_t width = int64_t(panel_vectors(divide_up(g.value_head - first, S::lanes))) * S::lanes;
    pack_panel_rows<S>(g.v + first, g.ldv, g.keys, g.value_head - first, width, 1, v + first * g.keys);
    first += width;
  }
}

template <class S>
void attention_f32(const AttentionF32& g) {
  alignas(64) float zeros[3 * S::lanes] = {};
  const AttentionScratch layout(S::lanes, g.keys, g.head, g.value_head);
  float* scratch = reinterpret_cast<float*>((reinterpret_cast<uintptr_t>(g.scratch) + 63) & ~uintptr_t(63));
  float *k = scratch + layout.k, *v = scratch + layout.v, *scores = scratch + layout.scores;
  const ptrdiff_t ld = layout.keys + 16;  // rows of a power of two apart would meet in one cache set
  pack_attention<S>(g, k, v);
  const int64_t most = attention_query_tile / S::f32_rows[2] * S::f32_rows[2];
  for (int64_t q = 0; q < g.queries; q += most) {
    const int64_t rows = lesser(most, g.queries - q);
    GemmTile t{};
    t.taps = 1;
    t.bias = zeros;
    t.end = make_ending<S>(Activation::none, 0, 0);
    t.a = g.q + q * g.ldq, t.lda = g.ldq, t.k = g.head;
    t.b = k, t.c = scores, t.ldc = ld;
    gemm_panels<S>(t, rows, g.keys, true);
    float factor[attention_query_tile];
    for (int64_t r = 0; r < rows; r++) {
      float* row = scores + r * ld;
      if (g.mask) {
        const float* mask = g.mask + (q + r) * g.ld_mask;
        for (int64_t i = 0; i < g.keys; i += S::lanes)
          S::store_f(row + i, S::add(S::load_f(row + i), S::load_f(mask + i, g.keys - i)));
      }
      factor[r] = 1 / row_exp<S>(row, row, g.keys, row_largest<S>(row, g.keys));
    }
    t.a = scores, t.lda = ld, t.k = g.keys;
    t.b = v, t.c = g.out + q * g.ldo, t.ldc = g.ldo;
    gemm_panels<S>(t, rows, g.value_head, false);
    for (int64_t r = 0; r < rows; r++) row_scale<S>(g.out + (q + r) * g.ldo, g.value_head, factor[r]);
  }
}

}  // namespace tenfold::kernels::f32
