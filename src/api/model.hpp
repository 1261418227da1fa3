// Loading for every front end: file or bytes to a canonical graph.
#pragma once

#include <filesystem>
#include <span>

#include "exec/session.hpp"
#include "ir/graph.hpp"
#include "quant/executor.hpp"

namespace tenfold::api {

/// Loads an ONNX file and runs the canonicalise pipeline: what every command starts from.
ir::Graph load_model(const std::filesystem::path& path);
/// The same from bytes, which are copied.
ir::Graph load_model(std::span<const std::byte> bytes);

/// Runs graphs on the native engine, for calibration.
quant::Compile native_compile(int threads);

}  // namespace tenfold::api
