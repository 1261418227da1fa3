// Any elementwise computation from one u8 tensor to u8 is a table of 256 entries: one QLookup.  This covers
// activations in every spelling (x * sigmoid(x), HardSwish by Clip, quantized in between or not) exactly.
#include "passes/int8/byte_function.hpp"
#include "passes/int8/quantized.hpp"
#include "passes/pass.hpp"

namespace tenfold::passes {
namespace {

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
