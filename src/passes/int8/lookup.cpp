// Any elementwise computation from one u8 tensor to u8 is a table of 256 entries: one QLookup.  This covers
// activations in every spelling (x * sigmoid(x), HardSwish by Clip, quantized in between or not) exactly.
#include <map>

#include "ops/op.hpp"
#include "passes/int8/quantized.hpp"
#include "passes/pass.hpp"

namespace tenfold::passes {
namespace {

constexpr int kMaxNodes = 16;

/// Evaluates the elementwise graph that ends in a value for all 256 bytes of its only u8 source.
class ByteFunction {
 public:
  /// Byte tables end the descent (so that one result serves several readers) unless `through_tables`, which
  /// x * sigmoid(x) needs: both operands come from the same byte only behind the table.
  ByteFunction(const ir::Graph& g, bool through_tables) : g_(g), through_tables_(through_tables) {}

  /// The values of `v` as a tensor of 256 (or of one element, for constants); empty if it is no function of
  /// one byte.
  std::optional<Tensor> evaluate(ir::ValueId v) {
    if (const auto it = known_.find(v); it != known_.end()) return it->second;
    if (const Tensor* c = g_.constant(v)) {
      if (c->elements() != 1) return std::nullopt;
      return c->reshaped({1});
    }
    if (v == source_ || (g_.value(v).dtype == DType::u8 && is_source(v))) return bytes(v);
    const ir::Node* n = g_.producer(v);
    const ops::OpDef* op = n ? ops::find(n->op) : nullptr;
    if (!op || (op->kind != ops::OpKind::unary && op->kind != ops::OpKind::binary) ||
        n->outputs.size() != 1 || ++nodes_ > kMaxNodes)
      return std::nullopt;
    std::vector<Tensor> inputs;
    for (ir::ValueId in : n->inputs) {
      if (in == ir::kNone) {
        inputs.emplace_back();
        continue;
      }
      auto t = evaluate(in);
      if (!t) return std::nullopt;
      // Quantization parameters stay scalars: a vector of one would mean per channel.
      const bool parameter = g_.constant(in) && in != n->input(0);
      inputs.push_back(parameter ? t->reshaped(g_.value(in).shape->rank() == 0 ? Shape{} : Shape{1}) : *t);
    }
    Tensor result = ops::evaluate(g_, g_.value(v).producer, inputs)[0];
    known_.emplace(v, result);
    return result;
  }
  ir::ValueId source() const { return source_; }
  int nodes() const { return nodes_; }

 private:
  /// A u8 tensor is the source where it is not itself computed from bytes elementwise: the first one met by
  /// descending through DequantizeLinear -> QuantizeLinear pairs.
  bool is_source(ir::ValueId v) const {
    const ir::Node* n = g_.producer(v);
    if (n && n->op == "QLookup" && through_tables_) return false;
    return !n || n->op != "QuantizeLinear" || !dequantized_chain(n->input(0));
  }
  bool dequantized_chain(ir::ValueId v) const {
    for (int depth = 0; depth < kMaxNodes; depth++) {
      const ir::Node* n = g_.producer(v);
      if (!n) return false;
      if (n->op == "DequantizeLinear") return !g_.constant(n->input(0));
      const ops::OpDef* op = ops::find(n->op);
      if (!op || (op->kind != ops::OpKind::unary && op->kind != ops::OpKind::binary)) return false;
      v = n->input(0);
      if (g_.constant(v) && n->inputs.size() > 1) v = n->input(1);
    }
    return false;
  }
  std::optional<Tensor> bytes(ir::ValueId v) {
    if (source_ != ir::kNone && source_ != v) return std::nullopt;
    source_ = v;
    Tensor t(DType::u8, {256});
    for (int i = 0; i < 256; i++) t.mutable_data<uint8_t>()[i] = static_cast<uint8_t>(i);
    return t;
  }

  const ir::Graph& g_;
  const bool through_tables_;
  ir::ValueId source_ = ir::kNone;
  int nodes_ = 0;
  std::map<ir::ValueId, Tensor> known_;
};

bool is_identity(const Tensor& table) {
  for (int i = 0; i < 256; i++)
    if (table.data<uint8_t>()[i] != i) return false;
  return true;
}

std::optional<ir::Patch> rewrite(const ir::Graph& g, ir::NodeId id) {
  const ir::Node& n = g.node(id);
  if (!quantize_params(g, n)) return std::nullopt;
  ByteFunction near(g, false), far(g, true);
  auto table = near.evaluate(n.output());
  const bool found = table.has_value();
  if (!found) table = far.evaluate(n.output());
  const ByteFunction& f = found ? near : far;
  if (!table || f.source() == ir::kNone || f.source() == n.output() || table->elements() != 256)
    return std::nullopt;
  if (!(g.value(f.source()).shape == g.value(n.output()).shape))
    return std::nullopt;  // a broadcast changes the shape
  ir::Patch patch(g);
  if (is_identity(*table))
    patch.replace(n.output(), f.source());
  else
    patch.replace(n.output(), patch.add("QLookup", {f.source()}, {{"table", *table}}, n.name));
  return patch;
}

}  // namespace

extern const Pass pass_int8_lookup;
const Pass pass_int8_lookup{"int8-lookup", "elementwise functions of one u8 tensor to byte tables", rewrite};

}  // namespace tenfold::passes
