// MaxPool: the largest element of each window; optionally its index in the flattened N, C, spatial... input.
#include "ops/checks.hpp"
#include "ops/pool.hpp"

namespace tenfold::ops {
namespace {

void infer(InferContext& ctx) {
  expect_dtype(ctx, 0, {DType::f32, DType::f64, DType::u8, DType::s8});
  int_attr(ctx.node(), "storage_order", 0, 0, 1);
  const auto shape = pool_shape(ctx);
  ctx.set(0, ctx.dtype(0), shape);
  if (ctx.outputs() > 1) ctx.set(1, DType::i64, shape);
}

template <class T>
void eval_as(const EvalContext& ctx, const Pooling& p) {
  const T* x = ctx.in(0).as<T>();
  T* y = ctx.out().as<T>();
  int64_t* indices = ctx.outputs.size() > 1 ? ctx.out(1).as<int64_t>() : nullptr;
  const bool columns = ctx.attrs().get_int("storage_order", 0) == 1;
  const Extents3& in = p.window.in;
  for_each_window(p, [&](const PoolWindow& w) {
    T best = std::numeric_limits<T>::lowest();
    if constexpr (std::is_floating_point_v<T>) best = -std::numeric_limits<T>::infinity();
    int64_t index = 0;
    for_each_tap(p, w, [&](int64_t offset, int64_t i0, int64_t i1, int64_t i2) {
      if (!(x[offset] > best)) return;
      best = x[offset];
      index = columns ? i0 + in[0] * (i1 + in[1] * i2) : (i0 * in[1] + i1) * in[2] + i2;
    });
    y[w.y] = best;
    if (indices) indices[w.y] = (w.image * p.channels + w.channel) * in[0] * in[1] * in[2] + index;
  });
}

void eval(const EvalContext& ctx) {
  const Pooling p = resolve_pool(ctx.node, *ctx.in(0).shape);
  switch (ctx.in(0).dtype) {
    case DType::f32:
      return eval_as<float>(ctx, p);
    case DType::f64:
      return eval_as<double>(ctx, p);
    case DType::u8:
      return eval_as<uint8_t>(ctx, p);
    default:
      return eval_as<int8_t>(ctx, p);
  }
}

}  // namespace

extern const OpDef op_max_pool;
const OpDef op_max_pool{"MaxPool", OpKind::spatial, 1, 1, 2, infer, eval};

}  // namespace tenfold::ops
