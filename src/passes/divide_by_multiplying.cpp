// Division by constants that are powers of two becomes a multiplication, which rounds the same and is several
// times faster.
#include <cmath>

#include "passes/match.hpp"
#include "passes/pass.hpp"

namespace tenfold::passes {
namespace {

/// 1 / c is exact: a power of two whose reciprocal is a normal number.
bool has_exact_reciprocal(float c) {
  int exponent;
  return std::fabs(std::frexp(c, &exponent)) == 0.5f && std::isnormal(1 / c);
}

std::optional<ir::Patch> rewrite(const ir::Graph& graph, ir::NodeId id) {
  const ir::Node& node = graph.node(id);
  const Tensor* divisor = node.op == "Div" ? graph.constant(node.input(1)) : nullptr;
  if (!divisor || divisor->dtype() != DType::f32 || node.attrs.has("activation")) return std::nullopt;
  Tensor factor(DType::f32, divisor->shape());
  for (int64_t i = 0; i < divisor->elements(); i++) {
    const float c = divisor->data<float>()[i];
    if (!has_exact_reciprocal(c)) return std::nullopt;
    factor.mutable_data<float>()[i] = 1 / c;
  }
  ir::Patch patch(graph);
  const ir::ValueId constant =
      patch.constant(std::move(factor), graph.value(node.input(1)).name + "_reciprocal");
  patch.replace(node.output(), patch.add("Mul", {node.input(0), constant}, {}, node.name));
  return patch;
}

}  // namespace

extern const Pass pass_divide_by_multiplying;
const Pass pass_divide_by_multiplying{
    .name = "divide-by-multiplying",
    .description = "division by constant powers of two becomes multiplication",
    .rewrite = rewrite,
};

}  // namespace tenfold::passes
