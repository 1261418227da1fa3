// TensorProto to Tensor.
#pragma once

#include <filesystem>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "base/mapped_file.hpp"
#include "onnx/proto.hpp"
#include "tensor/tensor.hpp"

namespace tenfold::onnx {

/// Turns the tensors of one model file into Tensors.  Data that lies aligned in the file is used in place and
/// keeps the file's bytes alive; all else is copied.  float16 and bfloat16 widen to f32; int4 and uint4 to s8
/// and u8.
class TensorReader {
 public:
  /// `slack` says that kTensorSlack bytes are readable behind the end of `bytes`.  An empty `folder` forbids
  /// external data.
  TensorReader(std::span<const std::byte> bytes, bool slack, std::shared_ptr<const void> owner,
               std::filesystem::path folder)
      : bytes_(bytes), slack_(slack), owner_(std::move(owner)), folder_(std::move(folder)) {}

  /// Throws invalid_model (wrong sizes, bad external reference), unsupported (element type), not_found
  /// (external file).
  Tensor read(const proto::Tensor& source);
  /// A sparse tensor with the zeros written out.
  Tensor read_dense(const proto::SparseTensor& source);

 private:
  struct Bytes {
    std::string_view data;
    bool slack;
    std::shared_ptr<const void> owner;
  };
  Bytes external(const proto::Tensor& source, size_t expected);

  std::span<const std::byte> bytes_;
  bool slack_;
  std::shared_ptr<const void> owner_;
  std::filesystem::path folder_;
  std::map<std::string, std::shared_ptr<const MappedFile>, std::less<>> files_;
  int64_t dense_bytes_ = 0;  // of all sparse tensors so far
};

/// The file that an external-data `location` names, checked to stay inside `folder` even through symbolic
/// links.
std::filesystem::path resolve_external(const std::filesystem::path& folder, std::string_view location,
                                       std::string_view tensor);

}  // namespace tenfold::onnx
