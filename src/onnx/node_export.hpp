// One canonical node on its way to the operators of a chosen version: what a lowering sees.
#pragma once

#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "ir/graph.hpp"

namespace tenfold::onnx {

/// A node as it will be written.  An empty input or output name is an omitted one.
struct FileNode {
  std::string op, name;
  std::vector<std::string> inputs, outputs;
  ir::Attributes attrs;
};

/// Everything that goes into the file besides inputs and outputs.
struct FileGraph {
  std::vector<FileNode> nodes;
  std::vector<std::pair<std::string, Tensor>> constants;  ///< made by lowerings
  std::set<std::string, std::less<>> names;               ///< of all values
  std::set<std::string, std::less<>> node_names;          ///< readers want these unique too
  std::string unique(std::string_view stem) { return claim(names, stem); }
  std::string unique_node(std::string_view stem) {
    return stem.empty() ? std::string() : claim(node_names, stem);
  }

 private:
  static std::string claim(std::set<std::string, std::less<>>& taken, std::string_view stem);
};

/// Lowerings read the node and emit file nodes; finish() makes the node's own outputs.
class NodeExport {
 public:
  NodeExport(const ir::Graph& graph, const ir::Node& node, int opset, FileGraph& file);

  const ir::Graph& graph;
  const ir::Node& node;
  const int opset;
  ir::Attributes attrs;
  std::vector<std::string> inputs, outputs;

  bool has_input(size_t i) const { return i < inputs.size() && !inputs[i].empty(); }
  const Tensor* constant_of(size_t i) const { return graph.constant(node.input(i)); }
  /// The shape of input i, or nullptr while its rank is unknown.
  const Shape* shape_of(size_t i) const;
  /// The rank of input i, which the lowering cannot do without.
  int need_rank(size_t i) const;
  /// The integers in constant input i, which an older version keeps in an attribute.
  std::vector<int64_t> need_ints(size_t i) const;
  DType dtype_of(size_t i) const { return graph.value(node.input(i)).dtype; }

  std::string constant(Tensor data, std::string_view stem);
  /// A scalar of the element type of input 0, which every standard arithmetic operator wants of all its
  /// inputs.
  std::string scalar(double value, std::string_view stem);
  std::string ints(const std::vector<int64_t>& values, std::string_view stem);
  std::string emit(std::string op, std::vector<std::string> in, ir::Attributes attributes = {});
  void finish(std::string op, std::vector<std::string> in, ir::Attributes attributes = {});
  /// The node as it is, with `attrs` and `inputs` as the lowering left them.
  void keep() { finish(node.op, inputs, attrs); }
  /// Removes an attribute that the version does not know where its value is the default; refuses any other.
  template <class T>
  void drop_default(std::string_view attribute, const T& value) {
    const ir::Attribute* found = attrs.find(attribute);
    if (!found) return;
    const T* held = std::get_if<T>(found);
    if (!held || *held != value)
      unsupported(fmt::format("attribute '{}' came with a later version", attribute));
    attrs.erase(attribute);
  }
  [[noreturn]] void unsupported(std::string_view why) const;

 private:
  FileGraph& file_;
};

/// `lower` writes `op` for operator sets below version `below`; from there on the operator is written as it
/// is.
struct Lowering {
  std::string_view op;
  int64_t below;
  void (*lower)(NodeExport&);
};

inline constexpr int64_t kAllVersions = INT64_MAX;

/// The lowering for an operator at a version, nullptr where it is written as it is.
const Lowering* find_lowering(std::string_view op, int opset);

std::span<const Lowering> version_lowerings();    // inputs back to attributes, attributes that came later
std::span<const Lowering> expansion_lowerings();  // operators that a version lacks, as standard ones

}  // namespace tenfold::onnx
