// Tensor data in files beside the model.
#include <charconv>

#include "onnx/tensor_data.hpp"

namespace tenfold::onnx {
namespace {

namespace fs = std::filesystem;

size_t parse_size(std::string_view text, std::string_view key, std::string_view tensor) {
  uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size())
    fail(ErrorCode::invalid_model, "tensor '{}': external data {} '{}' is not a number", tensor, key,
         text.substr(0, 40));
  return value;
}

}  // namespace

fs::path resolve_external(const fs::path& folder, std::string_view location, std::string_view tensor) {
  const fs::path relative(location);
  if (location.empty() || location.find('\0') != std::string_view::npos || relative.is_absolute())
    fail(ErrorCode::invalid_model,
         "tensor '{}': external data location '{}' is not a path relative to the model", tensor, location);
  for (const fs::path& part : relative)
    if (part == "..")
      fail(ErrorCode::invalid_model, "tensor '{}': external data location '{}' leaves the model's folder",
           tensor, location);

  std::error_code error;
  const fs::path root = fs::weakly_canonical(folder, error);
  const fs::path target = error ? fs::path() : fs::weakly_canonical(folder / relative, error);
  if (error) fail(ErrorCode::io, "tensor '{}': external data '{}': {}", tensor, location, error.message());
  const fs::path inside = target.lexically_relative(root);
  if (inside.empty() || *inside.begin() == "..")
    fail(ErrorCode::invalid_model,
         "tensor '{}': external data location '{}' leaves the model's folder through a symbolic link", tensor,
         location);
  return target;
}

TensorReader::Bytes TensorReader::external(const proto::Tensor& source, size_t expected) {
  std::string_view location;
  size_t offset = 0, length = expected;
  for (const auto& [key, value] : source.external_data) {
    if (key == "location")
      location = value;
    else if (key == "offset")
      offset = parse_size(value, key, source.name);
    else if (key == "length")
      length = parse_size(value, key, source.name);
  }
  if (folder_.empty())
    fail(ErrorCode::invalid_model,
         "tensor '{}' lies in the external file '{}': load the model from its path instead of from memory",
         source.name, location);
  auto it = files_.find(location);
  if (it == files_.end()) {
    const fs::path path = resolve_external(folder_, location, source.name);
    try {
      it = files_.emplace(std::string(location), MappedFile::open(path)).first;
    } catch (const Error& e) {
      fail(e.code(), "external data of tensor '{}' is missing or unreadable: {}", source.name, e.what());
    }
  }
  const std::span<const std::byte> bytes = it->second->bytes();
  if (offset > bytes.size() || length > bytes.size() - offset)
    fail(ErrorCode::invalid_model,
         "tensor '{}': external file '{}' has {} bytes, and bytes {} to {} + {} are asked for", source.name,
         location, bytes.size(), offset, offset, length);
  return {{reinterpret_cast<const char*>(bytes.data()) + offset, length}, true, it->second};
}

}  // namespace tenfold::onnx
