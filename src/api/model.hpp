// Loading for every front end: file or bytes to a canonical graph.
#pragma once

#include <filesystem>
#include <span>

#include "exec/session.hpp"
#include "ir/graph.hpp"

namespace tenfold::api {

/// Loads an ONNX file and runs the canonicalise pipeline: what every command starts from.
ir::Graph load_model(const std::filesystem::path& path);
/// The same from bytes, which are copied.
ir::Graph load_model(std::span<const std::byte> bytes);

/// Throws what onnx::save() would for a file that cannot be written or an operator set that it does not know:
/// before the work rather than after.
void check_target(const std::filesystem::path& out, int opset);

}  // namespace tenfold::api
