// Writes ONNX files field by field, so that tests can hold what the exporter never writes: old versions,
// other domains.
#pragma once

#include <protozero/pbf_writer.hpp>

#include <string>
#include <string_view>
#include <vector>

#include "onnx/elem_type.hpp"
#include "onnx/onnx.hpp"

namespace tenfold::test {

using Names = std::vector<std::string>;

/// A model of f32 inputs and outputs unless told otherwise.
class FileBuilder {
 public:
  explicit FileBuilder(int64_t opset = 17) : opset_(opset) {}

  FileBuilder& input(std::string_view name, const std::vector<int64_t>& shape, DType dtype = DType::f32) {
    graph_ += value_info(11, name, dtype, shape);
    return *this;
  }
  FileBuilder& output(std::string_view name) {
    graph_ += value_info(12, name, DType::f32, {}, false);
    return *this;
  }
  template <class T>
  FileBuilder& initializer(std::string_view name, const std::vector<int64_t>& shape,
                           const std::vector<T>& values) {
    protozero::pbf_writer graph(graph_);
    protozero::pbf_writer t(graph, 5);
    write_tensor(t, name, shape, values);
    return *this;
  }
  /// Zeros but for a 1 at the front.
  FileBuilder& sparse_initializer(std::string_view name, const std::vector<int64_t>& shape) {
    protozero::pbf_writer graph(graph_);
    protozero::pbf_writer sparse(graph, 15);
    {
      protozero::pbf_writer values(sparse, 1);
      write_tensor<float>(values, name, {1}, {1});
    }
    {
      protozero::pbf_writer indices(sparse, 2);
      write_tensor<int64_t>(indices, "", {1}, {0});
    }
    for (const int64_t d : shape) sparse.add_int64(3, d);
    return *this;
  }
  FileBuilder& node(std::string_view op, const Names& in, const Names& out, const ir::Attributes& attrs = {},
                    std::string_view domain = "") {
    graph_ += node_bytes(op, in, out, attrs, domain);
    return *this;
  }
  /// A function of the model: `body` is made of node_message().
  FileBuilder& function(std::string_view domain, std::string_view name, const Names& in, const Names& out,
                        const Names& body) {
    std::string f, version;
    protozero::pbf_writer w(f);
    w.add_string(1, name.data(), name.size());
    for (const auto& n : in) w.add_string(4, n);
    for (const auto& n : out) w.add_string(5, n);
    for (const auto& node : body) w.add_message(7, node);
    protozero::pbf_writer(version).add_int64(2, opset_);
    w.add_message(9, version);
    w.add_string(10, domain.data(), domain.size());
    protozero::pbf_writer(model_).add_message(25, f);
    return *this;
  }
  /// The bytes of a NodeProto.
  static std::string node_message(std::string_view op, const Names& in, const Names& out,
                                  const ir::Attributes& attrs = {}, std::string_view domain = "") {
    std::string bytes;
    protozero::pbf_writer w(bytes);
    for (const auto& n : in) w.add_string(1, n);
    for (const auto& n : out) w.add_string(2, n);
    w.add_string(3, "node_" + (out.empty() ? std::string(op) : out[0]));
    w.add_string(4, op.data(), op.size());
    w.add_string(7, domain.data(), domain.size());
    for (const auto& [name, value] : attrs) {
      protozero::pbf_writer a(w, 5);
      a.add_string(1, name);
      write_attribute(a, value);
    }
    return bytes;
  }

  std::string bytes() const {
    std::string all = model_;
    protozero::pbf_writer m(all);
    m.add_int64(1, 8);
    m.add_message(7, graph_);
    for (const auto& [domain, version] :
         {std::pair{std::string(), opset_}, {std::string("com.microsoft"), int64_t{1}}}) {
      protozero::pbf_writer o(m, 8);
      o.add_string(1, domain);
      o.add_int64(2, version);
    }
    return all;
  }
  ir::Graph load() const {
    const std::string file = bytes();
    ir::Graph graph = onnx::load(std::as_bytes(std::span(file)), nullptr);
    ir::verify(graph);
    return graph;
  }

 private:
  static std::string node_bytes(std::string_view op, const Names& in, const Names& out,
                                const ir::Attributes& attrs, std::string_view domain) {
    std::string field;
    protozero::pbf_writer(field).add_message(1, node_message(op, in, out, attrs, domain));
    return field;
  }
  static std::string value_info(uint32_t tag, std::string_view name, DType dtype,
                                const std::vector<int64_t>& shape, bool known = true) {
    std::string field;
    {  // each writer closes its message when it goes
      protozero::pbf_writer graph(field), info(graph, tag);
      info.add_string(1, name.data(), name.size());
      protozero::pbf_writer type(info, 2), tensor(type, 1);
      tensor.add_int32(1, static_cast<int32_t>(onnx::elem_type_of(dtype)));
      if (known) {
        std::string dims;
        for (const int64_t extent : shape) {
          std::string d;
          protozero::pbf_writer(d).add_int64(1, extent);
          protozero::pbf_writer(dims).add_message(1, d);
        }
        tensor.add_message(2, dims);
      }
    }
    return field;
  }
  template <class T>
  static void write_tensor(protozero::pbf_writer& t, std::string_view name, const std::vector<int64_t>& shape,
                           const std::vector<T>& values) {
    for (const int64_t d : shape) t.add_int64(1, d);
    t.add_int32(2, static_cast<int32_t>(onnx::elem_type_of(dtype_of<T>)));
    t.add_string(8, name.data(), name.size());
    t.add_bytes(9, reinterpret_cast<const char*>(values.data()), values.size() * sizeof(T));
  }
  static void write_attribute(protozero::pbf_writer& a, const ir::Attribute& value) {
    if (const auto* i = std::get_if<int64_t>(&value)) {
      a.add_int64(3, *i);
      a.add_enum(20, 2);
    }
    if (const auto* f = std::get_if<float>(&value)) {
      a.add_float(2, *f);
      a.add_enum(20, 1);
    }
    if (const auto* s = std::get_if<std::string>(&value)) {
      a.add_bytes(4, *s);
      a.add_enum(20, 3);
    }
    if (const auto* v = std::get_if<std::vector<int64_t>>(&value)) {
      for (const int64_t i : *v) a.add_int64(8, i);
      a.add_enum(20, 7);
    }
    if (const auto* v = std::get_if<std::vector<float>>(&value)) {
      for (const float f : *v) a.add_float(7, f);
      a.add_enum(20, 6);
    }
  }

  int64_t opset_;
  std::string graph_, model_;
};

}  // namespace tenfold::test
