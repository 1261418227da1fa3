// QuantizeLinear(Concat(DequantizeLinear(x_i)...))  ==>  Concat of bytes, each input rescaled by a table
// where its parameters differ from the result's.  Where nothing quantizes the result but all parameters are
// the same, DequantizeLinear moves behind the Concat.
#include "passes/int8/quantized.hpp"
#include "passes/pass.hpp"

namespace tenfold::passes {
namespace {

std::optional<ir::Patch> dequantized_later(const ir::Graph& g, const ir::Node& concat,
                                           const std::vector<Quantized>& parts) {
  std::vector<ir::ValueId> ins;
  for (const Quantized& p : parts) {
    if (!(p.params == parts.front().params)) return std::nullopt;
    ins.push_back(p.value);
  }
  const ir::Node& dq = *g.producer(concat.input(0));
  ir::Patch patch(g);
  const ir::ValueId bytes = patch.add("Concat", ins, concat.attrs, concat.name);
  patch.replace(concat.output(),
                patch.add("DequantizeLinear", {bytes, dq.input(1), dq.input(2)}, dq.attrs, dq.name));
  return patch;
}

std::optional<ir::Patch> rewrite(const ir::Graph& g, ir::NodeId id) {
  const ir::Node& n = g.node(id);
  if (n.op != "Concat") return std::nullopt;
  std::vector<Quantized> parts;
  for (ir::ValueId v : n.inputs) {
    const auto part = dequantized(g, v);
    if (!part) return std::nullopt;
    parts.push_back(*part);
  }
  const ir::NodeId user = g.single_consumer(n.output());
  const auto target = user == ir::kNone ? std::nullopt : quantize_params(g, g.node(user));
  if (!target) return dequantized_later(g, n, parts);
  ir::Patch patch(g);
  std::vector<ir::ValueId> ins;
  for (const Quantized& p : parts) {
    if (p.params == *target) {
      ins.push_back(p.value);
      continue;
    }
    Table table;
    for (int i = 0; i < 256; i++)
      table[static_cast<size_t>(i)] =
          quantize(static_cast<float>(i - p.params.zero_point) * p.params.scale, *target);
    ins.push_back(patch.add("QLookup", {p.value}, {{"table", table_tensor(table)}}, n.name + ".rescale"));
  }
  patch.replace(g.node(user).output(), patch.add("Concat", ins, n.attrs, n.name));
  return patch;
}

}  // namespace

extern const Pass pass_int8_concat;
const Pass pass_int8_concat{"int8-concat", "quantized Concat on bytes", rewrite};

}  // namespace tenfold::passes
