// Where(condition, a, b): a where the condition holds, all three broadcast.
#include "ops/elementwise.hpp"

namespace tenfold::ops {
namespace {

void infer(InferContext& c) {
  check_type(c, 0, kBool);
  check_same_types(c, 1, 3);
  set_broadcast(c, c.dtype(1));
  const auto parts = all_contents(c);
  if (!parts) return;
  size_t n = 1;
  for (const auto& p : *parts)
    if (p.size() != 1) n = p.size();
  for (const auto& p : *parts)
    if (p.size() != 1 && p.size() != n) return;
  std::vector<int64_t> values(n);
  const auto at = [&](size_t part, size_t i) { return (*parts)[part][(*parts)[part].size() == 1 ? 0 : i]; };
  for (size_t i = 0; i < n; i++) values[i] = at(0, i) ? at(1, i) : at(2, i);
  c.set_content(0, std::move(values));
}

void eval(const EvalContext& e) {
  const Shape& out = *e.out().shape;
  const Extents dense = Extents(out).strides();
  const Extents sc = broadcast_strides(*e.in(0).shape, out), sa = broadcast_strides(*e.in(1).shape, out),
                sb = broadcast_strides(*e.in(2).shape, out);
  Walk<4> walk;
  for (int i = 0; i < out.rank(); i++) walk.push(out[i], {dense[i], sc[i], sa[i], sb[i]});
  dispatch_size(e.out().dtype, [&](auto tag) {
    using T = decltype(tag);
    const bool* condition = e.in(0).as<bool>();
    const T* a = e.in(1).as<T>();
    const T* b = e.in(2).as<T>();
    T* y = e.out().as<T>();
    walk.rows([&](const auto& at, const auto& step, int64_t count) {
      for (int64_t i = 0; i < count; i++)
        y[at[0] + i] = condition[at[1] + i * step[1]] ? a[at[2] + i * step[2]] : b[at[3] + i * step[3]];
    });
  });
}

}  // namespace

extern const OpDef op_where = {"Where", OpKind::binary, 3, 3, 1, infer, eval};

}  // namespace tenfold::ops
