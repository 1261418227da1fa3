// QuantizeLinear(ReduceMean(DequantizeLinear(x))) over the channels of an image  ==>  QConv with ones for
// weights, as spatial attention has it.
#include "passes/int8/linear.hpp"
#include "passes/match.hpp"
#include "passes/pass.hpp"

namespace tenfold::passes {
namespace {

std::optional<ir::Patch> rewrite(const ir::Graph& g, ir::NodeId id) {
  const ir::Node& n = g.node(id);
  if (n.op != "ReduceMean" || n.attrs.get_int("keepdims", 1) == 0) return std::nullopt;
  const auto x = dequantized(g, n.input(0));
  const auto requant = requantization(g, n.output());
  const Shape* shape = shape_of(g, n.input(0));
  const auto axes = reduced_axes(g, n);
  if (!x || !requant || !shape || shape->rank() != 4 || !axes || *axes != std::vector<int>{1} ||
      is_symbol((*shape)[1]))
    return std::nullopt;
  const int64_t channels = (*shape)[1];
  Tensor ones(DType::s8, {1, channels, 1, 1});
  std::fill_n(ones.mutable_data<int8_t>(), channels, int8_t{1});
  const QuantizedWeights weights{ones, {1 / static_cast<float>(channels)}, 0};
  const auto linear = linear_params(g, *x, weights, 1, ir::kNone, requant);
  if (!linear) return std::nullopt;
  ir::Attributes attrs;
  set_linear_attributes(attrs, *x, requant);
  ir::Patch patch(g);
  patch.replace(requant->result, patch.add("QConv",
                                           {x->value, patch.constant(ones, "weights"),
                                            patch.constant(linear->multiplier, "multiplier"),
                                            patch.constant(linear->bias, "bias")},
                                           attrs, n.name));
  return patch;
}

}  // namespace

extern const Pass pass_int8_channel_mean;
const Pass pass_int8_channel_mean{"int8-channel-mean", "quantized means over channels to an INT8 convolution",
                                  rewrite};

}  // namespace tenfold::passes
