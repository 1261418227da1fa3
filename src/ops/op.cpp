#include "ops/op.hpp"

#include <algorithm>
#include "ir/node_error.hpp"

#include "base/math.hpp"

namespace tenfold::ops {
namespace {

/// Propagated contents are shapes and what is computed from them; anything longer is data.
constexpr size_t kMaxContent = 1024;
/// No single output that evaluate() allocates may be larger: a damaged model must not exhaust the machine.
constexpr int64_t kMaxOutputBytes = int64_t{1} << 33;
/// More than any machine addresses, and so little that sizes which passed inference cannot overflow later.
constexpr int64_t kMaxBytes = int64_t{1} << 60;

bool is_content_type(DType t) { return is_integer(t) || t == DType::boolean; }

/// The integers of a constant, or nothing where a value would read as a symbol.
std::optional<std::vector<int64_t>> integers(const Tensor& t) {
  if (!is_content_type(t.dtype()) || t.shape().rank() > 1) return std::nullopt;
  if (t.elements() > static_cast<int64_t>(kMaxContent)) return std::nullopt;
  std::vector<int64_t> values(static_cast<size_t>(t.elements()));
  for (size_t i = 0; i < values.size(); i++) {
    values[i] = t.at_int(static_cast<int64_t>(i));
    if (is_symbol(values[i])) return std::nullopt;
  }
  return values;
}

void check_rank(const InferContext& c, const Shape& shape) {
  if (shape.rank() > kMaxRank)
    c.error("a tensor of rank {} (at most {} axes are supported)", shape.rank(), kMaxRank);
}

/// Empty extents count as one: products of some of the extents must not overflow either.
void check_size(const InferContext& c, DType dtype, const Shape& shape) {
  auto bytes = static_cast<int64_t>(size_of(dtype));
  for (int64_t d : shape)
    if (__builtin_mul_overflow(bytes, std::max<int64_t>(d, 1), &bytes) || bytes > kMaxBytes)
      c.error("an output {}{} is larger than any memory", to_string(dtype), to_string(shape));
}

void check_signature(const InferContext& c, const OpDef& op) {
  const int inputs = static_cast<int>(c.inputs()), outputs = static_cast<int>(c.outputs());
  if (inputs < op.min_inputs || (op.max_inputs >= 0 && inputs > op.max_inputs))
    c.error("{} inputs, expected {} to {}", inputs, op.min_inputs,
            op.max_inputs < 0 ? std::string("any number") : std::to_string(op.max_inputs));
  if (op.max_outputs >= 0 && outputs > op.max_outputs)
    c.error("{} outputs, at most {} exist", outputs, op.max_outputs);
  for (size_t i = 0; i < static_cast<size_t>(op.min_inputs); i++)
    if (!c.has_input(i)) c.error("required input {} is missing", i);
  for (size_t i = 0; i < c.inputs(); i++)
    if (const Shape* s = c.shape(i)) check_rank(c, *s);
}

const OpDef& definition(const ir::Node& node) {
  if (const OpDef* op = find(node.op)) return *op;
  fail(ErrorCode::unsupported, "operator '{}' (node '{}') is not supported", node.op, node.name);
}

TensorView view_or_null(const Tensor& t) { return t.empty() ? TensorView{} : t.view(); }

/// A value whose elements are all known now, as a tensor; empty where they are not.
Tensor known(const ir::Value& v) {
  if (v.is_constant()) return v.constant;
  if (!v.content || !v.shape || !v.shape->is_static() || !is_content_type(v.dtype)) return {};
  if (std::any_of(v.content->begin(), v.content->end(), is_symbol)) return {};
  Tensor t(v.dtype, *v.shape);
  ensure(t.elements() == static_cast<int64_t>(v.content->size()), "'{}' of shape {} with {} known elements",
         v.name, to_string(*v.shape), v.content->size());
  dispatch(v.dtype, [&](auto tag) {
    using T = decltype(tag);
    for (size_t i = 0; i < v.content->size(); i++) t.mutable_data<T>()[i] = static_cast<T>((*v.content)[i]);
  });
  return t;
}

bool small_and_static(const ir::Value& v) {
  return v.shape && v.shape->is_static() && v.shape->elements() <= static_cast<int64_t>(kMaxContent);
}

/// The outputs of a node of shape arithmetic whose inputs are known; nothing for any other node.
std::vector<Tensor> fold(const ir::Graph& graph, ir::NodeId id) {
  const ir::Node& node = graph.node(id);
  const OpDef& op = definition(node);
  std::vector<Tensor> outputs;
  for (ir::ValueId out : node.outputs) {
    if (out == ir::kNone) return {};
    outputs.push_back(known(graph.value(out)));
  }
  if (std::none_of(outputs.begin(), outputs.end(), [](const Tensor& t) { return t.empty(); })) return outputs;
  // Dequantized weights are no shape arithmetic, however few they are: planning looks for their
  // DequantizeLinear.
  if (!op.eval || node.op == "DequantizeLinear") return {};
  for (ir::ValueId out : node.outputs)
    if (!small_and_static(graph.value(out))) return {};
  std::vector<Tensor> inputs;
  for (ir::ValueId in : node.inputs) {
    inputs.push_back(in == ir::kNone ? Tensor() : known(graph.value(in)));
    if (in != ir::kNone && (inputs.back().empty() || inputs.back().dtype() == DType::string)) return {};
  }
  try {
    return evaluate(graph, id, inputs);
  } catch (...) {  // the values are the model's own
    ir::rethrow_at(graph, node, ErrorCode::invalid_model);
  }
}

}  // namespace

DType InferContext::dtype(size_t i) const {
  const ir::ValueId v = node().input(i);
  if (v == ir::kNone) error("input {} is missing", i);
  return graph_.value(v).dtype;
}

const Shape* InferContext::shape(size_t i) const {
  const ir::ValueId v = node().input(i);
  if (v == ir::kNone) return nullptr;
  const ir::Value& value = graph_.value(v);
  if (value.is_constant()) return &value.constant.shape();
  return value.shape ? &*value.shape : nullptr;
}

std::optional<std::vector<int64_t>> InferContext::content(size_t i) const {
  const ir::ValueId v = node().input(i);
  if (v == ir::kNone) return std::nullopt;
  const ir::Value& value = graph_.value(v);
  return value.is_constant() ? integers(value.constant) : value.content;
}

void InferContext::set(size_t output, DType dtype, std::optional<Shape> shape) {
  const ir::ValueId v = node().output(output);
  if (v == ir::kNone) return;
  if (shape) {
    check_rank(*this, *shape);
    for (int64_t d : *shape)
      if (d < 0 && !is_symbol(d)) error("negative extent {} in an output", d);
    if (shape->is_static()) check_size(*this, dtype, *shape);
  }
  ir::Value& value = graph_.value(v);
  value.dtype = dtype;
  value.shape = std::move(shape);
  value.content.reset();
}

void InferContext::set_content(size_t output, std::vector<int64_t> values) {
  const ir::ValueId id = node().output(output);
  if (id == ir::kNone || values.size() > kMaxContent) return;
  ir::Value& v = graph_.value(id);
  // Consumers broadcast contents by their length, which is right for scalars and vectors only.
  if (!v.shape || v.shape->rank() > 1) return;
  if (v.shape->is_static() && v.shape->elements() != static_cast<int64_t>(values.size())) return;
  v.content = std::move(values);
}

int64_t InferContext::data_dependent(size_t output, int axis) {
  const ir::ValueId v = node().output(output);
  return v == ir::kNone ? graph_.fresh_symbol()
                        : graph_.symbol(fmt::format("{}.{}", graph_.value(v).name, axis));
}

int InferContext::axis(int64_t axis, int rank) const {
  if (axis < -rank || axis >= rank) error("axis {} is out of range for rank {}", axis, rank);
  return static_cast<int>(axis < 0 ? axis + rank : axis);
}

std::string InferContext::describe() const { return ir::describe(graph_, node()); }

void infer(ir::Graph& graph, ir::NodeId id) {
  InferContext context(graph, id);
  const OpDef& op = definition(graph.node(id));
  check_signature(context, op);
  try {
    op.infer(context);
  } catch (...) {
    ir::rethrow_at(graph, graph.node(id), ErrorCode::invalid_model);
  }
}

void infer_all(ir::Graph& graph) {
  for (ir::NodeId id : graph.topological_order()) infer(graph, id);
}

std::vector<Tensor> evaluate(const ir::Graph& graph, ir::NodeId id, std::span<const Tensor> inputs) {
  const ir::Node& node = graph.node(id);
  const OpDef& op = definition(node);
  if (!op.eval)
    fail(ErrorCode::unsupported, "operator '{}' (node '{}') cannot be evaluated alone", node.op, node.name);
  // A graph of this one node over constants: inference then sees every value, so data-dependent shapes come
  // out.
  ir::Graph scratch;
  std::vector<ir::ValueId> ids;
  for (size_t i = 0; i < inputs.size(); i++)
    ids.push_back(inputs[i].empty() ? ir::kNone : scratch.add_constant(fmt::format("input{}", i), inputs[i]));
  const ir::NodeId copy =
      scratch.add_node(node.op, std::move(ids), node.attrs, node.outputs.size(), node.name);
  infer(scratch, copy);
  std::vector<Tensor> outputs;
  try {
    for (ir::ValueId out : scratch.node(copy).outputs) {
      const ir::Value& v = scratch.value(out);
      if (!v.shape || !v.shape->is_static())
        fail(ErrorCode::invalid_model, "{} '{}': the output shape does not follow from the inputs", node.op,
             node.name);
      if (checked_mul(v.shape->elements(), static_cast<int64_t>(size_of(v.dtype))) > kMaxOutputBytes)
        fail(ErrorCode::unsupported, "{} '{}': an output of shape {} is too large", node.op, node.name,
             to_string(*v.shape));
      outputs.emplace_back(v.dtype, *v.shape);
    }
    std::vector<TensorView> in, out;
    for (const Tensor& t : inputs) in.push_back(view_or_null(t));
    for (const Tensor& t : outputs) out.push_back(t.view());
    op.eval({scratch.node(copy), in, out});
  } catch (...) {
    ir::rethrow_at(graph, node, ErrorCode::invalid_argument);
  }
  return outputs;
}

Cost cost(const ir::Graph& graph, ir::NodeId id) {
  const ir::Node& node = graph.node(id);
  const OpDef& op = definition(node);
  Cost total;
  const auto elements = [&](ir::ValueId v) {
    if (v == ir::kNone) return 0.0;
    const ir::Value& value = graph.value(v);
    const Shape* shape = value.is_constant() ? &value.constant.shape()
                         : value.shape       ? &*value.shape
                                             : nullptr;
    return shape && shape->is_static() ? static_cast<double>(shape->elements()) : 0.0;
  };
  const auto bytes = [&](ir::ValueId v) {
    return v == ir::kNone ? 0.0 : elements(v) * static_cast<double>(size_of(graph.value(v).dtype));
  };
  for (ir::ValueId v : node.inputs) total.bytes += bytes(v);
  for (ir::ValueId v : node.outputs) total.bytes += bytes(v);
  if (op.macs)
    total.macs = op.macs(graph, node);
  else if (op.kind != OpKind::movement)
    for (ir::ValueId v : node.outputs) total.ops += elements(v);
  return total;
}

ir::Graph specialise(const ir::Graph& graph, std::span<const Shape> input_shapes) {
  if (input_shapes.size() != graph.inputs.size())
    fail(ErrorCode::invalid_argument, "{} input shapes for a graph of {} inputs", input_shapes.size(),
         graph.inputs.size());
  ir::Graph result = graph;
  for (size_t id = 0; id < result.value_count(); id++) {
    ir::Value& v = result.value(static_cast<ir::ValueId>(id));
    if (v.producer != ir::kNone) {
      v.shape.reset();
      v.content.reset();
    }
  }
  for (size_t i = 0; i < input_shapes.size(); i++) {
    ir::Value& v = result.value(result.inputs[i]);
    if (!input_shapes[i].is_static())
      fail(ErrorCode::invalid_argument, "input '{}': shape {} is not static", v.name,
           to_string(input_shapes[i]));
    const bool fits =
        !v.shape ||
        (v.shape->rank() == input_shapes[i].rank() &&
         std::equal(v.shape->begin(), v.shape->end(), input_shapes[i].begin(),
                    [](int64_t declared, int64_t given) { return declared < 0 || declared == given; }));
    if (!fits)
      fail(ErrorCode::invalid_argument, "input '{}' has shape {}, the model declares {}", v.name,
           to_string(input_shapes[i]), to_string(*v.shape));
    v.shape = input_shapes[i];
  }
  bool folded = false;
  for (ir::NodeId id : result.topological_order()) {
    infer(result, id);
    const std::vector<Tensor> known_outputs = fold(result, id);
    for (size_t k = 0; k < known_outputs.size(); k++) {
      const ir::ValueId out = result.node(id).output(k);
      if (result.is_output(out)) continue;  // a caller looks for it under this id
      const std::string name = result.unique_name(result.value(out).name + "_known");
      result.replace_uses(out, result.add_constant(name, known_outputs[k]));
      folded = true;
    }
  }
  if (folded) result.remove_dead();
  return result;
}

}  // namespace tenfold::ops
