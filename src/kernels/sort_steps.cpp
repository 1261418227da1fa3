// Sorting the steps of a packed GEMM into those that vpmaddubsw sums exactly and the others.  Portable host
// code.
#include <algorithm>
#include <cstring>

#include "base/math.hpp"
#include "kernels/kernels.hpp"

namespace tenfold::kernels {
namespace {

using Words8 [[gnu::vector_size(16)]] = int16_t;

/// 16 weights as eight pairs of 16 bits.
struct Pairs {
  Words8 even, odd;
  explicit Pairs(const s8* weights) {
    Words8 both;
    std::memcpy(&both, weights, sizeof both);
    even = (both << 8) >> 8;
    odd = both >> 8;
  }
};

/// Whether u8 x s8 products of neighbours stay inside 16 bits whatever the activations: 255 * 128 < 2^15.
/// `bytes` is a multiple of 16.
bool step_is_plain(const s8* step, int64_t bytes) {
  Words8 unsafe{};
  for (int64_t i = 0; i < bytes; i += 16) {
    const Pairs p(step + i);
    const Words8 up_even = p.even & ~(p.even >> 15), up_odd = p.odd & ~(p.odd >> 15);  // max(x, 0)
    unsafe |= (up_even + up_odd > 128) | ((p.even - up_even) + (p.odd - up_odd) < -128);
  }
  int64_t half[2];
  std::memcpy(half, &unsafe, sizeof half);
  return (half[0] | half[1]) == 0;
}

/// A vector of s8 quads as two of s16: bytes 0 and 2 of every quad, then bytes 1 and 3.
void widen(const s8* vector, int lanes, std::byte* to) {
  for (int i = 0; i < 4 * lanes; i += 16) {
    const Pairs p(vector + i);
    std::memcpy(to + i, &p.even, sizeof p.even);
    std::memcpy(to + 4 * lanes + i, &p.odd, sizeof p.odd);
  }
}

/// One panel, tap by tap.
struct PanelSorter {
  const PackLayout& layout;
  const PackedU8& packed;
  const s8* from;
  int vectors;

  int64_t step_bytes() const { return int64_t(vectors) * 4 * layout.lanes; }
  int64_t steps() const { return packed.k_padded / 4; }

  /// Counts and offsets of every tap; returns the bytes of weights that follow from them.
  int64_t sort(uint32_t* out) const {
    int64_t bytes = 0;
    const s8* step = from;
    for (int64_t tap = 0; tap < packed.taps; ++tap, out += 2 + steps()) {
      uint32_t plain = 0, exact = 0;
      for (int64_t i = 0; i < steps(); ++i, step += step_bytes()) {
        const bool is_plain = step_is_plain(step, step_bytes());
        out[is_plain ? 2 + plain++ : 1 + steps() - exact++] = uint32_t(4 * i);
      }
      std::reverse(out + 2 + plain, out + 2 + steps());
      out[0] = plain, out[1] = exact;
      bytes += (plain + 2 * int64_t(exact)) * step_bytes();
    }
    return bytes;
  }
  void copy(const uint32_t* sorted, std::byte* to) const {
    for (int64_t tap = 0; tap < packed.taps; ++tap, sorted += 2 + steps())
      for (int64_t i = 0; i < steps(); ++i) {
        const s8* step = from + (tap * steps() + sorted[2 + i] / 4) * step_bytes();
        if (i < sorted[0]) {
          std::memcpy(to, step, size_t(step_bytes()));
          to += step_bytes();
          continue;
        }
        for (int v = 0; v < vectors; ++v, to += 8 * layout.lanes)
          widen(step + v * 4 * layout.lanes, layout.lanes, to);
      }
  }
};

}  // namespace

void sort_steps(const PackLayout& layout, PackedU8& p) {
  const auto panels = int64_t(p.panel_weight_offset.size());
  SortedSteps& s = p.sorted;
  s.panel_stride = p.taps * (2 + p.k_padded / 4);
  s.offsets.resize(size_t(checked_mul(panels, s.panel_stride)));
  std::vector<PanelSorter> sorters;
  int64_t bytes = 0;
  for (int64_t i = 0; i < panels; ++i) {
    const int64_t left = ceil_div(p.n - i * p.panel_channels, layout.lanes);
    sorters.push_back({layout, p, reinterpret_cast<const s8*>(p.weights) + p.panel_weight_offset[size_t(i)],
                       int(std::min<int64_t>(left, layout.panel))});
    s.panels.push_back(bytes);
    bytes = checked_add(bytes, sorters.back().sort(s.offsets.data() + i * s.panel_stride));
  }
  s.panels.push_back(bytes);
  const int64_t params = round_up(ceil_div(p.n, layout.lanes), layout.panel) * 12 * layout.lanes;
  constexpr int64_t kAlign = 64, kSlack = 128;  // as pack_u8.cpp
  PackedBytes storage(size_t(checked_add(round_up(bytes, kAlign), params + kSlack)));
  std::byte* base = storage.data();
  for (int64_t i = 0; i < panels; ++i)
    sorters[size_t(i)].copy(s.offsets.data() + i * s.panel_stride, base + s.panels[size_t(i)]);
  std::memcpy(base + round_up(bytes, kAlign), p.params, size_t(params));
  p.storage = std::move(storage);
  p.weights = base;
  p.params = base + round_up(bytes, kAlign);
  p.panel_weight_offset.assign(s.panels.begin(), s.panels.end() - 1);
  s.first = s.offsets.data();
  s.panel_offset = s.panels.data();
}

}  // namespace tenfold::kernels
