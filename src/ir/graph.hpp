// The graph: values, nodes, and the edits that keep them consistent.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "ir/attributes.hpp"
#include "tensor/tensor.hpp"

namespace tenfold::ir {

using ValueId = int32_t;
using NodeId = int32_t;
/// An omitted optional input, a value without producer, ...
inline constexpr int32_t kNone = -1;

/// One tensor of the graph.  `shape` is absent while the rank is unknown.
struct Value {
  std::string name;
  DType dtype = DType::f32;
  std::optional<Shape> shape;
  NodeId producer = kNone;
  Tensor constant;  ///< non-empty: an initializer (no producer)
  /// What shape inference knows of a small integer tensor (rank 0 or 1), symbols included: Shape(x) is [?0,
  /// 3, 48, ?1].
  std::optional<std::vector<int64_t>> content;
  std::vector<NodeId> consumers;  ///< one entry per use
  bool is_constant() const { return !constant.empty(); }
};

/// One operation in canonical form: the newest ONNX operator version that `ops/` knows, or an internal
/// operator.
struct Node {
  std::string op;    ///< canonical operator name, see ops/all_ops.inc
  std::string name;  ///< for people; not unique
  Attributes attrs;
  std::vector<ValueId> inputs;   ///< kNone for an omitted optional input
  std::vector<ValueId> outputs;  ///< kNone for an unused optional output, which is never the first
  bool alive = true;

  ValueId input(size_t i) const { return i < inputs.size() ? inputs[i] : kNone; }
  ValueId output(size_t i = 0) const { return i < outputs.size() ? outputs[i] : kNone; }
};

/// A computation as a directed acyclic graph of single-assignment values.
/// Ids are stable: removing a node or value leaves a tombstone, compact() renumbers.
class Graph {
 public:
  std::string name;
  std::map<std::string, std::string> metadata;  ///< ONNX metadata_props
  std::vector<ValueId> inputs, outputs;

  // Values
  ValueId add_value(std::string name, DType dtype, std::optional<Shape> shape = std::nullopt);
  ValueId add_input(std::string name, DType dtype, Shape shape);
  ValueId add_constant(std::string name, Tensor data);
  Value& value(ValueId id) { return values_[check(id, values_.size())]; }
  const Value& value(ValueId id) const { return values_[check(id, values_.size())]; }
  size_t value_count() const { return values_.size(); }
  bool is_output(ValueId id) const;
  bool is_input(ValueId id) const;
  /// The constant behind an input, or nullptr (also for kNone).
  const Tensor* constant(ValueId id) const;
  /// The only consumer of a value that is not a graph output, or kNone.
  NodeId single_consumer(ValueId id) const;
  /// The node that produces `id`, or nullptr.
  const Node* producer(ValueId id) const;
  std::string unique_name(std::string_view stem);
  /// Room for so many values and nodes in all, where a caller knows how many will come.
  void reserve(size_t values, size_t nodes);

  // Nodes
  /// Appends a node whose outputs are new values (dtype and shape set by inference).
  NodeId add_node(std::string op, std::vector<ValueId> inputs, Attributes attrs = {}, size_t outputs = 1,
                  std::string name = {});
  /// Appends a node that produces existing values without producer (the importer's way).
  NodeId add_node_onto(std::string op, std::vector<ValueId> inputs, std::vector<ValueId> outputs,
                       Attributes attrs = {}, std::string name = {});
  Node& node(NodeId id) { return nodes_[check(id, nodes_.size())]; }
  const Node& node(NodeId id) const { return nodes_[check(id, nodes_.size())]; }
  size_t node_count() const { return nodes_.size(); }
  size_t alive_nodes() const;
  void set_input(NodeId node, size_t index, ValueId value);
  /// Every consumer of `from`, and the graph outputs, use `to` instead.  Where `from` is a graph output, `to`
  /// takes over its name, so a caller's names survive every pass.
  void replace_uses(ValueId from, ValueId to);
  void remove_node(NodeId id);
  /// Removes nodes none of whose outputs are used; returns how many.
  size_t remove_dead();
  /// The same for `candidates` and for what only they used; for a change of a few nodes in a large graph.
  size_t remove_dead(std::vector<NodeId> candidates);
  /// Node ids in an order in which producers come first; throws invalid_model on a cycle, naming a node in
  /// it.
  std::vector<NodeId> topological_order() const;
  /// A copy without tombstones, nodes in topological order.
  Graph compact() const&;
  /// The same, taking over names, attributes and constants.
  Graph compact() &&;

  // Symbols: names of symbolic dimensions, see Shape.
  int64_t symbol(std::string_view name);  ///< the extent (is_symbol) that stands for `name`
  int64_t fresh_symbol();
  const std::string& symbol_name(int64_t extent) const;
  size_t symbol_count() const { return symbols_.size(); }

 private:
  static size_t check(int32_t id, size_t size);
  bool is_dead(const Node& node) const;
  void unlink_uses(NodeId id);
  /// compact() from a graph that is copied from or, where it is not const, moved from.
  template <class G>
  static Graph compacted(G& from);
  std::vector<Value> values_;
  std::vector<Node> nodes_;
  std::vector<std::string> symbols_;
  std::unordered_map<std::string, size_t> symbol_indices_;  // the first of its name
  /// Every name ever given, with the number to try first for the next name on this stem.
  std::unordered_map<std::string, int> names_;
};

/// Throws invalid_model unless every invariant holds: ids in range, links both ways, acyclic, names unique.
void verify(const Graph& graph);

/// A readable listing, one node a line: `%out:f32[1, 3] = Conv(%x, %w) {strides=[2, 2]}`.
std::string to_text(const Graph& graph);
/// "[batch, 3, 224, 224]": symbols by name.
std::string to_text(const Graph& graph, const Shape& shape);

}  // namespace tenfold::ir
