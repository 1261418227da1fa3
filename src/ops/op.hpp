// What an operator is to the rest of the library: one OpDef per file of this folder.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "ir/graph.hpp"
#include "tensor/tensor.hpp"

namespace tenfold::ops {

/// Evaluation keeps extents and strides in fixed arrays of this size; inference rejects tensors of a higher
/// rank.
inline constexpr int kMaxRank = 8;

/// What shape inference sees of one node.  Shapes may be unknown or symbolic; an inference function gives the
/// best it can and never guesses.  Errors name the node and operator.
class InferContext {
 public:
  InferContext(ir::Graph& graph, ir::NodeId id) : graph_(graph), id_(id) {}
  const ir::Node& node() const { return graph_.node(id_); }
  const ir::Attributes& attrs() const { return node().attrs; }
  size_t inputs() const { return node().inputs.size(); }
  size_t outputs() const { return node().outputs.size(); }
  bool has_input(size_t i) const { return node().input(i) != ir::kNone; }
  DType dtype(size_t i) const;
  /// The shape of input i, or nullptr while its rank is unknown or the input is omitted.
  const Shape* shape(size_t i) const;
  /// The constant behind input i, or nullptr.
  const Tensor* constant(size_t i) const { return graph_.constant(node().input(i)); }
  /// The integers in input i where they are known (a constant, or propagated; entries may be symbols).
  std::optional<std::vector<int64_t>> content(size_t i) const;

  void set(size_t output, DType dtype, std::optional<Shape> shape);
  /// Nothing is kept unless the output, set before, is a scalar or vector of as many elements.
  void set_content(size_t output, std::vector<int64_t> values);
  int64_t fresh_symbol() { return graph_.fresh_symbol(); }
  /// The symbol for an expression over symbols; the same text gives the same symbol, so equal expressions
  /// stay equal.
  int64_t symbol_for(std::string_view expression) { return graph_.symbol(expression); }
  const std::string& symbol_name(int64_t extent) const { return graph_.symbol_name(extent); }
  /// The symbol for an extent that depends on data: named after the output, so inferring again gives the same
  /// one.
  int64_t data_dependent(size_t output, int axis);
  /// Resolves a possibly negative axis against a rank.
  int axis(int64_t axis, int rank) const;
  template <class... Args>
  [[noreturn]] void error(fmt::format_string<Args...> format, Args&&... args) const {
    throw Error(ErrorCode::invalid_model,
                describe() + ": " + fmt::format(format, std::forward<Args>(args)...));
  }

  /// "Conv 'backbone/conv1'", for messages.
  std::string describe() const;

 private:
  ir::Graph& graph_;
  ir::NodeId id_;
};

/// What reference evaluation sees: static shapes, outputs allocated by the caller.  An omitted input has data
/// == nullptr and shape == nullptr.  Outputs never alias inputs.
struct EvalContext {
  const ir::Node& node;
  std::span<const TensorView> inputs;
  std::span<const TensorView> outputs;
  const ir::Attributes& attrs() const { return node.attrs; }
  bool has_input(size_t i) const { return i < inputs.size() && inputs[i].data != nullptr; }
  const TensorView& in(size_t i) const { return inputs[i]; }
  const TensorView& out(size_t i = 0) const { return outputs[i]; }
};

/// Work of one node: multiply-accumulates, other arithmetic operations, and bytes moved if nothing stays in a
/// cache.
struct Cost {
  double macs = 0, ops = 0, bytes = 0;
};

/// How an operator treats positions; passes and layout assignment ask this instead of listing names.
enum class OpKind {
  unary,     ///< out[i] = f(in[i]), with parameters that may vary along one axis (Q/DQ)
  binary,    ///< out = f(a, b, ...) with NumPy broadcasting
  movement,  ///< moves elements, computes nothing (Reshape, Transpose, Slice, Concat, ...)
  spatial,   ///< channels on axis 1, spatial axes behind (Conv, pools, BatchNormalization, ...)
  other,
};

/// One operator in canonical form.  `eval` is the scalar truth that every kernel is tested against.
struct OpDef {
  const char* name;
  OpKind kind;
  int min_inputs, max_inputs;  ///< max -1: any number
  int max_outputs;             ///< -1: any number
  void (*infer)(InferContext&);
  void (*eval)(
      const EvalContext&);  ///< null: cannot be evaluated (never for an operator that a model may hold)
  /// Null: no multiply-accumulates, one operation per output element.
  double (*macs)(const ir::Graph&, const ir::Node&) = nullptr;
};

/// The definition of a canonical operator, or nullptr.
const OpDef* find(std::string_view name);
std::span<const OpDef* const> all();

/// Sets dtype, shape and content of a node's outputs.  Throws invalid_model where inputs contradict the
/// operator.
void infer(ir::Graph& graph, ir::NodeId id);
/// infer() over the whole graph in topological order.
void infer_all(ir::Graph& graph);
/// Evaluates one node on concrete tensors; allocates the outputs.  Used by constant folding and tests.
std::vector<Tensor> evaluate(const ir::Graph& graph, ir::NodeId id, std::span<const Tensor> inputs);
Cost cost(const ir::Graph& graph, ir::NodeId id);
/// A copy of `graph` whose inputs have the given static shapes, everything inferred again.  Small values that
/// become known by that (shape arithmetic) turn into constants, so that later nodes can depend on them; the
/// nodes that computed them are removed.  Ids of everything else stay.
ir::Graph specialise(const ir::Graph& graph, std::span<const Shape> input_shapes);

}  // namespace tenfold::ops
