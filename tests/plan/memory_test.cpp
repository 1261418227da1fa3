#include <gtest/gtest.h>

#include <random>

#include "plan/plan.hpp"

namespace tenfold::plan {
namespace {

TEST(Memory, LiveBuffersNeverOverlap) {
  std::mt19937 rng(1);
  for (int round = 0; round < 50; round++) {
    std::vector<Buffer> buffers;
    for (int i = 0; i < 40; i++) {
      const int first = static_cast<int>(rng() % 30);
      buffers.push_back({64 * (1 + rng() % 100), first, first + static_cast<int>(rng() % 6)});
    }
    const size_t total = assign_offsets(buffers);
    for (size_t i = 0; i < buffers.size(); i++) {
      const Buffer& a = buffers[i];
      ASSERT_LE(a.offset + a.bytes, total);
      for (size_t j = 0; j < i; j++) {
        const Buffer& b = buffers[j];
        const bool together = a.first <= b.last && b.first <= a.last;
        const bool overlap = a.offset < b.offset + b.bytes && b.offset < a.offset + a.bytes;
        ASSERT_FALSE(together && overlap);
      }
    }
  }
}

TEST(Memory, MoreThanCanBeAddressedStaysMoreThanCanBeAllocated) {
  std::vector<Buffer> all(64, {size_t{1} << 60, 0, 1});
  EXPECT_GE(assign_offsets(all), size_t{1} << 62);
}

TEST(Memory, ReusesWhatIsDead) {
  std::vector<Buffer> chain{{1024, 0, 1}, {1024, 1, 2}, {1024, 2, 3}, {1024, 3, 4}};
  EXPECT_EQ(assign_offsets(chain), 2048u);
}

}  // namespace
}  // namespace tenfold::plan
