// INT8 convolution in groups of 4 or 8 channels.  A lane of a vector has four neighbouring channels of a
// pixel, so that one load of activations serves many groups, and output channel j of all of them is one
// accumulator: no product meets the zeros that a matrix product over several groups is padded with.
#pragma once

#include "kernels/isa/requantize.hpp"

namespace tenfold::kernels {

/// What the pixels of one block of 4 * lanes channels share.
template <class S>
struct GroupedBlock {
  int64_t channel;  // the first
  const std::byte* weights;
  const VectorParams<S>* params;
  const typename S::Table* table;
};

/// The 16 channels of every 128-bit part in order, after pack4.
template <class S, int Width, class I = typename S::Int>
[[gnu::always_inline]] inline I in_channel_order(I x) {
  if constexpr (Width == 4)
    return turn_parts<S>(x);
  else
    return S::shuffle_i8(x,
                         S::repeat_part(_mm_setr_epi8(0, 2, 4, 6, 8, 10, 12, 14, 1, 3, 5, 7, 9, 11, 13, 15)));
}

/// Bytes of a block at P pixels from m on.
template <class S, int Width, int P>
[[gnu::always_inline]] inline void grouped_tile(const GroupedU8& g, const GroupedBlock<S>& b, int64_t m) {
  using I = typename S::Int;
  constexpr int B = 4 * S::lanes * S::layout.weight_bytes;
  I acc[P][Width];
  unroll<P * Width>([&](auto i) TENFOLD_LAMBDA { acc[i / Width][i % Width] = S::zero_i(); });
  const std::byte* w = b.weights;
  const u8* const* taps = g.indirect + m;
#pragma GCC unroll 1
  for (int64_t t = 0; t < g.w->taps; ++t, taps += g.indirect_stride, w += Width * B) {
    typename S::Quad x[P];
    unroll<P>([&](auto p) TENFOLD_LAMBDA { x[p] = S::split(S::load_i(taps[p] + b.channel)); });
    unroll<Width>([&](auto j) TENFOLD_LAMBDA {
      const typename S::Quad weights = S::weights(w + j * B);
      unroll<P>([&](auto p) TENFOLD_LAMBDA { S::dot4(acc[p][j], x[p], weights); });
    });
  }
  unroll<P * Width>([&](auto i) TENFOLD_LAMBDA { S::pin(acc[i / Width][i % Width]); });
  unroll<P>([&](auto p) TENFOLD_LAMBDA {
    I q[4];
    unroll<4>([&](auto s) TENFOLD_LAMBDA {
      I sum;
      if constexpr (Width == 4)
        sum = acc[p][s];
      else  // a group has two lanes
        sum = S::add_pairs_i32(acc[p][2 * s], acc[p][2 * s + 1]);
      const auto x = S::to_f32(S::add_i32(sum, S::load_i(b.params[s].init)));
      q[s] = round_to_i32<S, true>(S::fma(x, S::load_f(b.params[s].multiplier), S::load_f(b.params[s].bias)));
    });
    I y = in_channel_order<S, Width>(pack4<S>(q[0], q[1], q[2], q[3], S::set_i16(g.zero_point)));
    if (b.table) y = S::lookup(*b.table, y);
    store_bytes<S>(g.c + (m + p) * g.ldc + b.channel, y, g.w->channels - b.channel);
  });
}

/// Pixels [m, end) of a block.
template <class S, int Width>
[[gnu::noinline]] void grouped_block(const GroupedU8& g, const GroupedBlock<S>& b, int64_t m, int64_t end) {
  constexpr int P = larger(1, S::grouped_accumulators / Width);
  for (; m + P <= end; m += P) grouped_tile<S, Width, P>(g, b, m);
  if constexpr (P > 1)
    for (; m < end; ++m) grouped_tile<S, Width, 1>(g, b, m);
}

/// A few pixels of all blocks of channels at a time: their lines, of which a block takes a half or the whole,
/// come from memory in order and stay in L1.
template <class S>
void grouped_u8(const GroupedU8& g) {
  constexpr int64_t kPixels = 24, kChannels = 4 * S::lanes;
  const PackedGroupedU8& w = *g.w;
  typename S::Table table;
  if (g.table) table = S::load_table(g.table);
  for (int64_t m = 0; m < g.m; m += kPixels) {
    const int64_t end = lesser(m + kPixels, g.m);
    GroupedBlock<S> b{0, w.weights, reinterpret_cast<const VectorParams<S>*>(w.params),
                      g.table ? &table : nullptr};
    for (; b.channel < w.channels; b.channel += kChannels, b.params += 4) {
      w.width == 4 ? grouped_block<S, 4>(g, b, m, end) : grouped_block<S, 8>(g, b, m, end);
      b.weights += w.taps * w.width * kChannels * S::layout.weight_bytes;
    }
  }
}

}  // namespace tenfold::kernels
