#include "passes/int8/byte_function.hpp"

#include "ops/op.hpp"
#include "passes/int8/quantized.hpp"
#include "passes/match.hpp"

namespace tenfold::passes {
namespace {

constexpr int kMaxNodes = 16;

/// Every element of the result comes from the elements at its place or of its channel.
bool is_elementwise(const ir::Node& n) {
  const ops::OpDef* op = ops::find(n.op);
  return op && n.outputs.size() == 1 &&
         (op->kind == ops::OpKind::unary || op->kind == ops::OpKind::binary || n.op == "BatchNormalization");
}

bool is_dequantized_constant(const ir::Graph& g, ir::ValueId v) {
  const ir::Node* n = g.producer(v);
  return n && n->op == "DequantizeLinear" && g.constant(n->input(0));
}

}  // namespace

std::optional<Tensor> ByteFunction::evaluate(ir::ValueId v) {
  if (const auto it = known_.find(v); it != known_.end()) return it->second;
  if (const Tensor* c = graph_.constant(v)) return constant(*c);
  if (is_dequantized_constant(graph_, v)) return dequantized_constant(v);
  if (v == source_ || (graph_.value(v).dtype == DType::u8 && is_source(v))) return bytes(v);
  const ir::Node* n = graph_.producer(v);
  if (!n || !is_elementwise(*n) || ++nodes_ > kMaxNodes) return std::nullopt;
  std::vector<Tensor> inputs;
  for (size_t i = 0; i < n->inputs.size(); i++) {
    auto t = input(*n, i);
    if (!t) return std::nullopt;
    inputs.push_back(std::move(*t));
  }
  try {
    Tensor result = ops::evaluate(graph_, graph_.value(v).producer, inputs)[0];
    known_.emplace(v, result);
    return result;
  } catch (const Error&) {
    return std::nullopt;  // an operator that takes no tensor of this shape here
  }
}

std::optional<Tensor> ByteFunction::input(const ir::Node& n, size_t i) {
  if (n.inputs[i] == ir::kNone) return Tensor();
  if (n.op == "BatchNormalization" && i > 0) {
    met_vector_ = true;
    const auto values = constant_floats(graph_, n.inputs[i]);
    if (!values || std::ssize(*values) != channels_) return std::nullopt;
    return Tensor::from<float>({channels_}, *values);
  }
  const Tensor* c = graph_.constant(n.inputs[i]);
  if (!c || i == 0) return evaluate(n.inputs[i]);
  if (c->shape().rank() == 0) return *c;
  if (n.op != "QuantizeLinear" && n.op != "DequantizeLinear") return constant(*c);
  return c->elements() == 1 ? std::optional(c->reshaped({1})) : std::nullopt;  // more mean per channel
}

std::optional<Tensor> ByteFunction::dequantized_constant(ir::ValueId v) {
  const auto values = constant_floats(graph_, v);
  const auto& shape = graph_.value(v).shape;
  if (!values || !shape || !shape->is_static()) return std::nullopt;
  return constant(Tensor::from<float>(*shape, *values));
}

/// One element, or one for each channel that meets axis 1 where shapes are aligned at the back.
std::optional<Tensor> ByteFunction::constant(const Tensor& c) {
  if (c.elements() == 1) return c.reshaped(channels_ == 0 ? Shape{1} : Shape{1, 1});
  met_vector_ = true;
  if (channels_ == 0 || c.elements() != channels_ || !lies_along(c.shape(), rank_, 1, channels_))
    return std::nullopt;
  return c.reshaped({1, channels_});
}

std::optional<Tensor> ByteFunction::bytes(ir::ValueId v) {
  if (source_ != ir::kNone && source_ != v) return std::nullopt;
  source_ = v;
  const int64_t repeat = std::max<int64_t>(channels_, 1);
  Tensor t(DType::u8, channels_ == 0 ? Shape{256} : Shape{256, channels_});
  for (int64_t i = 0; i < t.elements(); i++) t.mutable_data<uint8_t>()[i] = static_cast<uint8_t>(i / repeat);
  return t;
}

/// A u8 tensor is the source where it is not itself computed from bytes elementwise: the first one met by
/// descending through DequantizeLinear -> QuantizeLinear pairs.
bool ByteFunction::is_source(ir::ValueId v) const {
  const ir::Node* n = graph_.producer(v);
  if (n && n->op == "QLookup" && through_tables_) return false;
  return !n || n->op != "QuantizeLinear" || !dequantized_chain(n->input(0));
}

bool ByteFunction::dequantized_chain(ir::ValueId v) const {
  for (int depth = 0; depth < kMaxNodes; depth++) {
    const ir::Node* n = graph_.producer(v);
    if (!n) return false;
    if (n->op == "DequantizeLinear") return !graph_.constant(n->input(0));
    if (!is_elementwise(*n)) return false;
    const bool second = graph_.constant(n->input(0)) || is_dequantized_constant(graph_, n->input(0));
    v = n->input(second && n->inputs.size() > 1 ? 1 : 0);
  }
  return false;
}

}  // namespace tenfold::passes
