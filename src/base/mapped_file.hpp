// A file's bytes without reading them.
#pragma once

#include <cstddef>
#include <filesystem>
#include <memory>
#include <span>

namespace tenfold {

/// A read-only memory mapping of a whole regular file.  At least kSlack zero bytes are readable behind the
/// last one, so that vector loads past the end of a tensor at the end of the file stay inside the mapping.
/// The mapping outlives a rename or removal of the file; a file that another process truncates meanwhile is
/// that process's mistake.
class MappedFile {
 public:
  static constexpr size_t kSlack = 64;

  /// Throws Error: not_found, or io with the system's reason.
  static std::shared_ptr<const MappedFile> open(const std::filesystem::path& path);
  ~MappedFile();
  MappedFile(const MappedFile&) = delete;
  MappedFile& operator=(const MappedFile&) = delete;

  std::span<const std::byte> bytes() const { return {data_, size_}; }

  /// Gives back the memory of the whole pages in [p, p + size), if these bytes belong to a mapping; whoever
  /// reads them again reads the file again.  For weights that have been packed into a form of their own.
  static void release_pages(const void* p, size_t size);

 private:
  MappedFile(const std::byte* data, size_t size, size_t mapped) : data_(data), size_(size), mapped_(mapped) {}
  const std::byte* data_;
  size_t size_;
  size_t mapped_;
};

}  // namespace tenfold
