// s8 activations become u8 (zero point + 128), so that every INT8 kernel sees one form.
#include "ops/op.hpp"
#include "passes/int8/quantized.hpp"
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

/// QuantizeLinear to s8 whose consumers all dequantize it: both sides shift their zero point.
std::optional<ir::Patch> rewrite(const ir::Graph& g, ir::NodeId id) {
  const ir::Node& q = g.node(id);
  const Tensor* zero = q.op == "QuantizeLinear" ? g.constant(q.input(2)) : nullptr;
  if (!zero || zero->dtype() != DType::s8 || g.is_output(q.output())) return std::nullopt;
  const auto& users = g.value(q.output()).consumers;
  for (ir::NodeId user : users) {
    const ir::Node& dq = g.node(user);
    if (dq.op != "DequantizeLinear" || !g.constant(dq.input(2)) || dq.input(0) != q.output())
      return std::nullopt;
  }
  ir::Patch patch(g);
  const ir::ValueId shifted =
      patch.add("QuantizeLinear", {q.input(0), q.input(1), patch.constant(flipped(*zero), "zero_point")},
                q.attrs, q.name);
  for (ir::NodeId user : users) {
    const ir::Node& dq = g.node(user);
    const ir::ValueId zp = patch.constant(flipped(*g.constant(dq.input(2))), "zero_point");
    patch.replace(dq.output(), patch.add("DequantizeLinear", {shifted, dq.input(1), zp}, dq.attrs, dq.name));
  }
  return patch;
}

}  // namespace

extern const Pass pass_unify_signedness;
const Pass pass_unify_signedness{"unify-signedness", "s8 activations as u8", rewrite};

}  // namespace tenfold::passes
