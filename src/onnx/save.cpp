#include "base/temporary_file.hpp"
#include "onnx/engine_only.hpp"
#include "onnx/onnx.hpp"
#include "onnx/write.hpp"

namespace tenfold::onnx {
namespace {

namespace fs = std::filesystem;

/// Protobuf messages end at 2 GiB; what is not tensor data fits into the rest.
constexpr uint64_t kMaxTensorBytes = (uint64_t{1} << 31) - (uint64_t{64} << 20);

FileGraph lower(const ir::Graph& graph, int opset) {
  if (opset != 13 && (opset < 17 || opset > 21))
    fail(ErrorCode::invalid_argument, "operator set {} cannot be written; choose 13 or 17 to 21", opset);
  FileGraph file;
  for (size_t i = 0; i < graph.value_count(); i++)
    file.names.insert(graph.value(static_cast<ir::ValueId>(i)).name);
  for (const ir::NodeId id : graph.topological_order()) {
    const ir::Node& node = graph.node(id);
    ensure(!is_engine_operator(node.op) && !(node.op == "Attention" && node.attrs.has("strides")),
           "{} '{}' is a form that only the engine has", node.op, node.name);
    for (const std::string_view name : kEngineAttributes)
      ensure(!node.attrs.has(name), "{} '{}' has the attribute '{}', which no ONNX file may hold", node.op,
             node.name, name);
    NodeExport n(graph, node, opset, file);
    if (const Lowering* lowering = find_lowering(node.op, opset))
      lowering->lower(n);
    else
      n.keep();
  }
  return file;
}

/// An output that is a constant gets a node to come from; readers want every output produced or fed.
ir::Graph with_produced_outputs(const ir::Graph& graph) {
  ir::Graph copy = graph;
  for (ir::ValueId& out : copy.outputs) {
    if (!copy.value(out).is_constant()) continue;
    const std::string name = copy.value(out).name;
    copy.value(out).name = copy.unique_name(name + "_constant");
    const ir::ValueId produced =
        copy.add_value(copy.unique_name(name + "_output"), copy.value(out).dtype, copy.value(out).shape);
    copy.add_node_onto("Identity", {out}, {produced});
    copy.value(produced).name = name;
    out = produced;
  }
  return copy;
}

bool has_constant_output(const ir::Graph& graph) {
  for (const ir::ValueId out : graph.outputs)
    if (graph.value(out).is_constant()) return true;
  return false;
}

uint64_t tensor_bytes(const ir::Graph& graph) {
  uint64_t total = 0;
  for (size_t i = 0; i < graph.value_count(); i++)
    if (const auto& v = graph.value(static_cast<ir::ValueId>(i)); v.is_constant())
      total += v.constant.bytes();
  return total;
}

void write_external(const ExternalData& external, const fs::path& path) {
  TemporaryFile file(path);
  uint64_t at = 0;
  const std::string padding(ExternalData::kAlign, '\0');
  for (const auto& piece : external.pieces) {
    file.write(padding.data(), piece.offset - at);
    file.write(piece.data.raw(), piece.data.bytes());
    at = piece.offset + piece.data.bytes();
  }
  file.commit();
}

}  // namespace

std::string save_to_bytes(const ir::Graph& graph, const SaveOptions& options) {
  if (has_constant_output(graph)) return save_to_bytes(with_produced_outputs(graph), options);
  if (options.external_data) fail(ErrorCode::invalid_argument, "external data needs a path to lie beside");
  if (tensor_bytes(graph) > kMaxTensorBytes)
    fail(ErrorCode::unsupported, "over 2 GB of tensors do not fit one message: save to a path");
  return write_model(graph, lower(graph, options.opset), options.opset, nullptr);
}

void save(const ir::Graph& graph, const fs::path& path, const SaveOptions& options) {
  if (has_constant_output(graph)) return save(with_produced_outputs(graph), path, options);
  const FileGraph file = lower(graph, options.opset);
  ExternalData external{path.filename().string() + ".data", {}, 0};
  const bool beside = options.external_data || tensor_bytes(graph) > kMaxTensorBytes;
  const std::string bytes = write_model(graph, file, options.opset, beside ? &external : nullptr);
  TemporaryFile model(path);
  model.write(bytes.data(), bytes.size());
  if (!external.pieces.empty()) write_external(external, path.string() + ".data");
  model.commit();
}

}  // namespace tenfold::onnx
