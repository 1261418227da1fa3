// QuantizeLinear(Resize(DequantizeLinear(x)))  ==>  QResize, where pixels are interpolated along one axis or
// two neighbouring ones.
#include <algorithm>

#include "ops/resize_axis.hpp"
#include "passes/int8/quantized.hpp"
#include "passes/pass.hpp"

namespace tenfold::passes {
namespace {

/// At most two axes change, neighbouring ones.
bool interpolates(const ir::Graph& g, const ir::Node& n) {
  const ops::ResizeOptions options = ops::read_resize_options(n);
  if (options.mode == ops::ResizeMode::nearest ||
      options.coordinates == ops::ResizeCoordinates::tf_crop_and_resize)
    return false;
  const auto axes = ops::constant_resize_axes(g, n);
  if (!axes) return false;
  const auto changes = [&](const ops::ResizeAxis& a) { return !a.identity(options); };
  const auto first = std::ranges::find_if(*axes, changes);
  return std::distance(first, axes->end()) < 3 || std::none_of(first + 2, axes->end(), changes);
}

std::optional<ir::Patch> rewrite(const ir::Graph& g, ir::NodeId id) {
  const ir::Node& n = g.node(id);
  if (n.op != "Resize") return std::nullopt;
  const auto x = dequantized(g, n.input(0));
  const auto requant = requantization(g, n.output());
  if (!x || !requant || requant->clamp || !interpolates(g, n)) return std::nullopt;
  ir::Attributes attrs = n.attrs;
  if (!set_scaling(attrs, x->params, requant->params)) return std::nullopt;
  std::vector<ir::ValueId> ins = n.inputs;
  ins[0] = x->value;
  ir::Patch patch(g);
  patch.replace(requant->result, patch.add("QResize", ins, attrs, n.name));
  return patch;
}

}  // namespace

extern const Pass pass_int8_resize;
const Pass pass_int8_resize{"int8-resize", "interpolation of quantized pixels to an INT8 kernel", rewrite};

}  // namespace tenfold::passes
