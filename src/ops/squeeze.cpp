// Squeeze(data, axes?): drops axes of extent 1, all of them by default.
#include "ops/helpers.hpp"

namespace tenfold::ops {
namespace {

void infer(InferContext& c) {
  const Shape* in = c.shape(0);
  const auto axes = c.content(1);
  if (!in || (c.has_input(1) && !axes)) return c.set(0, c.dtype(0), std::nullopt);
  std::vector<bool> drop(static_cast<size_t>(in->rank()));
  if (axes) {
    for (int64_t a : *axes) {
      const int axis = c.axis(a, in->rank());
      const int64_t extent = (*in)[axis];
      if (extent != 1 && !is_symbol(extent)) c.error("axis {} has extent {}, not 1", axis, extent);
      drop[static_cast<size_t>(axis)] = true;
    }
  } else {
    if (!in->is_static()) return c.set(0, c.dtype(0), std::nullopt);  // a symbol may turn out to be 1
    for (int i = 0; i < in->rank(); i++) drop[static_cast<size_t>(i)] = (*in)[i] == 1;
  }
  Shape out;
  for (int i = 0; i < in->rank(); i++)
    if (!drop[static_cast<size_t>(i)]) out.push_back((*in)[i]);
  c.set(0, c.dtype(0), std::move(out));
  pass_content(c);
}

}  // namespace

extern const OpDef op_squeeze = {"Squeeze", OpKind::movement, 1, 2, 1, infer, copy_through};

}  // namespace tenfold::ops
