// One node of a file on its way to canonical form: what a rewrite rule sees.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "ir/graph.hpp"
#include "onnx/proto.hpp"

namespace tenfold::onnx {

class Importer;

/// Rules read `inputs`, `attrs` and the constants behind the inputs, and produce every used output exactly
/// once, through finish(), produce() or alias().  The nodes before it have been imported and their shapes
/// inferred.
class NodeImport {
 public:
  NodeImport(Importer& importer, const proto::Node& source, int64_t opset)
      : source(source), opset(opset), importer_(importer) {}

  const proto::Node& source;
  const int64_t opset;  ///< version of the operator set that the node's domain is imported with
  std::string name;     ///< name of the node, or of its first output
  ir::Attributes attrs;
  std::vector<ir::ValueId> inputs;   ///< kNone for an omitted one
  std::vector<ir::ValueId> outputs;  ///< kNone for an unused one

  ir::ValueId input(size_t i) const { return i < inputs.size() ? inputs[i] : ir::kNone; }
  bool has_input(size_t i) const { return input(i) != ir::kNone; }
  bool has_output(size_t i) const { return i < outputs.size() && outputs[i] != ir::kNone; }
  /// Input i, which must be there.
  ir::ValueId need(size_t i) const;

  // What is known of a value.
  const Tensor* constant_of(ir::ValueId id) const;
  /// The integers in a small tensor, if they are known (a constant or propagated) and none is symbolic.
  std::optional<std::vector<int64_t>> integers_of(ir::ValueId id) const;
  /// The shape, or nullptr while the rank is unknown.
  const Shape* shape_of(ir::ValueId id) const;
  std::optional<int> rank_of(ir::ValueId id) const;
  /// The element type, or nothing where inference has not reached the value.
  std::optional<DType> dtype_of(ir::ValueId id) const;

  /// Was this constant stored in 4 bits?  (It is widened to 8; quantizing to it would saturate differently.)
  bool is_nibbles(ir::ValueId id) const;
  void mark_nibbles(ir::ValueId id);

  // New values.
  ir::ValueId constant(Tensor data, std::string_view stem);
  ir::ValueId ints(const std::vector<int64_t>& values, std::string_view stem);
  ir::ValueId scalar(float value, std::string_view stem) { return constant(Tensor::scalar(value), stem); }
  /// A constant of zeros, shared between all who ask for the same type and shape.
  ir::ValueId zeros(DType dtype, const Shape& shape);
  /// A node with one new output.
  ir::ValueId emit(std::string op, std::vector<ir::ValueId> in, ir::Attributes attributes = {});
  std::vector<ir::ValueId> emit_multi(std::string op, std::vector<ir::ValueId> in, ir::Attributes attributes,
                                      size_t count);

  // Outputs.
  /// A node that makes all outputs of this one.
  void finish(std::string op, std::vector<ir::ValueId> in, ir::Attributes attributes = {});
  /// A node that makes output i.
  void produce(size_t i, std::string op, std::vector<ir::ValueId> in, ir::Attributes attributes = {});
  /// The node as it is (with `attrs` and `inputs` as the rule left them).
  void keep() { finish(std::string(source.op_type), inputs, attrs); }
  /// The only output is a constant.
  void become_constant(Tensor data);
  /// Output i is an existing value.
  void alias(size_t i, ir::ValueId value);

  /// Translates a branch of an If in this node's place.
  void inline_branch(const proto::Graph& body);

  /// Lists the node among those that tenfold cannot run; `why` may be empty.
  void unsupported(std::string_view why);
  template <class... Args>
  [[noreturn]] void fail(fmt::format_string<Args...> format, Args&&... args) const {
    throw Error(ErrorCode::invalid_model,
                describe() + ": " + fmt::format(format, std::forward<Args>(args)...));
  }
  std::string describe() const;

 private:
  Importer& importer_;
};

}  // namespace tenfold::onnx
