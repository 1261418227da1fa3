// libFuzzer target: bytes to a graph and, where they are a model, back to bytes.
#include <span>

#include "onnx/onnx.hpp"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  try {
    const auto graph = tenfold::onnx::load(std::as_bytes(std::span(data, size)), nullptr);
    tenfold::ir::verify(graph);
    tenfold::onnx::save_to_bytes(graph);
  } catch (const tenfold::Error& e) {
    if (e.code() == tenfold::ErrorCode::internal)
      __builtin_trap();  // a broken invariant: a bug, never the input's fault
  }
  return 0;
}
