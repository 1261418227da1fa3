// Packing of the weights of an INT8 Winograd convolution: four channels by eight input channels at a time, in
// vectors that every compiler maps to the baseline ISA.
#include "base/error.hpp"
#include "kernels/pack_channels.hpp"
#include "kernels/winograd/layout_u8.hpp"

namespace tenfold::kernels {
namespace {

/// G w, the rows multiplied to integers; for T = 4 the first and last also halved, which the output transform
/// undoes.
template <int T>
void transform(const Words8 (&w)[3], Words8 (&u)[T + 2]) {
  if constexpr (T == 2) {
    const Words8 outer = w[0] + w[2];
    u[0] = w[0] + w[0];
    u[1] = outer + w[1];
    u[2] = outer - w[1];
    u[3] = w[2] + w[2];
  } else {
    const Words8 outer = (w[0] + w[2]) * 4, middle = w[1] * 4, even = w[0] + w[2] * 4, odd = w[1] * 2;
    u[0] = w[0] * 3;
    u[1] = -outer - middle;
    u[2] = middle - outer;
    u[3] = even + odd;
    u[4] = even - odd;
    u[5] = w[2] * 12;
  }
}

/// `count` weights, at most 8, with their offset, and zeros.
Words8 load_words8(const s8* from, int64_t count, int offset) {
  using Bytes8 [[gnu::vector_size(8)]] = int8_t;
  Bytes8 b = {};
  std::memcpy(&b, from, size_t(std::min<int64_t>(8, count)));
  Words8 words = __builtin_convertvector(b, Words8);
  for (int64_t i = 0; offset != 0 && i < std::min<int64_t>(8, count); ++i)
    words[i] = int16_t(words[i] + offset);
  return words;
}

/// Four channels into lanes [lane, lane + 4) of vector `v` of a panel of `nv` vectors at `panel`.
template <int T>
void put_channels(int lanes, int64_t c, const s8* const (&rows)[4], const int (&offsets)[4], std::byte* panel,
                  int nv, int v, int lane) {
  constexpr int P = T + 2, kAtOnce = 8;
  const int64_t step = int64_t(nv) * 4 * lanes, matrix = (c + 1) / 2 * step;
  std::byte* to = panel + v * 4 * lanes + 4 * lane;
  for (int64_t k = 0; k < c; k += kAtOnce, to += kAtOnce / 2 * step) {
    Words8 half[4][3][P];  // columns transformed
    for (int i = 0; i < 4; ++i)
      for (int x = 0; x < 3; ++x) {
        const s8* w = rows[i] + x * c + k;
        const auto load = [&](int64_t tap) { return load_words8(w + tap * c, c - k, offsets[i]); };
        const Words8 column[3] = {load(0), load(3), load(6)};
        transform<T>(column, half[i][x]);
      }
    const int64_t pairs = std::min<int64_t>(kAtOnce / 2, (c - k + 1) / 2);
    for (int y = 0; y < P; ++y) {
      Words8 u[4][P];
      for (int i = 0; i < 4; ++i) {
        const Words8 row[3] = {half[i][0][y], half[i][1][y], half[i][2][y]};
        transform<T>(row, u[i]);
      }
      for (int x = 0; x < P; ++x) {  // eight input channels of four channels -> four channels of four pairs
        Words4 block[4] = {Words4(u[0][x]), Words4(u[1][x]), Words4(u[2][x]), Words4(u[3][x])};
        transpose_words(block);
        for (int64_t pair = 0; pair < pairs; ++pair)
          store_words(to + (y * P + x) * matrix + pair * step, block[pair]);
      }
    }
  }
}

constexpr int64_t kBlock = 128;

}  // namespace

bool winograd_u8_is_exact(const s8* weights, int64_t n, int64_t c, int tile,
                          std::span<const QuantizedChannel> channels) {
  int64_t offset = 0;
  for (const QuantizedChannel& q : channels) offset = std::max<int64_t>(offset, std::abs(q.weight_offset));
  if ((128 + offset) * (tile == 2 ? 9 : 144) > INT16_MAX) return false;
  const int64_t depth = checked_mul(9, c);
  const int64_t limit = int64_t(1) << (tile == 2 ? 29 : 25);  // 2^31 over the power of two in the scale
  if (255 * (128 + offset) * depth < limit) return true;  // up to 114 channels, without reading the weights
  for (int64_t i = 0; i < n; ++i) {
    int64_t sum = 0, size = 0;
    for (int64_t at = 0; at < depth; at += kBlock) {
      const s8* w = weights + i * depth + at;
      int16_t block_sum = 0, block_size = 0;  // 16 bits hold 128 weights and vectorise best
      for (int64_t j = 0; j < std::min(kBlock, depth - at); ++j) {
        block_sum = int16_t(block_sum + w[j]);
        block_size = int16_t(block_size + std::abs(int(w[j])));
      }
      sum += block_sum, size += block_size;
    }
    // All positive or all negative weights under 255.
    const int64_t shift = depth * std::abs(channels[size_t(i)].weight_offset);
    if (255 * ((size + std::abs(sum)) / 2 + shift) >= limit) return false;
  }
  return true;
}

PackedWinogradU8 pack_winograd_u8(const PackLayout& layout, const s8* weights, int64_t n, int64_t c, int tile,
                                  int x_zero_point, std::span<const QuantizedChannel> channels) {
  ensure(n > 0 && c > 0 && int64_t(channels.size()) == n && (tile == 2 || tile == 4) && layout.lanes >= 4,
         "packing INT8 Winograd weights: {} channels of {}, {} multipliers, tile {}", n, c, channels.size(),
         tile);
  PackedWinogradU8 p;
  p.c = c, p.n = n, p.tile = tile;
  p.panel_channels = int64_t(layout.panel) * layout.lanes;
  const int64_t vectors = ceil_div(n, layout.lanes), points = int64_t(tile + 2) * (tile + 2);
  const int64_t vector_bytes = checked_mul(points * 4 * layout.lanes, (c + 1) / 2);
  const int64_t weight_bytes = checked_mul(vectors, vector_bytes);
  std::byte* base = allocate_packed(p.storage, checked_add(weight_bytes, vectors * 12 * layout.lanes));
  p.weights = base, p.params = base + weight_bytes;
  WeightRows source(Order::taps_inside, weights, n, 9 * c, 9);
  for (int64_t n0 = 0, vector = 0; n0 < n;) {
    const int nv = int(std::min<int64_t>(layout.panel, vectors - vector));
    int64_t at = n0;  // channels in the order of pack_u8.cpp
    for (int lane = 0; lane < layout.lanes; lane += 4)
      for (int v = 0; v < nv && at < n; ++v, at += 4) {
        const s8* rows[4] = {};
        int offsets[4] = {};
        source.get(at, 4, rows);
        for (int i = 0; i < 4 && at + i < n; ++i) offsets[i] = channels[size_t(at + i)].weight_offset;
        const auto put = tile == 2 ? put_channels<2> : put_channels<4>;
        put(layout.lanes, c, rows, offsets, base + vector * vector_bytes, nv, v, lane);
        for (int i = 0; i < 4 && at + i < n; ++i) {
          const QuantizedChannel q = channels[size_t(at + i)];
          put_params(layout, base + weight_bytes, vector + v, lane + i,
                     initial_accumulator(rows[i], 9 * c, x_zero_point, q.weight_offset), q);
          p.wide_range = p.wide_range || !conversion_is_safe(rows[i], 9 * c, x_zero_point, q);
        }
      }
    vector += nv;
    n0 += int64_t(nv) * layout.lanes;
  }
  return p;
}

size_t winograd_u8_scratch(const PackLayout& layout, const PackedWinogradU8& w) {
  return size_t(WinogradBlockU8(layout.lanes, w.c, w.tile).bytes()) + kAlign;
}

}  // namespace tenfold::kernels
