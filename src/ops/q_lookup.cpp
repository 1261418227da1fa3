// QLookup: y = table[x], any unary function on u8.
#include "ops/requantize.hpp"

namespace tenfold::ops {
namespace {

void infer(InferContext& ctx) {
  expect_dtype(ctx, 0, {DType::u8});
  if (!table_attr(ctx.node(), "table")) ctx.error("attribute 'table' is missing");
  infer_like_input(ctx);
}

void eval(const EvalContext& ctx) {
  const uint8_t* table = table_attr(ctx.node, "table");
  if (!table) invalid(ctx.node, "attribute 'table' is missing");
  const auto x = ctx.in(0).span<const uint8_t>();
  for (size_t i = 0; i < x.size(); i++) ctx.out().as<uint8_t>()[i] = table[x[i]];
}

}  // namespace

extern const OpDef op_q_lookup;
const OpDef op_q_lookup{"QLookup", OpKind::unary, 1, 1, 1, infer, eval};

}  // namespace tenfold::ops
