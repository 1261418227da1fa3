// What AVX2 can sum exactly of the steps of a packed GEMM (SortedSteps in packed.hpp), found from the
// weights.
#pragma once

#include <array>
#include <span>
#include <vector>

#include "kernels/packed.hpp"

namespace tenfold::kernels {

/// Two plain steps of a tap.
struct Couple {
  uint32_t first, second;
};

/// The steps of a tap of a panel, which has one or two vectors of 32 weights.  Compiled for AVX2 where there
/// is such a thing: only the layout of that ISA has sorted steps.
class TapKinds {
 public:
  static constexpr int kVectors = 2, kVectorBytes = 32;

  explicit TapKinds(int64_t steps);

  /// Looks at the next tap, of a panel of so many vectors.
  void find(const s8* tap, int vectors);
  /// Of every step: 4 * its pairing of bytes + its exact vectors, bit v for vector v.
  std::span<const uint8_t> kinds() const { return kinds_; }
  /// Plain steps of one pairing that are couples; each is in one of them at most.
  std::span<const Couple> couples(uint32_t pairing) const { return couples_[pairing]; }

 private:
  void weigh(const s8* tap, int vectors);
  void pair_off(uint32_t pairing);
  void list_by_weight(uint32_t pairing);

  /// Of plain steps: for every pair of bytes what the positive weights add up to, and the negative ones.
  std::vector<uint8_t> sums_;
  std::vector<uint8_t> kinds_, heaviest_;  ///< heaviest: the largest of a step's sums
  std::vector<uint32_t> listed_;
  std::array<std::vector<Couple>, kBytePairings> couples_;
};

}  // namespace tenfold::kernels
