#include "base/mapped_file.hpp"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <map>
#include <mutex>
#include <system_error>

#include "base/error.hpp"

namespace tenfold {
namespace {

struct Descriptor {
  int fd;
  ~Descriptor() {
    if (fd >= 0) ::close(fd);
  }
};

/// The live mappings: end by beginning.
struct Mappings {
  std::mutex mutex;
  std::map<uintptr_t, uintptr_t> ends;
};
Mappings& mappings() {
  static auto* all = new Mappings;  // files may outlive static objects
  return *all;
}

size_t page_size() { return static_cast<size_t>(::sysconf(_SC_PAGESIZE)); }

std::string reason(int code) { return std::generic_category().message(code); }

}  // namespace

std::shared_ptr<const MappedFile> MappedFile::open(const std::filesystem::path& path) {
  // Not waiting for the writer of a FIFO, which is refused below.
  const Descriptor file{::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK)};
  if (file.fd < 0) {
    const int code = errno;
    fail(code == ENOENT || code == ENOTDIR ? ErrorCode::not_found : ErrorCode::io, "{}: {}", path.string(),
         reason(code));
  }
  struct stat info {};
  if (::fstat(file.fd, &info) != 0) fail(ErrorCode::io, "{}: {}", path.string(), reason(errno));
  if (!S_ISREG(info.st_mode)) fail(ErrorCode::io, "{}: not a regular file", path.string());

  // The file is mapped over the front of an anonymous mapping one page longer: that page is the slack.
  const size_t size = static_cast<size_t>(info.st_size), page = page_size();
  const size_t mapped = (size / page + 2) * page;
  void* base = ::mmap(nullptr, mapped, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (base == MAP_FAILED)
    fail(ErrorCode::io, "{}: cannot map {} bytes: {}", path.string(), mapped, reason(errno));
  const std::shared_ptr<const MappedFile> result(
      new MappedFile(static_cast<const std::byte*>(base), size, mapped));
  if (size > 0 && ::mmap(base, size, PROT_READ, MAP_PRIVATE | MAP_FIXED, file.fd, 0) == MAP_FAILED)
    fail(ErrorCode::io, "{}: cannot map: {}", path.string(), reason(errno));
  const auto begin = reinterpret_cast<uintptr_t>(base);
  const std::lock_guard lock(mappings().mutex);
  mappings().ends.emplace(begin, begin + size);
  return result;
}

MappedFile::~MappedFile() {
  {
    const std::lock_guard lock(mappings().mutex);
    mappings().ends.erase(reinterpret_cast<uintptr_t>(data_));
  }
  ::munmap(const_cast<std::byte*>(data_), mapped_);
}

void MappedFile::release_pages(const void* p, size_t size) {
  const size_t page = page_size();
  const auto from = reinterpret_cast<uintptr_t>(p), to = from + size;
  const uintptr_t first = (from + page - 1) / page * page, last = to / page * page;
  if (first >= last) return;
  const std::lock_guard lock(mappings().mutex);
  auto it = mappings().ends.upper_bound(from);
  if (it == mappings().ends.begin() || to > std::prev(it)->second) return;
  ::madvise(reinterpret_cast<void*>(first), last - first, MADV_DONTNEED);  // memory only: failure is harmless
}

}  // namespace tenfold
