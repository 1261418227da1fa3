// Transpose(data) {perm}: axis i of the output is axis perm[i] of the input; reversed axes by default.
#include "ops/helpers.hpp"

namespace tenfold::ops {
namespace {

void infer(InferContext& c) {
  const Shape* in = c.shape(0);
  const auto perm = c.attrs().get_ints("perm");
  if (!in) return c.set(0, c.dtype(0), std::nullopt);
  const int rank = in->rank();
  Shape out(std::vector<int64_t>(static_cast<size_t>(rank)));
  if (c.attrs().has("perm")) {
    if (static_cast<int>(perm.size()) != rank) c.error("perm has {} entries for rank {}", perm.size(), rank);
    std::vector<bool> seen(static_cast<size_t>(rank));
    for (int i = 0; i < rank; i++) {
      const int64_t p = perm[static_cast<size_t>(i)];
      if (p < 0 || p >= rank || seen[static_cast<size_t>(p)])
        c.error("perm is not a permutation of {} axes", rank);
      seen[static_cast<size_t>(p)] = true;
      out[i] = (*in)[static_cast<int>(p)];
    }
  } else {
    for (int i = 0; i < rank; i++) out[i] = (*in)[rank - 1 - i];
  }
  c.set(0, c.dtype(0), std::move(out));
  if (rank <= 1)
    if (auto content = c.content(0)) c.set_content(0, std::move(*content));
}

void eval(const EvalContext& e) {
  const Extents in(*e.in(0).shape), out(*e.out().shape);
  const Extents from = in.strides(), to = out.strides();
  const auto perm = int_list(e.attrs(), "perm");
  Walk<2> walk;
  for (int i = 0; i < out.rank; i++) {
    const int p = perm.empty() ? out.rank - 1 - i : static_cast<int>(perm[static_cast<size_t>(i)]);
    walk.push(out[i], {to[i], from[p]});
  }
  copy_strided(walk, e.out(), 0, e.in(0), 0);
}

}  // namespace

extern const OpDef op_transpose = {"Transpose", OpKind::movement, 1, 1, 1, infer, eval};

}  // namespace tenfold::ops
