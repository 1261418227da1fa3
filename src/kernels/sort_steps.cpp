// Sorting the steps of a packed GEMM by how vpmaddubsw has to pair their bytes, and which of their vectors it
// sums exactly then.  Portable host code.
#include <algorithm>
#include <cstring>

#include "base/math.hpp"
#include "kernels/pack_channels.hpp"

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

/// The second word of every quad's pair, and 0.
Words8 second(Words8 pairs) { return Words8(Quads(pairs) >> 16); }

/// Whether u8 x s8 products of paired weights stay inside 16 bits whatever the activations: 255 * 128 < 2^15.
/// Weights of opposite sign always do, so that the range of the sums tells.  Pairing 1 pairs byte 0 of every
/// quad with the third instead of the second, pairing 2 with the fourth.
template <uint32_t pairing>
bool is_plain(const s8* vector, int64_t bytes) {
  Words8 most{}, least{};
  const auto add = [&](Words8 sums) {
    most = sums > most ? sums : most;
    least = sums < least ? sums : least;
  };
  for (int64_t i = 0; i < bytes; i += kAtOnce) {
    const Pairs p(vector + i);
    if constexpr (pairing == 0) {
      add(p.even + p.odd);
    } else {
      add(p.even + second(pairing == 1 ? p.even : p.odd));
      add(p.odd + second(pairing == 1 ? p.odd : p.even));
    }
  }
  const Words8 unsafe = (most > 128) | (least < -128);
  int64_t half[2];
  std::memcpy(half, &unsafe, sizeof half);
  return (half[0] | half[1]) == 0;
}

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
  uint32_t kinds() const { return kBytePairings * masks(); }
  int64_t entries() const { return kinds() + steps(); }  ///< of a tap in SortedSteps::offsets

  /// Bit v: vector v of the step is exact when its bytes are paired so.
  template <uint32_t pairing>
  uint32_t exact_vectors(const s8* step) const {
    uint32_t exact = 0;
    for (int v = 0; v < vectors; ++v)
      if (!is_plain<pairing>(step + v * vector_bytes(), vector_bytes())) exact |= 1u << v;
    return exact;
  }
  /// The pairing of bytes with the fewest exact vectors, and which these are.
  uint32_t kind(const s8* step) const {
    uint32_t best = exact_vectors<0>(step);
    const auto offer = [&](uint32_t pairing, uint32_t exact) {
      if (count_bits(exact) < count_bits(best % masks())) best = pairing * masks() + exact;
    };
    static_assert(kBytePairings == 3);
    if (best != 0) offer(1, exact_vectors<1>(step));
    if (best % masks() != 0) offer(2, exact_vectors<2>(step));
    return best;
  }
  /// Counts and offsets of every tap; returns the bytes of weights that follow from them.
  int64_t sort(uint32_t* out) const {
    int64_t bytes = 0;
    std::vector<uint32_t> kind_of(static_cast<size_t>(steps()));
    const s8* step = from;
    for (int64_t tap = 0; tap < packed.taps; ++tap, out += entries()) {
      std::fill_n(out, kinds(), 0);
      for (uint32_t& k : kind_of) {
        k = kind(step), ++out[k], step += step_bytes();
        bytes += step_bytes() + count_bits(k % masks()) * vector_bytes();
      }
      std::vector<uint32_t*> next{out + kinds()};
      for (uint32_t k = 0; k + 1 < kinds(); ++k) next.push_back(next.back() + out[k]);
      for (int64_t i = 0; i < steps(); ++i) *next[kind_of[size_t(i)]]++ = uint32_t(4 * i);
    }
    return bytes;
  }
  void copy(const uint32_t* sorted, std::byte* to) const {
    std::vector<s8> paired(static_cast<size_t>(step_bytes()));
    for (int64_t tap = 0; tap < packed.taps; ++tap, sorted += entries()) {
      const uint32_t* offset = sorted + kinds();
      for (uint32_t kind = 0; kind < kinds(); ++kind)
        for (uint32_t i = 0; i < sorted[kind]; ++i, ++offset) {
          const s8* step = from + (tap * steps() + *offset / 4) * step_bytes();
          const uint32_t pairing = kind / masks();
          if (pairing != 0) pair_bytes(step, pairing, paired);
          to = copy_step(pairing != 0 ? paired.data() : step, kind % masks(), to);
        }
    }
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
  const auto panels = int64_t(p.panel_weight_offset.size());
  SortedSteps& s = p.sorted;
  s.panel_stride = p.taps * ((kBytePairings << layout.panel) + p.k_padded / 4);
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
