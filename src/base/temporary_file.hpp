// Writing files that are never seen half-written.
#pragma once

#include <filesystem>
#include <fstream>
#include <string_view>

namespace tenfold {

/// A file under a temporary name in the target's folder; commit() gives it its own name, an exception removes
/// it. Everything throws Error(io), naming the target.
class TemporaryFile {
 public:
  explicit TemporaryFile(const std::filesystem::path& target);
  ~TemporaryFile();
  TemporaryFile(const TemporaryFile&) = delete;
  TemporaryFile& operator=(const TemporaryFile&) = delete;

  void write(const void* data, size_t size) {
    out_.write(static_cast<const char*>(data), static_cast<std::streamsize>(size));
  }
  void commit();

 private:
  std::filesystem::path target_, path_;
  std::ofstream out_;
};

/// Creates `folder` and throws Error(io) where the `files` in it cannot be written: before hours of work
/// rather than after.
void prepare_output_folder(const std::filesystem::path& folder,
                           std::initializer_list<std::string_view> files);

/// Throws Error(invalid_argument) where `target` is the file `source`, under whatever name.
void refuse_overwriting(const std::filesystem::path& source, const std::filesystem::path& target);

/// A whole file at once.
void write_file_atomically(const std::filesystem::path& path, std::string_view bytes);

}  // namespace tenfold
