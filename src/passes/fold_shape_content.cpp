// Turns values that shape inference knows completely into constants: Shape → Gather → Concat chains vanish.
#include <algorithm>

#include "passes/match.hpp"
#include "passes/pass.hpp"

namespace tenfold::passes {
namespace {

Tensor integer_tensor(DType dtype, const Shape& shape, const std::vector<int64_t>& values) {
  Tensor t(dtype, shape);
  dispatch(dtype, [&](auto tag) {
    using T = decltype(tag);
    std::transform(values.begin(), values.end(), t.mutable_data<T>(),
                   [](int64_t v) { return static_cast<T>(v); });
  });
  return t;
}

std::optional<ir::Patch> rewrite(const ir::Graph& graph, ir::NodeId id) {
  ir::Patch patch(graph);
  bool found = false;
  for (ir::ValueId out : graph.node(id).outputs) {
    if (out == ir::kNone || graph.is_output(out) || graph.value(out).consumers.empty()) continue;
    const ir::Value& v = graph.value(out);
    const auto values = integers(graph, out);
    if (!values || !v.shape || !v.shape->is_static() || (!is_integer(v.dtype) && v.dtype != DType::boolean))
      continue;
    if (static_cast<size_t>(v.shape->elements()) != values->size()) continue;
    patch.replace(out, patch.constant(integer_tensor(v.dtype, *v.shape, *values), v.name));
    found = true;
  }
  return found ? std::optional(std::move(patch)) : std::nullopt;
}

}  // namespace

extern const Pass pass_fold_shape_content;
const Pass pass_fold_shape_content{
    .name = "fold-shape-content",
    .description = "replace shape arithmetic that is fully known by constants",
    .rewrite = rewrite,
};

}  // namespace tenfold::passes
