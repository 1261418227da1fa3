#include "base/temporary_file.hpp"

#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <string>
#include <system_error>

#include "base/error.hpp"

namespace tenfold {

TemporaryFile::TemporaryFile(const std::filesystem::path& target) : target_(target) {
  std::error_code absent;
  if (std::filesystem::is_symlink(target, absent))
    target_ = std::filesystem::weakly_canonical(target, absent);
  // The rename at the end would put a file in the place of a device or pipe.
  if (std::filesystem::exists(target_, absent) && !std::filesystem::is_regular_file(target_, absent))
    fail(ErrorCode::io, "{}: not a regular file; name one to write", target.string());
  std::string pattern = target_.string() + ".XXXXXX";
  const int fd = ::mkstemp(pattern.data());
  if (fd < 0)
    fail(ErrorCode::io, "{}: cannot be written: {}", target.string(), std::generic_category().message(errno));
  ::fchmod(fd, 0644);
  ::close(fd);
  path_ = pattern;
  out_.open(path_, std::ios::binary | std::ios::trunc);
}

TemporaryFile::~TemporaryFile() {
  std::error_code ignored;
  if (!path_.empty()) std::filesystem::remove(path_, ignored);
}

void TemporaryFile::commit() {
  out_.close();
  if (!out_) fail(ErrorCode::io, "{}: writing failed (disk full?)", target_.string());
  std::error_code error;
  std::filesystem::rename(path_, target_, error);
  if (error) fail(ErrorCode::io, "{}: {}", target_.string(), error.message());
  path_.clear();
}

void prepare_output_folder(const std::filesystem::path& folder,
                           std::initializer_list<std::string_view> files) {
  std::error_code error;
  std::filesystem::create_directories(folder, error);
  if (error || !std::filesystem::is_directory(folder))
    fail(ErrorCode::io, "cannot create the output folder '{}': {}", folder.string(),
         error ? error.message() : "it is a file");
  for (const std::string_view file : files) const TemporaryFile probe(folder / file);
}

void refuse_overwriting(const std::filesystem::path& source, const std::filesystem::path& target) {
  std::error_code absent;
  if (std::filesystem::equivalent(source, target, absent))
    fail(ErrorCode::invalid_argument, "{}: is the model to be read; write to another folder",
         target.string());
}

void write_file_atomically(const std::filesystem::path& path, std::string_view bytes) {
  TemporaryFile file(path);
  file.write(bytes.data(), bytes.size());
  file.commit();
}

}  // namespace tenfold
