#include "base/huge_memory.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <new>
#include <thread>
#include <vector>

namespace tenfold {
namespace {

bool all_are(const std::byte* p, size_t size, std::byte value) {
  return std::all_of(p, p + size, [&](std::byte b) { return b == value; });
}

TEST(HugeMemory, BlocksAreAlignedZeroedAndApart) {
  const std::vector<size_t> sizes{0, 1, 63, 64, 65, 100'000, 3 << 20, 20 << 20, 5 << 20, 1};
  std::vector<std::shared_ptr<std::byte>> blocks;
  for (size_t size : sizes) {
    blocks.push_back(zeroed_memory(size));
    ASSERT_NE(blocks.back(), nullptr);
    EXPECT_EQ(reinterpret_cast<uintptr_t>(blocks.back().get()) % 64, 0u);
    EXPECT_TRUE(all_are(blocks.back().get(), size, std::byte{0}));
    std::memset(blocks.back().get(), static_cast<int>(blocks.size()), size);
  }
  for (size_t i = 0; i < blocks.size(); i++)
    EXPECT_TRUE(all_are(blocks[i].get(), sizes[i], static_cast<std::byte>(i + 1))) << sizes[i];
}

TEST(HugeMemory, OutlivesItsNeighbours) {
  std::shared_ptr<std::byte> kept;
  for (int round = 0; round < 20; round++) {
    const auto before = zeroed_memory(1 << 20);
    const auto block = zeroed_memory(1 << 20);
    EXPECT_TRUE(all_are(block.get(), 1 << 20, std::byte{0}));  // never memory that was used before
    std::memset(block.get(), 7, 1 << 20);
    kept = block;
  }
  EXPECT_TRUE(all_are(kept.get(), 1 << 20, std::byte{7}));
}

TEST(HugeMemory, ThreadsGetBlocksOfTheirOwn) {
  std::vector<std::thread> threads;
  std::vector<int> wrong(4);
  for (size_t t = 0; t < wrong.size(); t++)
    threads.emplace_back([&, t] {
      std::vector<std::shared_ptr<std::byte>> blocks;
      for (int i = 0; i < 200; i++) {
        blocks.push_back(zeroed_memory(5000));
        std::memset(blocks.back().get(), static_cast<int>(t + 1), 5000);
      }
      for (const auto& b : blocks) wrong[t] += !all_are(b.get(), 5000, static_cast<std::byte>(t + 1));
    });
  for (std::thread& t : threads) t.join();
  EXPECT_EQ(wrong, std::vector<int>(4));
}

TEST(HugeMemory, ImpossibleSizesThrow) {
  EXPECT_THROW(zeroed_memory(SIZE_MAX), std::bad_alloc);
  EXPECT_THROW(zeroed_memory(size_t{1} << 60), std::bad_alloc);
}

}  // namespace
}  // namespace tenfold
