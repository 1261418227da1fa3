#include "api/model.hpp"

#include "base/temporary_file.hpp"
#include "onnx/onnx.hpp"
#include "passes/pass.hpp"

namespace tenfold::api {
namespace {

ir::Graph canonical(ir::Graph graph) {
  passes::run(graph, passes::Stage::canonicalise, {.verify = passes::Verify::at_end});
  return graph;
}

}  // namespace

ir::Graph load_model(const std::filesystem::path& path) { return canonical(onnx::load(path)); }

ir::Graph load_model(std::span<const std::byte> bytes) {
  const auto copy = std::make_shared<const std::vector<std::byte>>(bytes.begin(), bytes.end());
  return canonical(onnx::load(*copy, copy));
}

void check_target(const std::filesystem::path& out, int opset) {
  onnx::save_to_bytes(ir::Graph{}, {.opset = opset});
  const TemporaryFile probe(out);
}

}  // namespace tenfold::api
