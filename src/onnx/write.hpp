// The messages of onnx.proto that the exporter writes.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "onnx/node_export.hpp"

namespace tenfold::onnx {

/// Tensor data that goes beside the model: offsets into one file, which write_model fills.
struct ExternalData {
  static constexpr size_t kSmallest = 1024;  ///< bytes; smaller tensors stay in the model
  static constexpr uint64_t kAlign = 64;     ///< so that a mapped file's tensors can be used in place

  struct Piece {
    uint64_t offset;
    Tensor data;
  };
  std::string location;  ///< file name, relative to the model
  std::vector<Piece> pieces;
  uint64_t size = 0;
};

/// The file's bytes.  Tensors of kSmallest bytes and more go to `external` where it is given.
std::string write_model(const ir::Graph& graph, const FileGraph& file, int opset, ExternalData* external);

}  // namespace tenfold::onnx
