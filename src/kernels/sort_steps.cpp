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

using Sums [[gnu::vector_size(16)]] = uint8_t;

/// Of the pairs of 16 weights, paired as in is_plain, what the positive ones add up to, and the negative
/// ones.
template <uint32_t pairing>
Sums pair_sums(const s8* weights) {
  const Pairs p(weights);
  const auto combine = [](Words8 even, Words8 odd) {
    if constexpr (pairing == 0) return even + odd;
    const auto first = Quads(even + second(pairing == 1 ? even : odd));
    const auto other = Quads(odd + second(pairing == 1 ? odd : even));
    return Words8((first & 0xffff) | other << 16);
  };
  const Words8 zero{}, even = p.even > zero ? p.even : zero, odd = p.odd > zero ? p.odd : zero;
  return Sums(combine(even, odd) | combine(even - p.even, odd - p.odd) << 8);
}

/// Two steps of a tap.
struct Couple {
  uint32_t first, second;
};

/// Finds couples among the plain steps of a tap whose bytes are paired alike.
class CoupleFinder {
 public:
  CoupleFinder(const s8* tap, int64_t step_bytes) : tap_(tap), step_bytes_(step_bytes) {}

  template <uint32_t pairing>
  void add(uint32_t step) {
    const s8* from = tap_ + step * step_bytes_;
    const auto at = int64_t(sums_.size());
    Sums most{};
    for (int64_t i = 0; i < step_bytes_; i += kAtOnce) {
      const Sums s = pair_sums<pairing>(from + i);
      most = s > most ? s : most;
      sums_.push_back(s);
    }
    int heaviest = 0;
    for (int i = 0; i < kAtOnce; ++i) heaviest = std::max<int>(heaviest, most[i]);
    steps_.push_back({heaviest, step, at});
  }

  /// Heavy steps look for a partner first, and among the kTries lightest.
  std::vector<Couple> find() {
    constexpr ptrdiff_t kTries = 8;
    std::vector<Couple> found;
    std::sort(steps_.begin(), steps_.end(),
              [](const Step& a, const Step& b) { return a.heaviest > b.heaviest; });
    for (auto heavy = steps_.begin(); heavy < steps_.end(); ++heavy)
      for (auto light = steps_.end(); --light > heavy && steps_.end() - light <= kTries;)
        if (fit(*heavy, *light)) {
          found.push_back({heavy->index, light->index});
          steps_.erase(light);
          break;
        }
    return found;
  }

 private:
  struct Step {
    int heaviest;
    uint32_t index;
    int64_t sums;  ///< the first of them
  };
  bool fit(const Step& a, const Step& b) const {
    Sums over{};
    for (int64_t i = 0; i < step_bytes_ / kAtOnce; ++i) {
      const Sums room = 128 - sums_[size_t(a.sums + i)];
      over |= Sums(sums_[size_t(b.sums + i)] > room);
    }
    int64_t half[2];
    std::memcpy(half, &over, sizeof half);
    return (half[0] | half[1]) == 0;
  }

  const s8* tap_;
  const int64_t step_bytes_;
  std::vector<Sums> sums_;
  std::vector<Step> steps_;
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
  /// The couples of one way to pair bytes, among the plain steps of `kind_of`.
  template <uint32_t pairing>
  std::vector<Couple> find_couples(const s8* tap, std::span<const uint32_t> kind_of) const {
    CoupleFinder plain(tap, step_bytes());
    for (uint32_t i = 0; i < kind_of.size(); ++i)
      if (kind_of[i] == pairing * masks()) plain.add<pairing>(i);
    return plain.find();
  }
  /// Counts and offsets of every tap; returns the bytes of weights that follow from them.
  int64_t sort(uint32_t* out) const {
    int64_t bytes = 0;
    std::vector<uint32_t> kind_of(static_cast<size_t>(steps()));
    const s8* tap = from;
    for (int64_t t = 0; t < packed.taps; ++t, out += entries(), tap += steps() * step_bytes()) {
      for (size_t i = 0; i < kind_of.size(); ++i) {
        kind_of[i] = kind(tap + int64_t(i) * step_bytes());
        bytes += step_bytes() + count_bits(exact_of(kind_of[i])) * vector_bytes();
      }
      const std::vector<Couple> found[kBytePairings] = {
          find_couples<0>(tap, kind_of), find_couples<1>(tap, kind_of), find_couples<2>(tap, kind_of)};
      list(kind_of, found, out);
    }
    return bytes;
  }
  /// The counts and offsets of one tap.
  void list(std::span<uint32_t> kind_of, std::span<const std::vector<Couple>> found, uint32_t* counts) const {
    std::fill_n(counts, kinds(), 0);
    for (uint32_t p = 0; p < kBytePairings; ++p) {
      counts[couples() + p] = uint32_t(found[p].size());
      for (const Couple& c : found[p]) kind_of[c.first] = kind_of[c.second] = couples() + p;
    }
    for (const uint32_t kind : kind_of)
      if (kind < couples()) ++counts[kind];
    std::vector<uint32_t*> next{counts + kinds()};
    for (uint32_t k = 0; k < couples(); ++k) next.push_back(next.back() + counts[k]);
    for (size_t i = 0; i < kind_of.size(); ++i)
      if (kind_of[i] < couples()) *next[kind_of[i]]++ = uint32_t(4 * i);
    uint32_t* at = next.back();
    for (const std::vector<Couple>& pairs : found)
      for (const Couple& c : pairs) *at++ = 4 * c.first, *at++ = 4 * c.second;
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
  const auto panels = int64_t(p.panel_weight_offset.size());
  SortedSteps& s = p.sorted;
  s.panel_stride = p.taps * ((kBytePairings << layout.panel) + kBytePairings + p.k_padded / 4);
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
