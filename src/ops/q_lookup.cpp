// QLookup: y = table[x], any unary function on bytes: u8, or s8 with the index that has the same bits.
#include "ops/requantize.hpp"

namespace tenfold::ops {
namespace {

void infer(InferContext& ctx) {
  expect_dtype(ctx, 0, {DType::u8, DType::s8});
  if (!table_attr(ctx.node(), "table")) ctx.error("attribute 'table' is missing");
  ctx.set(0, DType::u8, ctx.shape(0) ? std::optional(*ctx.shape(0)) : std::nullopt);
}

void eval(const EvalContext& ctx) {
  const uint8_t* table = table_attr(ctx.node, "table");
  if (!table) invalid(ctx.node, "attribute 'table' is missing");
  const auto look_up = [&](auto x) {
    for (size_t i = 0; i < x.size(); i++) ctx.out().as<uint8_t>()[i] = table[static_cast<uint8_t>(x[i])];
  };
  if (ctx.in(0).dtype == DType::s8)
    look_up(ctx.in(0).span<const int8_t>());
  else
    look_up(ctx.in(0).span<const uint8_t>());
}

}  // namespace

extern const OpDef op_q_lookup;
const OpDef op_q_lookup{"QLookup", OpKind::unary, 1, 1, 1, infer, eval};

}  // namespace tenfold::ops
