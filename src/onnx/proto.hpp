// The messages of onnx.proto that the importer reads, as plain structs over the bytes of the file.
#pragma once

#include <cstdint>
#include <memory>
#include <string_view>
#include <utility>
#include <vector>

namespace tenfold::onnx::proto {

/// Every string_view points into the file; a struct lives no longer than the bytes do.
struct Graph;

struct Tensor {
  std::string_view name;
  std::vector<int64_t> dims;
  int64_t data_type = 0;
  std::string_view raw;
  bool has_raw = false, external = false;
  std::vector<float> floats;
  std::vector<double> doubles;
  std::vector<int64_t> integers;  // int32_data, int64_data or uint64_data
  std::vector<std::string_view> strings;
  std::vector<std::pair<std::string_view, std::string_view>> external_data;
};

struct SparseTensor {
  Tensor values, indices;
  std::vector<int64_t> dims;
};

enum class AttributeType {
  undefined = 0,
  number = 1,
  integer = 2,
  string = 3,
  tensor = 4,
  graph = 5,
  numbers = 6,
  integers = 7,
  strings = 8,
  tensors = 9,
  graphs = 10,
  sparse_tensor = 11,
  sparse_tensors = 12,
  type = 13,
  types = 14,
};

struct Attribute {
  std::string_view name, ref_name;
  AttributeType type = AttributeType::undefined;
  float f = 0;
  int64_t i = 0;
  std::string_view s;
  std::unique_ptr<Tensor> t;
  std::unique_ptr<SparseTensor> sparse;
  std::unique_ptr<Graph> g;
  std::vector<float> floats;
  std::vector<int64_t> ints;
  std::vector<std::string_view> strings;
};

struct Node {
  std::vector<std::string_view> inputs, outputs;
  std::string_view name, op_type, domain, overload;
  std::vector<Attribute> attributes;
  const Attribute* find(std::string_view attribute) const {
    for (const Attribute& a : attributes)
      if (a.name == attribute) return &a;
    return nullptr;
  }
};

struct Dimension {
  int64_t value = -1;
  std::string_view param;
};  // neither: unknown

enum class TypeKind { none, tensor, sequence, map, optional, sparse_tensor };

struct ValueInfo {
  std::string_view name;
  TypeKind kind = TypeKind::none;
  int64_t elem_type = 0;
  bool has_shape = false;
  std::vector<Dimension> dims;
};

struct Graph {
  std::string_view name;
  std::vector<Node> nodes;
  std::vector<Tensor> initializers;
  std::vector<SparseTensor> sparse_initializers;
  std::vector<ValueInfo> inputs, outputs, value_info;
};

struct OpsetId {
  std::string_view domain;
  int64_t version = 0;
};

struct Function {
  std::string_view name, domain, overload;
  std::vector<std::string_view> inputs, outputs;
  std::vector<Attribute> attribute_defaults;
  std::vector<Node> nodes;
  std::vector<OpsetId> opsets;
};

struct Model {
  int64_t ir_version = 0;
  std::vector<OpsetId> opsets;
  std::vector<std::pair<std::string_view, std::string_view>> metadata;
  std::unique_ptr<Graph> graph;
  std::vector<Function> functions;
};

/// Reads the bytes of a model.  Throws invalid_model with the place of the damage.
Model parse(std::string_view bytes);

}  // namespace tenfold::onnx::proto
