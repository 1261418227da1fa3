#include "ops/elementwise.hpp"

namespace tenfold::ops {

std::optional<Shape> broadcast_inputs(InferContext& c) {
  std::optional<Shape> result;
  for (size_t i = 0; i < c.inputs(); i++) {
    if (!c.has_input(i)) c.error("input {} is missing", i);
    const Shape* s = c.shape(i);
    if (!s) return std::nullopt;
    result = result ? broadcast_shapes(c, *result, *s) : *s;
  }
  return result;
}

void propagate_binary(InferContext& c, DimFunction op) {
  const DType type = c.dtype(0);
  if (!kIndices.has(type) && type != DType::boolean) return;
  const auto a = c.content(0), b = c.content(1);
  if (!a || !b) return;
  const size_t n = a->size() == 1 ? b->size() : a->size();
  if (b->size() != n && b->size() != 1) return;
  std::vector<int64_t> values(n);
  try {
    for (size_t i = 0; i < n; i++)
      values[i] = op(c, (*a)[a->size() == 1 ? 0 : i], (*b)[b->size() == 1 ? 0 : i]);
  } catch (const Error&) {
    return;  // overflow or a division by zero: evaluation will say so if the node is ever run
  }
  const bool fits = type != DType::i32 || std::all_of(values.begin(), values.end(), [](int64_t v) {
                      return is_symbol(v) || v == static_cast<int32_t>(v);
                    });
  if (fits) c.set_content(0, std::move(values));
}

}  // namespace tenfold::ops
