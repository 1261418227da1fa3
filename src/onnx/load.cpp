#include "base/mapped_file.hpp"
#include "onnx/importer.hpp"
#include "onnx/onnx.hpp"

namespace tenfold::onnx {
namespace {

ir::Graph import(std::span<const std::byte> bytes, TensorReader& tensors) {
  const proto::Model model = proto::parse({reinterpret_cast<const char*>(bytes.data()), bytes.size()});
  return Importer(model, tensors).run();
}

}  // namespace

ir::Graph load(const std::filesystem::path& path) {
  const auto file = MappedFile::open(path);
  const std::filesystem::path folder = path.has_parent_path() ? path.parent_path() : ".";
  TensorReader tensors(file->bytes(), true, file, folder);
  try {
    return import(file->bytes(), tensors);
  } catch (const Error& e) {
    fail(e.code(), "{}: {}", path.string(), e.what());
  }
}

ir::Graph load(std::span<const std::byte> bytes, std::shared_ptr<const void> owner,
               const std::filesystem::path& folder) {
  TensorReader tensors(bytes, false, std::move(owner), folder);
  return import(bytes, tensors);
}

}  // namespace tenfold::onnx
