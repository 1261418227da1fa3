// The register tile of the u8 x s8 GEMM: MR rows x NV vectors of channels.
//
// Every row has its own pointer, so a strided A and an indirect one (convolution taps) are the same code. One
// broadcast of four bytes of A and NV vectors of packed weights feed MR * NV dot products per step.
#pragma once

#include "kernels/isa/requantize.hpp"

namespace tenfold::kernels {

/// `count` tiles of MR rows, one below the other, in one panel of channels.
struct GemmU8Tile {
  int64_t count;
  int height;   // MR, for tiles that take it at run time
  const u8* a;  // strided A: row m at a + m * lda
  ptrdiff_t lda;
  const u8* const* rows;  // indirect A if not null: row m of tap t at rows[t * tap_stride + m] + a_offset
  ptrdiff_t tap_stride, a_offset;
  int64_t taps, steps;  // steps: quads of K per tap
  const std::byte* weights;
  const u32* sorted;        // the panel's part of SortedSteps::offsets, where the steps are sorted
  const std::byte* params;  // VectorParams[NV]
  int zero_point;
  u8* c;                  // where a tile's bytes go
  int64_t n;              // channels wanted: fewer than the tile's only where stores are masked
  ptrdiff_t ldc, c_step;  // between rows, between tiles
  const u8* table;
  i32* raw;               // if not null: the accumulators of a tile go here and nothing to c
  const char* prefetch;   // what to bring into L2 meanwhile, or null
  int64_t prefetch_slot;  // see gemm_prefetch_slots
  void (*after)(void* context, int64_t tile);  // called after each tile, if not null
  void* context;
};

/// A step fetches one line.  The address moves along with the weights, which costs no register: one tile
/// fetches every SLOTS-th line of a stretch as long as its weights, the next tile the lines between, and so
/// on.
template <class S, int NV>
constexpr int gemm_prefetch_slots = larger(1, NV * 4 * S::lanes / 64);
template <class S>
constexpr bool sorted_steps = S::layout.weight_bytes == 2;

/// `Part`: of fewer channels than the tile has.
template <class S, int MR, int NV, bool ZP, bool Lookup, bool Part = false, class I = typename S::Int>
[[gnu::always_inline]] inline void store_tile(I (&acc)[MR][NV], const GemmU8Tile& t, u8* d) {
  constexpr int G = 4 / NV;  // rows per packed vector
  const auto* params = reinterpret_cast<const VectorParams<S>*>(t.params);
  const I zero_point = S::set_i16(t.zero_point);
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
        S::template store_chunk<NV * S::lanes>(d, y, i, Part ? t.n : NV * S::lanes);
        d += t.ldc;
      }
    });
  });
}

/// Weights of one step, A broadcast, MR * NV dot products.  D supplies the dot product.
template <class D, int vector_bytes, int MR, int NV, class I>
[[gnu::always_inline]] inline void gemm_step(I (&acc)[MR][NV], const u8* const (&p)[MR], int64_t k,
                                             const std::byte* w) {
  using Quad = typename D::Quad;
  Quad b[NV];
  unroll<NV>([&](auto v) TENFOLD_LAMBDA { b[v] = D::weights(w + v * vector_bytes); });
  unroll<MR>([&](auto m) TENFOLD_LAMBDA {
    const Quad a = D::bcast4(p[m] + k);
    unroll<NV>([&](auto v) TENFOLD_LAMBDA { D::dot4(acc[m][v], a, b[v]); });
  });
}

[[gnu::always_inline]] inline void gemm_fetch(const std::byte* w, uintptr_t prefetch) {
  __builtin_prefetch(reinterpret_cast<const char*>(reinterpret_cast<uintptr_t>(w) + prefetch), 0, 2);
}

/// The same where some vectors have exact weights and the others plain ones: bit v of `Exact` is vector v's.
/// Shuffled: the bytes of A come in another order, to be paired as the weights are.
template <class S, int Exact, bool Shuffled, int MR, int NV, class I = typename S::Int>
[[gnu::always_inline]] inline void gemm_sorted_step(I (&acc)[MR][NV], const u8* const (&p)[MR], int64_t k,
                                                    const std::byte* w, I order) {
  using Plain = typename S::Plain;
  constexpr auto vectors_before = [](int v) { return v + __builtin_popcount(Exact & ((1 << v) - 1)); };
  typename Plain::Quad plain[NV];
  typename S::Quad exact[NV];
  unroll<NV>([&](auto v) TENFOLD_LAMBDA {
    const std::byte* vector = w + vectors_before(v) * 4 * S::lanes;
    if constexpr (Exact >> int(v) & 1)
      exact[v] = S::weights(vector);
    else
      plain[v] = Plain::weights(vector);
  });
  unroll<MR>([&](auto m) TENFOLD_LAMBDA {
    typename Plain::Quad a = Plain::bcast4(p[m] + k);
    if constexpr (Shuffled) a = S::shuffle_i8(a, order);
    typename S::Quad halves;
    if constexpr (Exact != 0) halves = S::split(a);
    unroll<NV>([&](auto v) TENFOLD_LAMBDA {
      if constexpr (Exact >> int(v) & 1)
        S::dot4(acc[m][v], halves, exact[v]);
      else
        Plain::dot4(acc[m][v], a, plain[v]);
    });
  });
}

/// acc += A * B over `count` couples of steps.
template <class S, bool Shuffled, int MR, int NV, class I = typename S::Int>
[[gnu::always_inline]] inline void gemm_couples(I (&acc)[MR][NV], const u8* const (&p)[MR], u32 count,
                                                const u32*& step, const std::byte*& w, uintptr_t prefetch,
                                                I order) {
  using Plain = typename S::Plain;
  constexpr int V = 4 * S::lanes;
#pragma GCC unroll 1
  for (const u32* end = step + 2 * count; step != end; step += 2, w += 2 * NV * V) {
    I b[2][NV];
    unroll<2 * NV>([&](auto i) TENFOLD_LAMBDA { b[i / NV][i % NV] = Plain::weights(w + i * V); });
    unroll<MR>([&](auto m) TENFOLD_LAMBDA {
      I x = Plain::bcast4(p[m] + step[0]), y = Plain::bcast4(p[m] + step[1]);
      if constexpr (Shuffled) x = S::shuffle_i8(x, order), y = S::shuffle_i8(y, order);
      unroll<NV>([&](auto v) TENFOLD_LAMBDA { Plain::dot8(acc[m][v], x, b[0][v], y, b[1][v]); });
    });
    gemm_fetch(w, prefetch);
    gemm_fetch(w + NV * V, prefetch);
  }
}

/// acc += A * B over the steps of a tap that pair their bytes alike; `count` has how many are of each kind.
template <class S, int Kinds, bool Shuffled, int MR, int NV, class I = typename S::Int>
[[gnu::always_inline]] inline void gemm_sorted_steps(I (&acc)[MR][NV], const u8* const (&p)[MR],
                                                     const u32* count, const u32*& step, const std::byte*& w,
                                                     uintptr_t prefetch, I order) {
  unroll<Kinds>([&](auto exact) TENFOLD_LAMBDA {
#pragma GCC unroll 1
    for (const u32* end = step + count[exact]; step != end; ++step) {
      gemm_sorted_step<S, exact, Shuffled, MR, NV>(acc, p, *step, w, order);
      gemm_fetch(w, prefetch);
      w += (NV + __builtin_popcount(exact)) * 4 * S::lanes;
    }
  });
}

/// acc += A * B over one tap of sorted steps; `w` and `sorted` move on.
template <class S, int MR, int NV, class I = typename S::Int>
[[gnu::always_inline]] inline void gemm_sorted_tap(I (&acc)[MR][NV], const u8* const (&p)[MR], int64_t steps,
                                                   const u32*& sorted, const std::byte*& w,
                                                   uintptr_t prefetch) {
  constexpr int kinds = 1 << S::layout.panel;
  const u32 *couples = sorted + kBytePairings * kinds, *step = couples + kBytePairings, *end = step + steps;
  gemm_sorted_steps<S, (1 << NV), false, MR, NV>(acc, p, sorted, step, w, prefetch, S::zero_i());
  if (step != end) {
    // Where every vector is exact, the order of bytes does not matter.
#pragma GCC unroll 1
    for (int pairing = 1; pairing < kBytePairings; ++pairing)
      gemm_sorted_steps<S, (1 << NV) - 1, true, MR, NV>(acc, p, sorted + pairing * kinds, step, w, prefetch,
                                                        S::pairing_order(pairing));
  }
  if (step != end) {
    gemm_couples<S, false, MR, NV>(acc, p, couples[0], step, w, prefetch, S::zero_i());
#pragma GCC unroll 1
    for (int pairing = 1; pairing < kBytePairings; ++pairing)
      gemm_couples<S, true, MR, NV>(acc, p, couples[pairing], step, w, prefetch, S::pairing_order(pairing));
  }
  sorted = end;
}

/// acc += A * B over one tap; `w` moves on.  D supplies the product of four bytes.
template <class S, class D, int MR, int NV, class I = typename S::Int>
[[gnu::always_inline]] inline void gemm_tap(I (&acc)[MR][NV], const u8* const (&p)[MR], int64_t end,
                                            const std::byte*& w, uintptr_t prefetch) {
  constexpr int V = 4 * S::lanes, B = NV * V;
  // Few accumulators cannot hide the latency of a dot product: several steps at once, summed at the end.
  constexpr int U = MR * NV >= 8 ? 1 : MR * NV >= 4 ? 2 : 4;
  int64_t k = 0;
  if constexpr (U > 1) {
    I more[U][MR][NV];
    unroll<U * MR * NV>([&](auto i)
                            TENFOLD_LAMBDA { more[i / (MR * NV)][i / NV % MR][i % NV] = S::zero_i(); });
#pragma GCC unroll 1
    for (; k + 4 * U <= end; k += 4 * U, w += U * B) {
      unroll<U>([&](auto u) TENFOLD_LAMBDA {
        gemm_step<D, V, MR, NV>(more[u], p, k + 4 * u, w + u * B);
        gemm_fetch(w + u * B, prefetch);
      });
    }
    unroll<U * MR * NV>([&](auto i) TENFOLD_LAMBDA {
      I& sum = acc[i / NV % MR][i % NV];
      sum = S::add_i32(sum, more[i / (MR * NV)][i / NV % MR][i % NV]);
    });
  }
#pragma GCC unroll 1
  for (; k < end; k += 4, w += B) {
    gemm_step<D, V, MR, NV>(acc, p, k, w);
    gemm_fetch(w, prefetch);
  }
}

template <class S, int MR, int NV>
[[gnu::noinline]] void gemm_u8_tile(const GemmU8Tile& t) {
  using I = typename S::Int;
  const auto* params = reinterpret_cast<const VectorParams<S>*>(t.params);
  constexpr int kSlots = gemm_prefetch_slots<S, NV>;
  const int64_t weight_bytes = t.taps * t.steps * NV * 4 * S::lanes;
  const uintptr_t fetch = reinterpret_cast<uintptr_t>(t.prefetch) - reinterpret_cast<uintptr_t>(t.weights);
  u8* c = t.c;
  for (int64_t tile = 0; tile < t.count; ++tile, c += t.c_step) {
    I acc[MR][NV];
    unroll<MR * NV>([&](auto i) TENFOLD_LAMBDA { acc[i / NV][i % NV] = S::load_i(params[i % NV].init); });
    const std::byte* w = t.weights;
    const u32* sorted = t.sorted;
    const int64_t slot = tile + t.prefetch_slot;
    const uintptr_t prefetch = t.prefetch ? fetch + slot / kSlots * weight_bytes + slot % kSlots * 64 : 0;
    const u8* p[MR];
    const auto tap = [&] TENFOLD_LAMBDA {
      if constexpr (sorted_steps<S>)
        gemm_sorted_tap<S, MR, NV>(acc, p, t.steps, sorted, w, prefetch);
      else
        gemm_tap<S, S, MR, NV>(acc, p, 4 * t.steps, w, prefetch);
    };
    if (t.rows) {
      for (int64_t i = 0; i < t.taps; ++i) {
        const u8* const* rows = t.rows + i * t.tap_stride + tile * MR;
        unroll<MR>([&](auto m) TENFOLD_LAMBDA { p[m] = rows[m] + t.a_offset; });
        tap();
      }
    } else {
      const u8* row = t.a + tile * MR * t.lda;
      unroll<MR>([&](auto m) TENFOLD_LAMBDA { p[m] = row, row += t.lda; });
      tap();
    }
    unroll<MR * NV>([&](auto i) TENFOLD_LAMBDA { S::pin(acc[i / NV][i % NV]); });
    if (i32* raw = t.raw) [[unlikely]]
      unroll<MR * NV>([&](auto i) TENFOLD_LAMBDA { S::store_i(raw + i * S::lanes, acc[i / NV][i % NV]); });
    else if (S::masked_stores && t.n < NV * S::lanes && !t.after)
      t.table ? store_tile<S, MR, NV, true, S::fast_lookup, true>(acc, t, c)
              : store_tile<S, MR, NV, true, false, true>(acc, t, c);
    else if (S::fast_lookup && t.table)
      store_tile<S, MR, NV, true, S::fast_lookup>(acc, t, c);
    else if (t.zero_point)
      store_tile<S, MR, NV, true, false>(acc, t, c);
    else
      store_tile<S, MR, NV, false, false>(acc, t, c);
    if (t.after) t.after(t.context, tile);
  }
}

}  // namespace tenfold::kernels
