// Sorting the steps of a packed GEMM by how vpmaddubsw has to pair their bytes, and which of their vectors it
// sums exactly then.  Portable host code.
#include <algorithm>
#include <cstring>

#include "base/math.hpp"
#include "kernels/pack_channels.hpp"
#include "kernels/tap_kinds.hpp"

namespace tenfold::kernels {
namespace {

using Quads [[gnu::vector_size(16)]] = uint32_t;
constexpr int kAtOnce = sizeof(Quads);  // a vector has a multiple of 16 weights

template <typename Vector>
Vector load(const s8* from) {
  Vector v;
  std::memcpy(&v, from, sizeof v);
  return v;
}

/// 16 weights as eight pairs of 16 bits: bytes 0 and 2 of every quad, and bytes 1 and 3.
struct Pairs {
  Words8 even, odd;
  explicit Pairs(const s8* weights) {
    const auto both = load<Words8>(weights);
    even = (both << 8) >> 8;
    odd = both >> 8;
  }
};

/// A vector of s8 quads as two of s16: bytes 0 and 2 of every quad, then bytes 1 and 3.
void widen(const s8* vector, int lanes, std::byte* to) {
  for (int i = 0; i < 4 * lanes; i += kAtOnce) {
    const Pairs p(vector + i);
    std::memcpy(to + i, &p.even, kAtOnce);
    std::memcpy(to + 4 * lanes + i, &p.odd, kAtOnce);
  }
}

/// The step with the second byte of every quad exchanged for the third (1) or the fourth (2).
void pair_bytes(const s8* step, uint32_t pairing, std::vector<s8>& to) {
  for (size_t i = 0; i < to.size(); i += kAtOnce) {
    const Quads q = load<Quads>(step + i);
    const Quads paired = pairing == 1 ? (q & 0xff0000ff) | (q & 0xff00) << 8 | (q >> 8 & 0xff00)
                                      : (q & 0x00ff00ff) | (q & 0xff00) << 16 | (q >> 16 & 0xff00);
    std::memcpy(to.data() + i, &paired, kAtOnce);
  }
}

/// How many bits are set: the baseline ISA has no instruction for it, and these are at most four.
int count_bits(uint32_t mask) {
  int count = 0;
  for (; mask != 0; mask &= mask - 1) ++count;
  return count;
}

/// One panel, tap by tap.
struct PanelSorter {
  const PackLayout& layout;
  const PackedU8& packed;
  const s8* from;
  int vectors;

  int64_t vector_bytes() const { return 4 * layout.lanes; }
  int64_t step_bytes() const { return vectors * vector_bytes(); }
  int64_t steps() const { return packed.k_padded / 4; }
  uint32_t masks() const { return 1u << layout.panel; }
  /// By pairing of bytes and exact vectors; couples by pairing.
  uint32_t couples() const { return kBytePairings * masks(); }
  uint32_t kinds() const { return couples() + kBytePairings; }
  uint32_t pairing_of(uint32_t kind) const { return kind < couples() ? kind / masks() : kind - couples(); }
  uint32_t exact_of(uint32_t kind) const { return kind < couples() ? kind % masks() : 0; }
  int64_t entries() const { return kinds() + steps(); }  ///< of a tap in SortedSteps::offsets

  /// Counts and offsets of every tap; returns the bytes of weights that follow from them.
  int64_t sort(TapKinds& tap, uint32_t* out) const {
    int64_t bytes = packed.taps * steps() * step_bytes();
    for (int64_t t = 0; t < packed.taps; ++t, out += entries()) {
      tap.find(from + t * steps() * step_bytes(), vectors);
      list(tap, out);
      for (uint32_t kind = 0; kind < couples(); ++kind)
        bytes += out[kind] * count_bits(exact_of(kind)) * vector_bytes();
    }
    return bytes;
  }
  /// The counts and offsets of one tap.
  void list(const TapKinds& tap, uint32_t* counts) const {
    std::fill_n(counts, kinds(), 0);
    std::vector<bool> single(tap.kinds().size(), true);
    for (uint32_t p = 0; p < kBytePairings; ++p) {
      counts[couples() + p] = uint32_t(tap.couples(p).size());
      for (const Couple& c : tap.couples(p)) single[c.first] = single[c.second] = false;
    }
    for (size_t i = 0; i < single.size(); ++i)
      if (single[i]) ++counts[tap.kinds()[i]];
    std::vector<uint32_t*> next{counts + kinds()};
    for (uint32_t k = 0; k < couples(); ++k) next.push_back(next.back() + counts[k]);
    for (size_t i = 0; i < single.size(); ++i)
      if (single[i]) *next[tap.kinds()[i]]++ = uint32_t(4 * i);
    uint32_t* at = next.back();
    for (uint32_t p = 0; p < kBytePairings; ++p)
      for (const Couple& c : tap.couples(p)) *at++ = 4 * c.first, *at++ = 4 * c.second;
  }
  void copy(const uint32_t* sorted, std::byte* to) const {
    std::vector<s8> paired(static_cast<size_t>(step_bytes()));
    for (int64_t tap = 0; tap < packed.taps; ++tap, sorted += entries()) {
      const uint32_t* offset = sorted + kinds();
      for (uint32_t kind = 0; kind < kinds(); ++kind)
        for (const uint32_t* end = offset + steps_of(sorted, kind); offset != end; ++offset) {
          const s8* step = from + (tap * steps() + *offset / 4) * step_bytes();
          const uint32_t pairing = pairing_of(kind);
          if (pairing != 0) pair_bytes(step, pairing, paired);
          to = copy_step(pairing != 0 ? paired.data() : step, exact_of(kind), to);
        }
    }
  }
  uint32_t steps_of(const uint32_t* counts, uint32_t kind) const {
    return kind < couples() ? counts[kind] : 2 * counts[kind];
  }
  std::byte* copy_step(const s8* step, uint32_t exact, std::byte* to) const {
    if (exact == 0) {
      std::memcpy(to, step, size_t(step_bytes()));
      return to + step_bytes();
    }
    for (int v = 0; v < vectors; ++v, step += vector_bytes()) {
      if (exact >> v & 1)
        widen(step, layout.lanes, to), to += 2 * vector_bytes();
      else
        std::memcpy(to, step, size_t(vector_bytes())), to += vector_bytes();
    }
    return to;
  }
};

}  // namespace

void sort_steps(const PackLayout& layout, PackedU8& p) {
  ensure(4 * layout.lanes == TapKinds::kVectorBytes && layout.panel == TapKinds::kVectors,
         "sorting steps of {} vectors of {} lanes", layout.panel, layout.lanes);
  const auto panels = int64_t(p.panel_weight_offset.size());
  SortedSteps& s = p.sorted;
  s.panel_stride = p.taps * ((kBytePairings << layout.panel) + kBytePairings + p.k_padded / 4);
  s.offsets.resize(size_t(checked_mul(panels, s.panel_stride)));
  std::vector<PanelSorter> sorters;
  TapKinds tap(p.k_padded / 4);
  int64_t bytes = 0;
  for (int64_t i = 0; i < panels; ++i) {
    const int64_t left = ceil_div(p.n - i * p.panel_channels, layout.lanes);
    sorters.push_back({layout, p, reinterpret_cast<const s8*>(p.weights) + p.panel_weight_offset[size_t(i)],
                       int(std::min<int64_t>(left, layout.panel))});
    s.panels.push_back(bytes);
    bytes = checked_add(bytes, sorters.back().sort(tap, s.offsets.data() + i * s.panel_stride));
  }
  s.panels.push_back(bytes);
  const int64_t params = round_up(ceil_div(p.n, layout.lanes), layout.panel) * 12 * layout.lanes;
  PackedBytes storage;
  std::byte* base = allocate_packed(storage, checked_add(round_up(bytes, kAlign), params));
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
