#include "onnx/node_import.hpp"

#include "onnx/importer.hpp"
#include "ops/op.hpp"

namespace tenfold::onnx {

using ir::kNone;
using ir::ValueId;

std::string NodeImport::describe() const {
  return fmt::format("node '{}' ({}{}{})", name, source.domain, source.domain.empty() ? "" : ".",
                     source.op_type);
}

ValueId NodeImport::need(size_t i) const {
  if (!has_input(i)) fail("input {} is missing", i);
  return inputs[i];
}

const Tensor* NodeImport::constant_of(ValueId id) const {
  const ir::Graph& graph = importer_.graph_;
  while (const ir::Node* producer = graph.producer(id)) {
    if (producer->op != "Identity") return nullptr;
    id = producer->input(0);
  }
  return graph.constant(id);
}

std::optional<std::vector<int64_t>> NodeImport::integers_of(ValueId id) const {
  if (id == kNone) return std::nullopt;
  if (const Tensor* t = constant_of(id)) {
    if (is_float(t->dtype()) || t->dtype() == DType::string || t->shape().rank() > 1) return std::nullopt;
    std::vector<int64_t> values;
    for (int64_t i = 0; i < t->elements(); i++) values.push_back(t->at_int(i));
    return values;
  }
  const auto& content = importer_.graph_.value(id).content;
  if (!content) return std::nullopt;
  for (const int64_t v : *content)
    if (is_symbol(v)) return std::nullopt;
  return content;
}

const Shape* NodeImport::shape_of(ValueId id) const {
  if (id == kNone) return nullptr;
  const auto& shape = importer_.graph_.value(id).shape;
  return shape ? &*shape : nullptr;
}

std::optional<int> NodeImport::rank_of(ValueId id) const {
  const Shape* shape = shape_of(id);
  return shape ? std::optional(shape->rank()) : std::nullopt;
}

std::optional<DType> NodeImport::dtype_of(ValueId id) const {
  if (id == kNone) return std::nullopt;
  const ir::Value& value = importer_.graph_.value(id);
  // Inference stops at the first unknown operator; from there on the types of outputs are placeholders.
  if (value.producer != kNone && !importer_.unsupported_.empty()) return std::nullopt;
  return value.dtype;
}

ValueId NodeImport::constant(Tensor data, std::string_view stem) {
  ir::Graph& graph = importer_.graph_;
  return graph.add_constant(graph.unique_name(fmt::format("{}/{}", name, stem)), std::move(data));
}

ValueId NodeImport::ints(const std::vector<int64_t>& values, std::string_view stem) {
  return constant(Tensor::from<int64_t>(Shape{static_cast<int64_t>(values.size())}, values), stem);
}

ValueId NodeImport::zeros(DType dtype, const Shape& shape) {
  const auto [it, fresh] = importer_.zeros_.try_emplace({dtype, shape.dims()}, kNone);
  if (fresh) {
    Tensor t(dtype, shape);
    std::memset(t.mutable_raw(), 0, t.bytes());
    ir::Graph& graph = importer_.graph_;
    it->second =
        graph.add_constant(graph.unique_name(fmt::format("zeros_{}", to_string(dtype))), std::move(t));
  }
  return it->second;
}

std::vector<ValueId> NodeImport::emit_multi(std::string op, std::vector<ValueId> in,
                                            ir::Attributes attributes, size_t count) {
  ir::Graph& graph = importer_.graph_;
  const ir::NodeId id =
      graph.add_node(op, std::move(in), std::move(attributes), count, graph.unique_name(name + "/" + op));
  importer_.added(id, *this);
  return graph.node(id).outputs;
}

ValueId NodeImport::emit(std::string op, std::vector<ValueId> in, ir::Attributes attributes) {
  return emit_multi(std::move(op), std::move(in), std::move(attributes), 1)[0];
}

void NodeImport::finish(std::string op, std::vector<ValueId> in, ir::Attributes attributes) {
  std::vector<ValueId> outs = outputs;
  while (!outs.empty() && outs.back() == kNone) outs.pop_back();
  while (!in.empty() && in.back() == kNone) in.pop_back();
  if (outs.empty()) return;
  ir::Graph& graph = importer_.graph_;
  // The engine names a node's work by its first output, which a file may omit: that of an LSTM, for its
  // state.
  if (outs[0] == kNone) outs[0] = graph.add_value(graph.unique_name(name + "/unused"), DType::f32);
  importer_.added(
      graph.add_node_onto(std::move(op), std::move(in), std::move(outs), std::move(attributes), name), *this);
}

void NodeImport::produce(size_t i, std::string op, std::vector<ValueId> in, ir::Attributes attributes) {
  if (!has_output(i)) return;
  importer_.added(
      importer_.graph_.add_node_onto(std::move(op), std::move(in), {outputs[i]}, std::move(attributes), name),
      *this);
}

void NodeImport::become_constant(Tensor data) {
  if (outputs.empty() || outputs[0] == kNone) fail("no output");
  ir::Value& value = importer_.graph_.value(outputs[0]);
  value.dtype = data.dtype();
  value.shape = data.shape();
  value.constant = std::move(data);
}

bool NodeImport::is_nibbles(ValueId id) const { return importer_.nibbles_.contains(id); }
void NodeImport::mark_nibbles(ValueId id) { importer_.nibbles_.insert(id); }

void NodeImport::alias(size_t i, ValueId value) {
  if (!has_output(i)) return;
  ir::Graph& graph = importer_.graph_;
  graph.add_node_onto("Identity", {value}, {outputs[i]}, {}, name);
  const ir::Value& from = graph.value(value);
  ir::Value& to = graph.value(outputs[i]);
  to.dtype = from.dtype;
  to.shape = from.shape;
  to.content = from.content;
}

void NodeImport::inline_branch(const proto::Graph& body) { importer_.import_branch(body, *this); }

void NodeImport::unsupported(std::string_view why) { importer_.note_unsupported(*this, why); }

}  // namespace tenfold::onnx
