// ONNX files in and out.
#pragma once

#include <cstddef>
#include <filesystem>
#include <memory>
#include <span>

#include "ir/graph.hpp"

namespace tenfold::onnx {

/// Reads an ONNX model (IR version 3 and newer, default-domain opsets 7 to the newest known, and the contrib
/// operators that quantizers and exporters write), rewrites it to the canonical operator set and infers
/// shapes.  The file stays memory-mapped while any tensor of the graph lives; external data is resolved
/// beside the file and may not leave its folder.  Throws Error: not_found / io, invalid_model (malformed
/// protobuf, bad references, missing external data), unsupported (operators, all of them in one message).
ir::Graph load(const std::filesystem::path& path);
/// The same from memory; `owner` keeps the bytes alive.  External data is resolved in `folder` (empty: not
/// allowed).
ir::Graph load(std::span<const std::byte> bytes, std::shared_ptr<const void> owner,
               const std::filesystem::path& folder = {});

struct SaveOptions {
  int opset = 17;              ///< 13 or 17 to 21
  bool external_data = false;  ///< tensors of 1 KiB and more go to <file>.data
};

/// Serialises a graph of canonical operators as ONNX with standard operators only (internal ones are
/// expanded).
std::string save_to_bytes(const ir::Graph& graph, const SaveOptions& options = {});
/// Writes to a temporary name beside `path`, then renames: no half-written file.
void save(const ir::Graph& graph, const std::filesystem::path& path, const SaveOptions& options = {});

}  // namespace tenfold::onnx
