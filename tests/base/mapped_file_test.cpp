// Memory-mapped files.
#include "base/mapped_file.hpp"

#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

namespace tenfold {
namespace {

/// Pages of this process that files back and that are in memory.
long file_pages() {
  std::ifstream statm("/proc/self/statm");
  long size = 0, resident = 0, shared = 0;
  statm >> size >> resident >> shared;
  return shared;
}

TEST(MappedFile, ReleasedPagesLeaveMemoryAndAreReadAgain) {
  constexpr size_t kSize = 8 << 20;
  const auto path = std::filesystem::temp_directory_path() / ("tenfold-mapped-" + std::to_string(::getpid()));
  std::ofstream(path, std::ios::binary) << std::string(kSize, 'x');
  const auto file = MappedFile::open(path);
  std::filesystem::remove(path);
  const auto bytes = file->bytes();
  const auto intact = [&] {
    return std::all_of(bytes.begin(), bytes.end(), [](std::byte b) { return b == std::byte{'x'}; });
  };
  const long before = file_pages();
  ASSERT_TRUE(intact());
  const long page = ::sysconf(_SC_PAGESIZE), all = long(kSize) / page;
  EXPECT_GE(file_pages() - before, all / 2);
  MappedFile::release_pages(bytes.data() + 10, kSize - 20);  // neither the first nor the last page is whole
  EXPECT_LT(file_pages() - before, all / 4);
  EXPECT_TRUE(intact());
}

TEST(MappedFile, OtherMemoryIsNotReleased) {
  std::vector<char> memory(1 << 20, 'y');
  MappedFile::release_pages(memory.data(), memory.size());
  EXPECT_EQ(std::count(memory.begin(), memory.end(), 'y'), ptrdiff_t(memory.size()));
}

}  // namespace
}  // namespace tenfold
