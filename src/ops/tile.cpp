// Tile(data, repeats).
#include "ops/helpers.hpp"

namespace tenfold::ops {
namespace {

void infer(InferContext& c) {
  check_type(c, 1, {DType::i64});
  const Shape* in = c.shape(0);
  if (!in) return c.set(0, c.dtype(0), std::nullopt);
  const auto repeats = c.content(1);
  if (repeats && static_cast<int>(repeats->size()) != in->rank())
    c.error("{} repeats for rank {}", repeats->size(), in->rank());
  Shape out = *in;
  for (int i = 0; i < out.rank(); i++) {
    const int64_t n = repeats ? (*repeats)[static_cast<size_t>(i)] : 0;
    if (n < 0 && !is_symbol(n)) c.error("repeat count {}", n);
    out[i] = repeats ? dim_mul(c, out[i], n) : c.data_dependent(0, i);
  }
  c.set(0, c.dtype(0), std::move(out));
}

void eval(const EvalContext& e) {
  const Extents in(*e.in(0).shape), out(*e.out().shape);
  const Extents from = in.strides(), to = out.strides();
  if (e.out().elements() == 0) return;
  // Block by block of the input's extents: the outer walk goes over the copies, the inner one over a block.
  Walk<2> copies, block;
  for (int i = 0; i < in.rank; i++) {
    copies.push(out[i] / in[i], {in[i] * to[i], 0});
    block.push(in[i], {to[i], from[i]});
  }
  copies.each([&](const auto& at) { copy_strided(block, e.out(), at[0], e.in(0), 0); });
}

}  // namespace

extern const OpDef op_tile = {"Tile", OpKind::movement, 2, 2, 1, infer, eval};

}  // namespace tenfold::ops
