// Unsqueeze(data, axes): inserts axes of extent 1; `axes` count in the output.
#include "ops/helpers.hpp"

namespace tenfold::ops {
namespace {

void infer(InferContext& c) {
  const Shape* in = c.shape(0);
  const auto axes = c.content(1);
  if (!in || !axes) return c.set(0, c.dtype(0), std::nullopt);
  if (axes->size() > kMaxRank)
    c.error("{} axes to insert (at most {} axes are supported)", axes->size(), kMaxRank);
  const int rank = in->rank() + static_cast<int>(axes->size());
  std::vector<bool> added(static_cast<size_t>(rank));
  for (int64_t a : *axes) {
    const auto axis = static_cast<size_t>(c.axis(a, rank));
    if (added[axis]) c.error("axis {} is given twice", axis);
    added[axis] = true;
  }
  Shape out;
  for (int i = 0, k = 0; i < rank; i++) out.push_back(added[static_cast<size_t>(i)] ? 1 : (*in)[k++]);
  const bool vector = rank <= 1;
  c.set(0, c.dtype(0), std::move(out));
  if (vector) pass_content(c);
}

}  // namespace

extern const OpDef op_unsqueeze = {"Unsqueeze", OpKind::movement, 2, 2, 1, infer, copy_through};

}  // namespace tenfold::ops
