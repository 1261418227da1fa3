// QuantizeLinear(move(x)) ==> move(QuantizeLinear(x)) behind an operator that can write bytes itself: the
// phases of a transposed convolution, the pixel shuffle of a super-resolution network.
#include <algorithm>

#include "passes/int8/quantized.hpp"
#include "passes/match.hpp"
#include "passes/pass.hpp"

namespace tenfold::passes {
namespace {

bool moves(std::string_view op) {
  static constexpr std::string_view kOps[] = {"DepthToSpace", "SpaceToDepth", "Slice",   "Reshape",
                                              "Transpose",    "Flatten",      "Squeeze", "Unsqueeze"};
  return std::ranges::find(kOps, op) != std::end(kOps);
}
/// Writes bytes itself, or stands between one that does and the quantization.
bool writes_bytes(std::string_view op) {
  static constexpr std::string_view kOps[] = {"Conv", "MatMul", "Gemm", "Relu", "Clip"};
  return std::ranges::find(kOps, op) != std::end(kOps);
}
/// Writes bytes where it reads bytes: more than a Slice leaves of them is not worth quantizing.
bool may_write_bytes(std::string_view op) {
  static constexpr std::string_view kOps[] = {"GlobalAveragePool", "AveragePool", "Add", "Mul", "Concat"};
  return std::ranges::find(kOps, op) != std::end(kOps);
}

std::optional<ir::Patch> rewrite(const ir::Graph& g, ir::NodeId id) {
  const ir::Node& quantize = g.node(id);
  if (!quantize_params(g, quantize) || !used_once(g, quantize.input(0))) return std::nullopt;
  const ir::Node* move = g.producer(quantize.input(0));
  if (!move || !moves(move->op) || !used_once(g, move->input(0))) return std::nullopt;
  const ir::Node* source = g.producer(move->input(0));
  if (!source) return std::nullopt;
  const bool whole = move->op != "Slice" && may_write_bytes(source->op);
  if (!whole && !writes_bytes(source->op) && !moves(source->op)) return std::nullopt;
  ir::Patch patch(g);
  std::vector<ir::ValueId> inputs = move->inputs;
  inputs[0] = patch.add("QuantizeLinear", {move->input(0), quantize.input(1), quantize.input(2)},
                        quantize.attrs, quantize.name);
  patch.replace(quantize.output(), patch.add(move->op, inputs, move->attrs, move->name));
  return patch;
}

}  // namespace

extern const Pass pass_int8_quantize_before_movement;
const Pass pass_int8_quantize_before_movement{"int8-quantize-before-movement",
                                              "quantization before data movement, where it can join a kernel",
                                              rewrite};

}  // namespace tenfold::passes
