// Winograd convolution F(4x4, 3x3) and F(2x2, 3x3): blocks of tiles are transformed, multiplied by the
// transformed weights, one matrix per point, and transformed back, all within L2.
#pragma once

#include "kernels/gemm/gemm_tile_f32_impl.hpp"

namespace tenfold::kernels::f32 {

/// B^T d.
template <class S, int T, class F = typename S::Float>
[[gnu::always_inline]] inline void winograd_input(const F (&d)[T + 2], F (&o)[T + 2]) {
  if constexpr (T == 2) {
    o[0] = S::sub(d[0], d[2]);
    o[1] = S::add(d[1], d[2]);
    o[2] = S::sub(d[2], d[1]);
    o[3] = S::sub(d[3], d[1]);
  } else {
    const F two = S::set_f(2), four = S::set_f(4), five = S::set_f(5);
    const F a = S::fnma(four, d[2], d[4]), b = S::fnma(four, d[1], d[3]);
    const F e = S::sub(d[4], d[2]), f = S::sub(d[3], d[1]);
    o[0] = S::fma(four, d[0], S::fnma(five, d[2], d[4]));
    o[1] = S::add(a, b);
    o[2] = S::sub(a, b);
    o[3] = S::fma(two, f, e);
    o[4] = S::fnma(two, f, e);
    o[5] = S::fma(four, d[1], S::fnma(five, d[3], d[5]));
  }
}

/// A^T m.
template <class S, int T, class F = typename S::Float>
[[gnu::always_inline]] inline void winograd_output(const F (&m)[T + 2], F (&o)[T]) {
  if constexpr (T == 2) {
    o[0] = S::add(S::add(m[0], m[1]), m[2]);
    o[1] = S::add(S::sub(m[1], m[2]), m[3]);
  } else {
    const F two = S::set_f(2), four = S::set_f(4), eight = S::set_f(8);
    const F s1 = S::add(m[1], m[2]), d1 = S::sub(m[1], m[2]), s2 = S::add(m[3], m[4]),
            d2 = S::sub(m[3], m[4]);
    o[0] = S::add(S::add(m[0], s1), s2);
    o[1] = S::fma(two, d2, d1);
    o[2] = S::fma(four, s2, s1);
    o[3] = S::add(S::fma(eight, d2, d1), m[5]);
  }
}

/// All channels of one tile, the top left pixel at (y, x), into row `v` of the transformed matrices.
template <class S, int T>
[[gnu::noinline]] void winograd_input_tile(const WinogradF32& g, int64_t y, int64_t x, float* v,
                                           ptrdiff_t v_stride) {
  constexpr int P = T + 2;
  using F = typename S::Float;
  bool inside[P * P];
  bool all = true;
  for (int i = 0; i < P * P; i++) {
    const int64_t iy = y + i / P, ix = x + i % P;
    inside[i] = iy >= 0 && ix >= 0 && iy < g.in_h && ix < g.in_w;
    all &= inside[i];
  }
  const float* image = g.in + y * g.in_row + x * g.in_pixel;
  for (int64_t c = 0; c < g.w->c; c += S::lanes) {
    const int64_t n = g.w->c - c;
    F t[P][P];
    unroll<P>([&](auto j) TENFOLD_LAMBDA {
      F d[P], o[P];
      unroll<P>([&](auto i) TENFOLD_LAMBDA {
        const float* p = image + i * g.in_row + j * g.in_pixel + c;
        if (all && n >= S::lanes)
          d[i] = S::load_f(p);
        else
          d[i] = inside[i * P + j] ? S::load_f(p, n) : S::zero_f();
      });
      winograd_input<S, T>(d, o);
      unroll<P>([&](auto i) TENFOLD_LAMBDA { t[i][j] = o[i]; });
    });
    unroll<P>([&](auto i) TENFOLD_LAMBDA {
      F o[P];
      winograd_input<S, T>(t[i], o);
      unroll<P>([&](auto j) TENFOLD_LAMBDA { S::store_f(v + (i * P + j) * v_stride + c, o[j]); });
    });
  }
}

/// Back from row `m` of the products to the pixels of one tile, the top left one at (y, x).
template <class S, int T>
[[gnu::noinline]] void winograd_output_tile(const WinogradF32& g, int64_t y, int64_t x, const float* m,
                                            ptrdiff_t m_stride, const Ending& end) {
  constexpr int P = T + 2;
  using F = typename S::Float;
  const int64_t rows = lesser<int64_t>(T, g.out_h - y), columns = lesser<int64_t>(T, g.out_w - x);
  const F lo = S::set_f(end.lo), hi = S::set_f(end.hi);
  const int64_t at = y * g.out_row + x * g.out_pixel;
  for (int64_t c = g.n_begin; c < g.n_end; c += S::lanes) {
    const int64_t n = g.n_end - c;
    F t[T][P];
    unroll<P>([&](auto j) TENFOLD_LAMBDA {
      F d[P], o[T];
      unroll<P>([&](auto i) TENFOLD_LAMBDA { d[i] = S::load_f(m + (i * P + j) * m_stride + c); });
      winograd_output<S, T>(d, o);
      unroll<T>([&](auto i) TENFOLD_LAMBDA { t[i][j] = o[i]; });
    });
    const F bias = S::load_f(g.w->bias + c);
    unroll<T>([&](auto i) TENFOLD_LAMBDA {
      if (i >= rows) return;
      F o[T];
      winograd_output<S, T>(t[i], o);
      unroll<T>([&](auto j) TENFOLD_LAMBDA {
        if (j >= columns) return;
        const int64_t pixel = at + i * g.out_row + j * g.out_pixel + c;
        F sum = S::add(o[j], bias);
        if (g.residual) sum = S::add(sum, S::load_f(g.residual + pixel, n));
        S::store_f(g.out + pixel, S::min(hi, S::max(lo, sum)), n);
      });
    });
  }
  if (!end.pass) return;
  for (int64_t i = 0; i < rows; i++) {
    float* out = g.out + at + i * g.out_row + g.n_begin;
    end.pass(out, g.out_pixel, out, g.out_pixel, columns, g.n_end - g.n_begin, end.a, end.b);
  }
}

/// The matrix products of one block of `tiles` tiles.
template <class S>
[[gnu::always_inline]] inline void winograd_multiply(const WinogradF32& g, const WinogradBlock& block,
                                                     int64_t tiles, const float* v, float* m) {
  const PackedWinogradF32& w = *g.w;
  alignas(64) float zeros[3 * S::lanes] = {};
  GemmTile t{};
  t.taps = 1, t.k = w.c;
  t.lda = block.c, t.ldc = block.n;
  t.bias = zeros;
  t.n = block.n;
  t.end = make_ending<S>(Activation::none, 0, 0);
  t.b = w.weights;
  for (int64_t point = 0; point < block.points; point++) {
    t.a = v + point * block.v_stride;
    for (int64_t first = 0; first < w.n;) {
      const int vectors = panel_vectors(divide_up(w.n - first, S::lanes));
      t.ldb = int64_t(vectors) * S::lanes;
      t.c = m + point * block.m_stride + first;
      const bool last = point + 1 == block.points && first + t.ldb >= w.n;
      const float* next = t.b + w.c * t.ldb;  // the next panel, of this matrix or the next one
      if (first >= g.n_begin && first < g.n_end)
        gemm_panel<S, false>(t, vectors, tiles, last ? t.b : next, last ? 0 : w.c * t.ldb);
      t.b = next;
      first += t.ldb;
    }
  }
}

template <class S, int T>
[[gnu::noinline]] void winograd_tiles(const WinogradF32& g) {
  const PackedWinogradF32& w = *g.w;
  const WinogradBlock block(S::lanes, w.c, w.n, T);
  float* v = reinterpret_cast<float*>((reinterpret_cast<uintptr_t>(g.scratch) + 63) & ~uintptr_t(63));
  float* m = v + block.points * block.v_stride;
  const int64_t across = divide_up(g.out_w, T);
  const Ending end = make_ending<S>(g.activation, g.lo, g.hi);
  for (int64_t t0 = g.tile_begin; t0 < g.tile_end; t0 += block.tiles) {
    const int64_t count = lesser(block.tiles, g.tile_end - t0);
    for (int64_t i = 0; i < count; i++)
      winograd_input_tile<S, T>(g, (t0 + i) / across * T - g.pad_top, (t0 + i) % across * T - g.pad_left,
                                v + i * block.c, block.v_stride);
    winograd_multiply<S>(g, block, count, v, m);
    for (int64_t i = 0; i < count; i++)
      winograd_output_tile<S, T>(g, (t0 + i) / across * T, (t0 + i) % across * T, m + i * block.n,
                                 block.m_stride, end);
  }
}

template <class S>
void winograd_f32(const WinogradF32& g) {
  if (g.w->tile == 2)
    winograd_tiles<S, 2>(g);
  else
    winograd_tiles<S, 4>(g);
}

}  // namespace tenfold::kernels::f32
