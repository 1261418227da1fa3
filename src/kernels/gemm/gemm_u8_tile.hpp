// The register tile of the u8 x s8 GEMM: MR rows x NV vectors of channels.
//
// Every row has its own pointer, so a strided A and an indirect one (convolution taps) are the same code. One
// broadcast of four bytes of A and NV vectors of packed weights feed MR * NV dot products per step.
#pragma once

#include "kernels/isa/requantize.hpp"

namespace tenfold::kernels {

struct GemmU8Tile {
  const u8* const* rows;  // row pointers of tap 0; those of tap t are at rows + t * tap_stride
  ptrdiff_t tap_stride, a_offset;
  int64_t taps, steps;  // steps: quads of K per tap
  const std::byte* weights;
  const std::byte* params;  // VectorParams[NV]
  u8* c;
  ptrdiff_t ldc;
  int64_t n;  // channels left from this panel on
  int zero_point;
  const u8* table;
  i32* raw;              // if not null: the accumulators go here and nothing is stored to c
  const char* prefetch;  // one line per step, `prefetch_step` (64 or 0) apart
  ptrdiff_t prefetch_step;
};

template <class S, int MR, int NV, bool ZP, bool Lookup, class I = typename S::Int>
[[gnu::always_inline]] inline void store_tile(I (&acc)[MR][NV], const GemmU8Tile& t) {
  constexpr int G = 4 / NV;  // rows per packed vector
  const auto* params = reinterpret_cast<const VectorParams<S>*>(t.params);
  const I zero_point = S::set_i16(t.zero_point);
  u8* d = t.c;
  unroll<(MR + G - 1) / G>([&](auto h) TENFOLD_LAMBDA {
    I q[4];
    unroll<4>([&](auto i) TENFOLD_LAMBDA {
      constexpr int r = lesser(int(h) * G + int(i) / NV, MR - 1), v = int(i) % NV;
      q[i] = requantize<S>(acc[r][v], S::load_f(params[v].multiplier), S::load_f(params[v].bias));
    });
    I y = S::template group_rows<NV>(pack4<S, ZP>(q[0], q[1], q[2], q[3], zero_point));
    if constexpr (Lookup) y = S::lookup(S::load_table(t.table), y);
    unroll<G>([&](auto i) TENFOLD_LAMBDA {
      if constexpr (int(h) * G + int(i) < MR) {
        S::template store_chunk<NV * S::lanes>(d, y, i, t.n);
        d += t.ldc;
      }
    });
  });
}

/// Weights of one step, A broadcast, MR * NV dot products.
template <class S, int MR, int NV, class I = typename S::Int>
[[gnu::always_inline]] inline void gemm_step(I (&acc)[MR][NV], const u8* const (&p)[MR], int64_t k,
                                             const std::byte* w) {
  using Quad = typename S::Quad;
  constexpr int B = 4 * S::lanes * S::layout.weight_bytes;
  if constexpr (S::vector_outer) {
    Quad a[MR];
    unroll<MR>([&](auto m) TENFOLD_LAMBDA { a[m] = S::bcast4(p[m] + k); });
    unroll<NV>([&](auto v) TENFOLD_LAMBDA {
      const Quad b = S::weights(w + v * B);
      unroll<MR>([&](auto m) TENFOLD_LAMBDA { S::dot4(acc[m][v], a[m], b); });
    });
  } else {
    Quad b[NV];
    unroll<NV>([&](auto v) TENFOLD_LAMBDA { b[v] = S::weights(w + v * B); });
    unroll<MR>([&](auto m) TENFOLD_LAMBDA {
      const Quad a = S::bcast4(p[m] + k);
      unroll<NV>([&](auto v) TENFOLD_LAMBDA { S::dot4(acc[m][v], a, b[v]); });
    });
  }
}

template <class S, int MR, int NV>
[[gnu::noinline]] void gemm_u8_tile(const GemmU8Tile& t) {
  using I = typename S::Int;
  constexpr int B = NV * 4 * S::lanes * S::layout.weight_bytes;
  // Few accumulators cannot hide the latency of a dot product: several steps at once, summed at the end.
  constexpr int U = MR * NV >= 8 ? 1 : MR * NV >= 4 ? 2 : 4;
  const auto* params = reinterpret_cast<const VectorParams<S>*>(t.params);
  I acc[MR][NV];
  unroll<MR * NV>([&](auto i) TENFOLD_LAMBDA { acc[i / NV][i % NV] = S::load_i(params[i % NV].init); });
  const std::byte* w = t.weights;
  const char* prefetch = t.prefetch;
  const ptrdiff_t prefetch_step = t.prefetch_step;
  for (int64_t tap = 0; tap < t.taps; ++tap) {
    const u8* p[MR];
    unroll<MR>([&](auto m) TENFOLD_LAMBDA { p[m] = t.rows[tap * t.tap_stride + m] + t.a_offset; });
    int64_t k = 0;
    const int64_t end = 4 * t.steps;
    if constexpr (U > 1) {
      I more[U][MR][NV];
      unroll<U * MR * NV>([&](auto i)
                              TENFOLD_LAMBDA { more[i / (MR * NV)][i / NV % MR][i % NV] = S::zero_i(); });
#pragma GCC unroll 1
      for (; k + 4 * U <= end; k += 4 * U, w += U * B) {
        unroll<U>([&](auto u) TENFOLD_LAMBDA {
          gemm_step<S, MR, NV>(more[u], p, k + 4 * u, w + u * B);
          __builtin_prefetch(prefetch, 0, 2);
          prefetch += prefetch_step;
        });
      }
      unroll<U * MR * NV>([&](auto i) TENFOLD_LAMBDA {
        I& sum = acc[i / NV % MR][i % NV];
        sum = S::add_i32(sum, more[i / (MR * NV)][i / NV % MR][i % NV]);
      });
    }
#pragma GCC unroll 1
    for (; k < end; k += 4, w += B) {
      gemm_step<S, MR, NV>(acc, p, k, w);
      __builtin_prefetch(prefetch, 0, 2);
      prefetch += prefetch_step;
    }
  }
  if (t.raw) [[unlikely]] {
    unroll<MR * NV>([&](auto i) TENFOLD_LAMBDA { S::store_i(t.raw + i * S::lanes, acc[i / NV][i % NV]); });
    return;
  }
  if constexpr (S::fast_lookup) {
    if (t.table) return store_tile<S, MR, NV, true, true>(acc, t);
  }
  if (t.zero_point)
    store_tile<S, MR, NV, true, false>(acc, t);
  else
    store_tile<S, MR, NV, false, false>(acc, t);
}

}  // namespace tenfold::kernels
