// Matrix product of two activations: B is brought into panels in scratch, or read where it lies when few rows
// of A would not pay for that.
#pragma once

#include "kernels/gemm/gemm_tile_f32_impl.hpp"

namespace tenfold::kernels::f32 {

/// One panel of alpha * B: out[k][width] from rows of B, of which `n` columns are wanted; zeros behind them.
template <class S>
void pack_panel_rows(const float* b, ptrdiff_t ldb, int64_t k, int64_t n, int64_t width, float alpha,
                     float* out) {
  const auto scale = S::set_f(alpha);
  for (int64_t i = 0; i < k; i++, b += ldb, out += width)
    for (int64_t v = 0; v < width; v += S::lanes) S::store_f(out + v, S::mul(scale, S::load_f(b + v, n - v)));
}

/// The same from B^T: n rows of k.
template <class S>
void pack_panel_transposed(const float* b, ptrdiff_t ldb, int64_t k, int64_t n, int64_t width, float alpha,
                           float* out) {
  constexpr int lanes = S::lanes;
  const auto scale = S::set_f(alpha);
  for (int64_t v = 0; v < width; v += lanes)
    for (int64_t i = 0; i < k; i += lanes) {
      typename S::Float r[lanes];
      unroll<lanes>([&](auto j) TENFOLD_LAMBDA {
        r[j] = v + j < n ? S::mul(scale, S::load_f(b + (v + j) * ldb + i, k - i)) : S::zero_f();
      });
      S::transpose_f(r);
      float* to = out + i * width + v;
      const int64_t steps = lesser<int64_t>(lanes, k - i);
      unroll<lanes>([&](auto j) TENFOLD_LAMBDA {
        if (j < steps) S::store_f(to + j * width, r[j]);
      });
    }
}

template <class S>
void gemm_dynamic_f32(const GemmDynamicF32& g) {
  if (g.m <= 0) return;
  alignas(64) float zeros[3 * S::lanes] = {};
  float* packed = reinterpret_cast<float*>((reinterpret_cast<uintptr_t>(g.scratch) + 63) & ~uintptr_t(63));
  const bool in_place = !g.b_transposed && g.alpha == 1 && g.m <= S::f32_rows[2];
  GemmTile t{};
  t.lda = g.lda, t.ldc = g.ldc;
  t.taps = 1, t.k = g.k;
  t.bias = zeros;
  t.end = make_ending<S>(Activation::none, 0, 0);
  for (int64_t first = 0; first < g.n;) {
    const int vectors = panel_vectors(divide_up(g.n - first, S::lanes));
    const int64_t width = int64_t(vectors) * S::lanes, left = g.n - first;
    if (in_place && left >= width) {
      t.b = g.b + first, t.ldb = g.ldb;
    } else {
      if (g.b_transposed)
        pack_panel_transposed<S>(g.b + first * g.ldb, g.ldb, g.k, left, width, g.alpha, packed);
      else
        pack_panel_rows<S>(g.b + first, g.ldb, g.k, left, width, g.alpha, packed);
      t.b = packed, t.ldb = width;
    }
    t.a = g.a;
    t.c = g.c + first;
    t.n = left;
    gemm_panel<S, false>(t, vectors, g.m, t.b, 0);
    first += width;
  }
}

}  // namespace tenfold::kernels::f32
