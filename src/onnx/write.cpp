// Field numbers follow onnx.proto.
#include "onnx/write.hpp"

#include <protozero/pbf_writer.hpp>

#include <algorithm>

#include "base/math.hpp"
#include "onnx/elem_type.hpp"
#include "onnx/proto.hpp"

namespace tenfold::onnx {
namespace {

using protozero::pbf_writer;

/// The IR version that belongs to an operator set: the oldest that its readers know.
int ir_version(int opset) { return opset < 15 ? 7 : opset < 19 ? 8 : opset < 21 ? 9 : 10; }

void add_entry(pbf_writer& parent, uint32_t tag, std::string_view key, std::string_view value) {
  pbf_writer entry(parent, tag);
  entry.add_string(1, key.data(), key.size());
  entry.add_string(2, value.data(), value.size());
}

void add_external(pbf_writer& w, const Tensor& t, ExternalData& external) {
  const uint64_t offset =
      (external.size + ExternalData::kAlign - 1) / ExternalData::kAlign * ExternalData::kAlign;
  add_entry(w, 13, "location", external.location);
  add_entry(w, 13, "offset", std::to_string(offset));
  add_entry(w, 13, "length", std::to_string(t.bytes()));
  w.add_enum(14, 1);
  external.pieces.push_back({offset, t});
  external.size = offset + t.bytes();
}

void add_tensor(pbf_writer& parent, uint32_t tag, std::string_view name, const Tensor& t,
                ExternalData* external) {
  pbf_writer w(parent, tag);
  const auto& dims = t.shape().dims();
  w.add_packed_int64(1, dims.begin(), dims.end());
  w.add_int32(2, static_cast<int32_t>(elem_type_of(t.dtype())));
  if (!name.empty()) w.add_string(8, name.data(), name.size());
  if (t.dtype() == DType::string) {
    for (const std::string& s : t.text()) w.add_bytes(6, s);
  } else if (external && t.bytes() >= ExternalData::kSmallest) {
    add_external(w, t, *external);
  } else {
    w.add_bytes(9, static_cast<const char*>(t.raw()), t.bytes());
  }
}

struct AttributeWriter {
  pbf_writer& w;
  void type(proto::AttributeType t) { w.add_enum(20, static_cast<int32_t>(t)); }
  void operator()(int64_t v) {
    w.add_int64(3, v);
    type(proto::AttributeType::integer);
  }
  void operator()(float v) {
    w.add_float(2, v);
    type(proto::AttributeType::number);
  }
  void operator()(const std::string& v) {
    w.add_bytes(4, v);
    type(proto::AttributeType::string);
  }
  void operator()(const Tensor& v) {
    add_tensor(w, 5, "", v, nullptr);
    type(proto::AttributeType::tensor);
  }
  void operator()(const std::vector<int64_t>& v) {
    for (const int64_t i : v) w.add_int64(8, i);
    type(proto::AttributeType::integers);
  }
  void operator()(const std::vector<float>& v) {
    for (const float f : v) w.add_float(7, f);
    type(proto::AttributeType::numbers);
  }
  void operator()(const std::vector<std::string>& v) {
    for (const std::string& s : v) w.add_bytes(9, s);
    type(proto::AttributeType::strings);
  }
};

void add_node(pbf_writer& parent, const FileNode& node) {
  pbf_writer w(parent, 1);
  for (const std::string& name : node.inputs) w.add_string(1, name);
  for (const std::string& name : node.outputs) w.add_string(2, name);
  if (!node.name.empty()) w.add_string(3, node.name);
  w.add_string(4, node.op);
  for (const auto& [name, value] : node.attrs) {
    pbf_writer a(w, 5);
    a.add_string(1, name);
    std::visit(AttributeWriter{a}, value);
  }
}

void add_value_info(pbf_writer& parent, uint32_t tag, const ir::Graph& graph, ir::ValueId id) {
  const ir::Value& value = graph.value(id);
  pbf_writer info(parent, tag);
  info.add_string(1, value.name);
  pbf_writer type(info, 2);
  pbf_writer tensor(type, 1);
  tensor.add_int32(1, static_cast<int32_t>(elem_type_of(value.dtype)));
  if (!value.shape) return;
  if (value.shape->rank() == 0)
    return tensor.add_message(2, "", 0);  // a scalar; an empty submessage would vanish
  pbf_writer shape(tensor, 2);
  for (const int64_t extent : *value.shape) {
    pbf_writer dim(shape, 1);
    if (is_symbol(extent))
      dim.add_string(2, graph.symbol_name(extent));
    else
      dim.add_int64(1, extent);
  }
}

void add_constants(pbf_writer& w, const ir::Graph& graph, const FileGraph& file, ExternalData* external) {
  std::set<std::string_view> used;
  for (const FileNode& node : file.nodes) used.insert(node.inputs.begin(), node.inputs.end());
  for (size_t i = 0; i < graph.value_count(); i++) {
    const ir::Value& value = graph.value(static_cast<ir::ValueId>(i));
    if (value.is_constant() && used.contains(value.name))
      add_tensor(w, 5, value.name, value.constant, external);
  }
  for (const auto& [name, data] : file.constants)
    if (used.contains(name)) add_tensor(w, 5, name, data, external);
}

}  // namespace

std::string write_model(const ir::Graph& graph, const FileGraph& file, int opset, ExternalData* external) {
  std::string bytes;
  pbf_writer model(bytes);
  model.add_int64(1, ir_version(opset));
  model.add_string(2, "tenfold");
  {
    pbf_writer w(model, 7);
    for (const FileNode& node : file.nodes) add_node(w, node);
    w.add_string(2, graph.name.empty() ? "graph" : graph.name);
    add_constants(w, graph, file, external);
    for (const ir::ValueId id : graph.inputs) add_value_info(w, 11, graph, id);
    for (const ir::ValueId id : graph.outputs) add_value_info(w, 12, graph, id);
  }
  {
    pbf_writer version(model, 8);
    version.add_string(1, "");
    version.add_int64(2, opset);
  }
  for (const auto& [key, value] : graph.metadata) add_entry(model, 14, key, value);
  return bytes;
}

}  // namespace tenfold::onnx
