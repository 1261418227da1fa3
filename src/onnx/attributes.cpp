// Attributes of a node in the file to those of the graph.
#include "onnx/importer.hpp"

namespace tenfold::onnx {

ir::Attribute Importer::import_attribute(const proto::Attribute& a) {
  using proto::AttributeType;
  switch (a.type) {
    case AttributeType::number:
      return a.f;
    case AttributeType::integer:
      return a.i;
    case AttributeType::string:
      return std::string(a.s);
    case AttributeType::tensor:
      return tensors_.read(*a.t);
    case AttributeType::numbers:
      return a.floats;
    case AttributeType::integers:
      return a.ints;
    case AttributeType::strings:
      return std::vector<std::string>(a.strings.begin(), a.strings.end());
    case AttributeType::sparse_tensor:
      return tensors_.read_dense(*a.sparse);
    default:
      break;
  }
  fail(ErrorCode::unsupported, "attribute '{}' is of kind {}", a.name, static_cast<int>(a.type));
}

ir::Attributes Importer::import_attributes(const proto::Node& source, const Scope& scope) {
  ir::Attributes attrs;
  for (const proto::Attribute& a : source.attributes) {
    if (a.type == proto::AttributeType::graph && a.ref_name.empty())
      continue;  // If reads its branches itself
    if (a.ref_name.empty()) {
      attrs.set(a.name, import_attribute(a));
    } else if (!scope.call) {
      fail(ErrorCode::invalid_model,
           "attribute '{}' of node '{}' refers to a function's attribute outside of a function", a.name,
           source.name);
    } else if (const ir::Attribute* value = scope.call->find(a.ref_name)) {
      attrs.set(a.name, *value);  // an attribute that the call leaves out is left out here too
    }
  }
  return attrs;
}

}  // namespace tenfold::onnx
