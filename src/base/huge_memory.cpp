#include "base/huge_memory.hpp"

#include <sys/mman.h>

#include <cstdint>
#include <mutex>
#include <new>

namespace tenfold {
namespace {

constexpr size_t kHugePage = size_t{2} << 20;
constexpr size_t kBoundary = 64;
/// Large enough that few blocks straddle or miss a mapping, small enough that one surviving block pins
/// little.
constexpr size_t kChunk = 4 * kHugePage;

constexpr size_t rounded(size_t size, size_t to) { return (size + to - 1) / to * to; }

/// A mapping whose usable part starts at a huge page; pages that nobody touches take no memory.
class Chunk {
 public:
  explicit Chunk(size_t size) : size_(rounded(size, kHugePage)) {
    void* p = ::mmap(nullptr, size_ + kHugePage, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (p == MAP_FAILED) throw std::bad_alloc();
    mapping_ = static_cast<std::byte*>(p);
    begin_ = mapping_ + (kHugePage - reinterpret_cast<uintptr_t>(p) % kHugePage) % kHugePage;
    ::madvise(begin_, size_, MADV_HUGEPAGE);  // where it fails, small pages do
  }
  ~Chunk() { ::munmap(mapping_, size_ + kHugePage); }
  Chunk(const Chunk&) = delete;
  Chunk& operator=(const Chunk&) = delete;

  /// Null where it does not fit.
  std::byte* take(size_t size) {
    if (size > size_ - used_) return nullptr;
    std::byte* p = begin_ + used_;
    used_ += size;
    return p;
  }

 private:
  const size_t size_;
  size_t used_ = 0;
  std::byte *mapping_, *begin_;
};

}  // namespace

std::shared_ptr<std::byte> zeroed_memory(size_t size) {
  static std::mutex mutex;
  static std::weak_ptr<Chunk> current;
  if (size > PTRDIFF_MAX - 2 * kHugePage) throw std::bad_alloc();
  const size_t bytes = rounded(size + 1, kBoundary);  // a block of no bytes has an address too
  const std::lock_guard lock(mutex);
  std::shared_ptr<Chunk> chunk = current.lock();
  std::byte* p = chunk ? chunk->take(bytes) : nullptr;
  if (!p) {
    chunk = std::make_shared<Chunk>(bytes > kChunk ? bytes : kChunk);
    p = chunk->take(bytes);
    current = chunk;
  }
  return {chunk, p};
}

}  // namespace tenfold
