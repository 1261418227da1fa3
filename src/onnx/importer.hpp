// From proto::Model to a Graph in canonical form.
#pragma once

#include <array>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "ir/graph.hpp"
#include "onnx/node_import.hpp"
#include "onnx/tensor_data.hpp"

namespace tenfold::onnx {

/// Names, operator-set versions and attribute values that hold inside one graph, subgraph or function body.
struct Scope {
  const Scope* outer = nullptr;  ///< set for the branch of an If, which sees the names around it
  std::string prefix;            ///< of the names of values; empty at the top
  std::unordered_map<std::string_view, ir::ValueId> names;
  std::map<std::string_view, int64_t> opsets;
  const ir::Attributes* call = nullptr;  ///< attributes of the call whose function body this is
  int depth = 0;

  /// kNone is an input that the call of a function omits, nothing a name that nobody gave.
  std::optional<ir::ValueId> find(std::string_view name) const;
};

/// Translates node by node, in the order of the file, and infers shapes as it goes, so that a rule may ask
/// for the rank or the constant behind an input.  Functions and constant branches are inlined on the way.
class Importer {
 public:
  Importer(const proto::Model& model, TensorReader& tensors);
  ir::Graph run();

 private:
  friend class NodeImport;
  struct Unsupported {
    int count = 0;
    std::string node, why;
  };

  void import_opsets(Scope& scope, const std::vector<proto::OpsetId>& opsets, std::string_view where);
  void import_inputs(const proto::Graph& source, Scope& scope);
  void import_initializers(const proto::Graph& source, Scope& scope);
  void declare_outputs(const std::vector<proto::Node>& nodes, Scope& scope);
  void import_nodes(const std::vector<proto::Node>& nodes, Scope& scope);
  void import_node(const proto::Node& source, Scope& scope);
  void import_outputs(const proto::Graph& source, Scope& scope);
  void import_function(const proto::Function& function, NodeImport& call, Scope& scope);
  void import_branch(const proto::Graph& body, NodeImport& node);
  ir::Attributes import_attributes(const proto::Node& source, const Scope& scope);
  ir::Attribute import_attribute(const proto::Attribute& source);
  std::optional<Shape> import_shape(const proto::ValueInfo& info);
  const proto::Function* find_function(const proto::Node& node) const;
  using FunctionKey = std::array<std::string_view, 3>;  // domain, name, overload
  /// Counts what stands in a function or branch against the bound on inlining.
  void count(const Scope& scope, size_t nodes_and_values);
  /// Infers one new node and counts it.
  void added(ir::NodeId id, const NodeImport& origin);
  void note_unsupported(const NodeImport& node, std::string_view why);
  void drop_identities();
  void report_unsupported() const;

  const proto::Model& model_;
  TensorReader& tensors_;
  ir::Graph graph_;
  std::map<FunctionKey, const proto::Function*> functions_;
  Scope* scope_ = nullptr;  // that of the node being translated
  std::map<std::pair<DType, std::vector<int64_t>>, ir::ValueId> zeros_;
  std::map<std::string, Unsupported> unsupported_;
  std::set<ir::ValueId> nibbles_;  // constants that were stored in 4 bits
  size_t inlined_ = 0;
};

}  // namespace tenfold::onnx
