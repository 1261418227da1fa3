#include "kernels/tap_kinds.hpp"

#include <algorithm>
#include <cstring>

#if defined(__x86_64__)
#define TENFOLD_AVX2 gnu::target("avx2")
#else
#define TENFOLD_AVX2 gnu::unused
#endif

namespace tenfold::kernels {
namespace {

// Vectors are handed on by reference: by value they would pass in other registers without AVX2.
using Bytes [[gnu::vector_size(32)]] = uint8_t;
using Bytes16 [[gnu::vector_size(16)]] = uint8_t;
using Words [[gnu::vector_size(32)]] = int16_t;
using Quads [[gnu::vector_size(32)]] = uint32_t;
constexpr int kMost =
    128;  ///< 255 * 128 < 2^15: sums of so much stay inside 16 bits whatever the activations

[[TENFOLD_AVX2, gnu::always_inline]] inline bool any(const Bytes& mask) {
  uint64_t part[4];
  std::memcpy(part, &mask, sizeof part);
  return (part[0] | part[1] | part[2] | part[3]) != 0;
}

/// The words of two sums of pairs: as they are, or those of the first and third byte of every quad and of the
/// second and fourth, each in the low word of its quad.
template <uint32_t pairing>
[[TENFOLD_AVX2, gnu::always_inline]] inline void add_pairs(const Words& even, const Words& odd, Words& sums) {
  if constexpr (pairing == 0) {
    sums = even + odd;
  } else {
    const Quads a = Quads(even) + (Quads(pairing == 1 ? even : odd) >> 16);
    const Quads b = Quads(odd) + (Quads(pairing == 1 ? odd : even) >> 16);
    sums = Words((a & 0xffff) | b << 16);
  }
}

/// Pairing 1 pairs byte 0 of every quad with the third instead of the second, pairing 2 with the fourth.
template <uint32_t pairing>
[[TENFOLD_AVX2, gnu::always_inline]] inline void pair_sums(const s8* vector, Bytes& sums) {
  Words both, up, down;
  std::memcpy(&both, vector, sizeof both);
  const Words zero{}, even = (both << 8) >> 8, odd = both >> 8;
  const Words even_up = even > zero ? even : zero, odd_up = odd > zero ? odd : zero;
  const Words even_down = even_up - even, odd_down = odd_up - odd;
  add_pairs<pairing>(even_up, odd_up, up);
  add_pairs<pairing>(even_down, odd_down, down);
  // Two weights of -128 are no byte: 255 stands for all that is too much.
  const Words limit = zero + 255;
  down = down > limit ? limit : down;
  sums = Bytes(up | down << 8);
}

/// Which vectors of a step are exact.
template <uint32_t pairing>
[[TENFOLD_AVX2, gnu::always_inline]] inline uint32_t exact_vectors(const s8* step, int vectors, Bytes* sums) {
  uint32_t exact = 0;
  for (int v = 0; v < vectors; ++v) {
    pair_sums<pairing>(step + 32 * v, sums[v]);
    if (any(Bytes(sums[v] > kMost))) exact |= 1u << v;
  }
  return exact;
}

[[TENFOLD_AVX2, gnu::always_inline]] inline uint8_t largest(const Bytes& a, const Bytes& b) {
  const Bytes both = a > b ? a : b;
  Bytes16 half[2];
  std::memcpy(half, &both, sizeof half);
  Bytes16 most = half[0] > half[1] ? half[0] : half[1];
  // All bytes by all others, 8, 4, 2 and 1 apart.
  for (const Bytes16& from :
       {Bytes16{8, 9, 10, 11, 12, 13, 14, 15}, Bytes16{4, 5, 6, 7}, Bytes16{2, 3}, Bytes16{1}}) {
    const Bytes16 other = __builtin_shuffle(most, from);
    most = most > other ? most : other;
  }
  return most[0];
}

constexpr int64_t kStepSums = TapKinds::kVectors * TapKinds::kVectorBytes;
[[TENFOLD_AVX2, gnu::always_inline]] inline void load(const uint8_t* from,
                                                      Bytes (&sums)[TapKinds::kVectors]) {
  std::memcpy(&sums, from, sizeof sums);
}

constexpr uint8_t kCount[] = {0, 1, 1, 2};  ///< bits of a mask of vectors

}  // namespace

TapKinds::TapKinds(int64_t steps)
    : sums_(size_t(steps * kStepSums)), kinds_(size_t(steps)), heaviest_(size_t(steps)) {}

[[TENFOLD_AVX2]] void TapKinds::weigh(const s8* tap, int vectors) {
  for (size_t i = 0; i < kinds_.size(); ++i, tap += vectors * kVectorBytes) {
    Bytes sums[kBytePairings][kVectors] = {};
    uint32_t pairing = 0, exact = exact_vectors<0>(tap, vectors, sums[0]);
    const auto offer = [&](uint32_t other, uint32_t mask) {
      if (kCount[mask] < kCount[exact]) pairing = other, exact = mask;
    };
    static_assert(kBytePairings == 3);
    if (exact != 0) offer(1, exact_vectors<1>(tap, vectors, sums[1]));
    if (exact != 0) offer(2, exact_vectors<2>(tap, vectors, sums[2]));
    kinds_[i] = uint8_t(4 * pairing + exact);
    if (exact != 0) continue;
    std::memcpy(sums_.data() + int64_t(i) * kStepSums, &sums[pairing], sizeof sums[pairing]);
    heaviest_[i] = largest(sums[pairing][0], sums[pairing][1]);
  }
}

/// Plain steps of a pairing, the heaviest first.
void TapKinds::list_by_weight(uint32_t pairing) {
  std::array<uint32_t, kMost + 2> next{};  // where the next step of each weight goes; falling weights
  for (size_t i = 0; i < kinds_.size(); ++i)
    if (kinds_[i] == 4 * pairing) ++next[size_t(kMost - heaviest_[i] + 1)];
  for (size_t w = 1; w < next.size(); ++w) next[w] += next[w - 1];
  listed_.resize(next.back());
  for (size_t i = 0; i < kinds_.size(); ++i)
    if (kinds_[i] == 4 * pairing) listed_[next[size_t(kMost - heaviest_[i])]++] = uint32_t(i);
}

/// Heavy steps look for a partner first, and among the kTries lightest.
[[TENFOLD_AVX2]] void TapKinds::pair_off(uint32_t pairing) {
  constexpr ptrdiff_t kTries = 8;
  list_by_weight(pairing);
  couples_[pairing].clear();
  uint32_t *heavy = listed_.data(), *end = heavy + listed_.size();
  for (; heavy < end; ++heavy) {
    Bytes sums[kVectors], other[kVectors];
    load(sums_.data() + *heavy * kStepSums, sums);
    const Bytes room[] = {kMost - sums[0], kMost - sums[1]};
    for (uint32_t* light = end - 1; light > heavy && end - light <= kTries; --light) {
      load(sums_.data() + *light * kStepSums, other);
      if (any(Bytes(other[0] > room[0]) | Bytes(other[1] > room[1]))) continue;
      couples_[pairing].push_back({*heavy, *light});
      std::copy(light + 1, end--, light);
      break;
    }
  }
}

void TapKinds::find(const s8* tap, int vectors) {
  weigh(tap, vectors);
  for (uint32_t pairing = 0; pairing < kBytePairings; ++pairing) pair_off(pairing);
}

}  // namespace tenfold::kernels
