// Byte tables and residual additions move into the epilogue of the kernel that computes their input.
#include "passes/int8/quantized.hpp"
#include "passes/pass.hpp"

namespace tenfold::passes {
namespace {

bool writes_bytes(const ir::Node& n) { return n.attrs.get_string("output", "u8") == "u8"; }

Table table_of(const Tensor& t) {
  Table table;
  std::copy_n(t.data<uint8_t>(), table.size(), table.begin());
  return table;
}

/// QLookup(op(...)) ==> op(...) with the table in its attributes.
std::optional<ir::Patch> fold_table(const ir::Graph& g, const ir::Node& lookup) {
  const ir::Node* n = g.producer(lookup.input(0));
  if (!n || g.single_consumer(lookup.input(0)) == ir::kNone) return std::nullopt;
  const bool linear = (n->op == "QConv" || n->op == "QMatMul") && writes_bytes(*n);
  if (!linear && n->op != "QAdd" && n->op != "QMul" && n->op != "QLookup") return std::nullopt;
  const bool behind_residual =
      linear && n->input(4) != ir::kNone && n->attrs.get_int("float_residual", 0) == 0;
  const char* name = behind_residual ? "residual_table" : "table";
  ir::Attributes attrs = n->attrs;
  Table table = table_of(*lookup.attrs.get_tensor("table"));
  if (const Tensor* before = attrs.get_tensor(name)) table = compose(table_of(*before), table);
  attrs.set(name, table_tensor(table));
  ir::Patch patch(g);
  patch.replace(lookup.output(), patch.add(n->op, n->inputs, attrs, n->name));
  return patch;
}

/// QAdd(QConv(...), r) ==> QConv(..., residual = r).
std::optional<ir::Patch> fold_residual(const ir::Graph& g, const ir::Node& add) {
  for (size_t side : {0u, 1u}) {
    const ir::Node* n = g.producer(add.input(side));
    const ir::ValueId other = add.input(1 - side);
    if (!n || (n->op != "QConv" && n->op != "QMatMul") || n->input(4) != ir::kNone || !writes_bytes(*n))
      continue;
    if (n->attrs.get_int("group", 1) != 1 || g.single_consumer(add.input(side)) == ir::kNone ||
        other == add.input(side))
      continue;
    if (!(g.value(other).shape == g.value(add.output()).shape) ||
        !(g.value(n->output()).shape == g.value(add.output()).shape))
      continue;
    ir::Attributes attrs = n->attrs;
    attrs.set("q_scale", add.attrs.get_float(side ? "b_scale" : "a_scale", 0));
    attrs.set("r_scale", add.attrs.get_float(side ? "a_scale" : "b_scale", 0));
    attrs.set("offset", add.attrs.get_float("offset", 0));
    attrs.set("residual_zero_point", add.attrs.get_int("y_zero_point", 0));
    if (const Tensor* table = add.attrs.get_tensor("table")) attrs.set("residual_table", *table);
    std::vector<ir::ValueId> ins = n->inputs;
    ins.resize(5, ir::kNone);
    ins[4] = other;
    ir::Patch patch(g);
    patch.replace(add.output(), patch.add(n->op, ins, attrs, n->name));
    return patch;
  }
  return std::nullopt;
}

std::optional<ir::Patch> rewrite(const ir::Graph& g, ir::NodeId id) {
  const ir::Node& n = g.node(id);
  if (n.op == "QLookup") return fold_table(g, n);
  if (n.op == "QAdd") return fold_residual(g, n);
  return std::nullopt;
}

}  // namespace

extern const Pass pass_int8_epilogue;
const Pass pass_int8_epilogue{"int8-epilogue", "tables and residual additions into INT8 epilogues", rewrite};

}  // namespace tenfold::passes
