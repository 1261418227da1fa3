// s8 activations become u8 (zero point + 128), so that every INT8 kernel sees one form.  Where bytes stay s8,
// as those that a caller gives, a table flips their sign bit.
#include <algorithm>

#include "ops/op.hpp"
#include "passes/int8/quantized.hpp"
#include "passes/match.hpp"
#include "passes/pass.hpp"

namespace tenfold::passes {
namespace {

constexpr int kShift = 128;

/// The u8 twin of an s8 tensor, or the other way round: every byte shifted by 128.
Tensor flipped(const Tensor& t) {
  Tensor out(t.dtype() == DType::s8 ? DType::u8 : DType::s8, t.shape());
  for (int64_t i = 0; i < t.elements(); i++)
    out.mutable_data<uint8_t>()[i] = static_cast<uint8_t>(t.data<uint8_t>()[i] ^ kShift);
  return out;
}

Table flip_table() {
  Table table;
  for (size_t i = 0; i < table.size(); i++) table[i] = static_cast<uint8_t>(i ^ kShift);
  return table;
}
ir::ValueId flip(ir::Patch& patch, const ir::Graph& g, ir::ValueId bytes) {
  return patch.add("QLookup", {bytes}, {{"table", table_tensor(flip_table())}}, g.value(bytes).name + "_u8");
}
/// A QLookup of s8 that does nothing else; others have a function behind the flip.
bool is_flip(const ir::Graph& g, const ir::Node& n) {
  const Tensor* table = n.op == "QLookup" ? n.attrs.get_tensor("table") : nullptr;
  return table && g.value(n.input(0)).dtype == DType::s8 &&
         std::ranges::equal(table->span<uint8_t>(), flip_table());
}

bool quantizes_to_s8(const ir::Graph& g, const ir::Node* n) {
  const Tensor* zero = n && n->op == "QuantizeLinear" ? g.constant(n->input(2)) : nullptr;
  return zero && zero->dtype() == DType::s8;
}

/// A DequantizeLinear of s8 with constant parameters.
bool dequantizes_s8(const ir::Graph& g, const ir::Node& n) {
  return n.op == "DequantizeLinear" && g.value(n.input(0)).dtype == DType::s8 && g.constant(n.input(2));
}

/// Nothing but DequantizeLinear and flips reads the bytes.
bool only_as_u8(const ir::Graph& g, ir::ValueId bytes) {
  return !g.is_output(bytes) && std::ranges::all_of(g.value(bytes).consumers, [&](ir::NodeId user) {
    const ir::Node& n = g.node(user);
    return (dequantizes_s8(g, n) && n.input(0) == bytes) || is_flip(g, n);
  });
}

/// QuantizeLinear to s8 that can as well give u8: its zero point shifts, and those of the consumers.
std::optional<ir::Patch> shift_pair(const ir::Graph& g, const ir::Node& q) {
  if (!only_as_u8(g, q.output())) return std::nullopt;
  ir::Patch patch(g);
  const ir::ValueId zero = patch.constant(flipped(*g.constant(q.input(2))), "zero_point");
  const ir::ValueId shifted = patch.add("QuantizeLinear", {q.input(0), q.input(1), zero}, q.attrs, q.name);
  for (ir::NodeId user : g.value(q.output()).consumers) {
    const ir::Node& n = g.node(user);
    if (n.op == "QLookup") {
      patch.replace(n.output(), shifted);
      continue;
    }
    const ir::ValueId zp = patch.constant(flipped(*g.constant(n.input(2))), "zero_point");
    patch.replace(n.output(), patch.add("DequantizeLinear", {shifted, n.input(1), zp}, n.attrs, n.name));
  }
  return patch;
}

/// DequantizeLinear of any other s8 tensor: of its bytes with their sign bits flipped.
std::optional<ir::Patch> flip_source(const ir::Graph& g, const ir::Node& dq) {
  const ir::ValueId bytes = dq.input(0);
  if (g.constant(bytes) || (quantizes_to_s8(g, g.producer(bytes)) && only_as_u8(g, bytes)))
    return std::nullopt;
  ir::Patch patch(g);
  const ir::ValueId zero = patch.constant(flipped(*g.constant(dq.input(2))), "zero_point");
  patch.replace(dq.output(),
                patch.add("DequantizeLinear", {flip(patch, g, bytes), dq.input(1), zero}, dq.attrs, dq.name));
  return patch;
}

/// The flip of moved bytes moves flipped ones, which keep their order.
std::optional<ir::Patch> flip_earlier(const ir::Graph& g, const ir::Node& lookup) {
  static constexpr std::string_view kMoves[] = {"MaxPool",   "Reshape", "Flatten", "Squeeze",
                                                "Unsqueeze", "Slice",   "Gather",  "Transpose"};
  const ir::Node* n = g.producer(lookup.input(0));
  if (!n || !used_once(g, lookup.input(0)) || n->outputs.size() != 1) return std::nullopt;
  if (std::ranges::find(kMoves, n->op) == std::end(kMoves) || g.constant(n->input(0))) return std::nullopt;
  ir::Patch patch(g);
  std::vector<ir::ValueId> inputs = n->inputs;
  inputs[0] = flip(patch, g, inputs[0]);
  patch.replace(lookup.output(), patch.add(n->op, inputs, n->attrs, n->name));
  return patch;
}

std::optional<ir::Patch> rewrite(const ir::Graph& g, ir::NodeId id) {
  const ir::Node& n = g.node(id);
  if (quantizes_to_s8(g, &n)) return shift_pair(g, n);
  if (dequantizes_s8(g, n)) return flip_source(g, n);
  if (is_flip(g, n)) return flip_earlier(g, n);
  return std::nullopt;
}

}  // namespace

extern const Pass pass_unify_signedness;
const Pass pass_unify_signedness{"unify-signedness", "s8 activations as u8", rewrite};

}  // namespace tenfold::passes
