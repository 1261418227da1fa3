// A rewrite of a few nodes, recorded by a pass and applied by the framework.
#pragma once

#include "ir/graph.hpp"

namespace tenfold::ir {

/// New nodes and the values that they replace.  A pass only describes the change; apply() makes it, so that
/// one place keeps links, names and shapes right.  Ids returned by add() and constant() are valid in later
/// calls of the same patch.
class Patch {
 public:
  explicit Patch(const Graph& graph) : graph_(&graph) {}

  /// A new node; returns the id of its first output.  dtype and shape come from inference when applied.
  ValueId add(std::string op, std::vector<ValueId> inputs, Attributes attrs = {}, std::string name = {});
  /// A new node with several outputs.
  std::vector<ValueId> add_multi(std::string op, std::vector<ValueId> inputs, Attributes attrs,
                                 size_t outputs, std::string name = {});
  ValueId constant(Tensor data, std::string_view name_stem);
  /// All uses of `old_value` become `new_value`.
  void replace(ValueId old_value, ValueId new_value) { replacements_.emplace_back(old_value, new_value); }

  /// Makes the change and removes what became dead.  `infer` (may be null) is called for every new node.
  void apply(Graph& graph, void (*infer)(Graph&, NodeId)) const;

 private:
  struct NewNode {
    std::string op, name;
    std::vector<ValueId> inputs;
    Attributes attrs;
    ValueId first;
    size_t outputs;
  };
  struct NewConstant {
    std::string stem;
    Tensor data;
    ValueId id;
  };
  ValueId reserve(size_t n) {
    ValueId id = next_;
    next_ -= static_cast<ValueId>(n);
    return id;
  }
  const Graph* graph_;
  ValueId next_ = -2;  // new ids count down from -2 until apply() maps them
  std::vector<NewNode> nodes_;
  std::vector<NewConstant> constants_;
  std::vector<std::pair<ValueId, ValueId>> replacements_;
};

}  // namespace tenfold::ir
