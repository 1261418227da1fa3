// QuantizeLinear and DequantizeLinear with one scale a channel around the input of a depthwise convolution
// (NNCF writes them) become per-tensor ones: the ratios of the scales go into the weights on both sides.
#include <algorithm>
#include <cmath>

#include "passes/int8/quantized.hpp"
#include "passes/linear.hpp"
#include "passes/match.hpp"
#include "passes/pass.hpp"

namespace tenfold::passes {
namespace {

using ir::Graph;
using ir::Node;
using ir::Patch;
using ir::ValueId;

/// Scales by channel of a u8 tensor and its one zero point.
struct ChannelParams {
  std::vector<float> scales;
  int zero_point;
  bool operator==(const ChannelParams&) const = default;
};

std::optional<ChannelParams> channel_params(const Graph& g, const Node& n, ValueId bytes) {
  const Tensor* scale = g.constant(n.input(1));
  const int rank = rank_of(g, bytes);
  const int64_t axis = n.attrs.get_int("axis", 1);
  if (!scale || scale->dtype() != DType::f32 || scale->elements() < 2 || rank < 3) return std::nullopt;
  if (g.value(bytes).dtype != DType::u8 || (axis != 1 && axis + rank != 1)) return std::nullopt;
  if (n.attrs.get_int("block_size", 0) != 0) return std::nullopt;
  const auto zero = n.input(2) == ir::kNone ? std::optional(0.0) : uniform(g, n.input(2));
  const auto usable = [](float s) { return s > 0 && std::isfinite(s); };
  if (!zero || !std::ranges::all_of(scale->span<float>(), usable)) return std::nullopt;
  const auto [least, most] = std::ranges::minmax(scale->span<float>());
  constexpr float kFarthest = 1e20f;  // apart: ratios that keep weights finite
  if (most / kFarthest > least) return std::nullopt;
  return ChannelParams{{scale->span<float>().begin(), scale->span<float>().end()}, static_cast<int>(*zero)};
}

/// The depthwise convolutions behind a DequantizeLinear, if nothing else reads it.
std::optional<std::vector<Linear>> depthwise_users(const Graph& g, ValueId real, int64_t channels) {
  std::vector<Linear> users;
  for (ir::NodeId user : g.value(real).consumers) {
    const Node& conv = g.node(user);
    const auto op = conv.op == "Conv" ? linear_producer(g, conv.output()) : std::nullopt;
    if (!op || conv.attrs.get_int("group", 1) != channels || conv.input(1) == real) return std::nullopt;
    users.push_back(*op);
  }
  return g.is_output(real) ? std::nullopt : std::optional(users);
}

/// A real value, and whether max(0, value) is meant; any other bound is one that saturating bytes repeat.
struct Clamped {
  ValueId real;
  bool relu;
};
Clamped through_clamp(const Graph& g, ValueId real, const ChannelParams& params) {
  const Node* clamp = g.producer(real);
  const auto bounds = clamp && used_once(g, real) ? clamp_bounds(g, *clamp) : std::nullopt;
  if (!bounds) return {real, false};
  const auto gives = [&](float bound, uint8_t byte) {
    return std::ranges::all_of(params.scales, [&](float scale) {
      return quantize(bound, {scale, params.zero_point}) == byte;
    });
  };
  const bool below = gives(bounds->first, 0), above = gives(bounds->second, UINT8_MAX);
  if (!above || (!below && bounds->first != 0)) return {real, false};
  return {clamp->input(0), !below};
}

/// `real` with every channel times its factor: in the weights of what computes it, else by a Mul.
ValueId scaled(Patch& patch, const Graph& g, ValueId real, const std::vector<double>& factors) {
  const auto channels = static_cast<int64_t>(factors.size());
  if (const auto op = used_once(g, real) ? linear_producer(g, real) : std::nullopt;
      op && op->channel_axis == 1 && op->channels == channels) {
    const ValueId result = apply_after(patch, g, *op, {factors, std::vector<double>(factors.size(), 0)});
    if (result != ir::kNone) return result;
  }
  Shape shape{channels};
  for (int i = 2; i < rank_of(g, real); i++) shape.push_back(1);
  const ValueId constant = patch.constant(f32_vector(factors).reshaped(shape), "channel_scales");
  return patch.add("Mul", {real, constant}, {}, g.value(real).name + "_scaled");
}

std::optional<Patch> rewrite(const Graph& g, ir::NodeId id) {
  const Node& q = g.node(id);
  const auto params = q.op == "QuantizeLinear" ? channel_params(g, q, q.output()) : std::nullopt;
  if (!params || g.is_output(q.output())) return std::nullopt;
  const float common = std::ranges::max(params->scales);
  std::vector<double> ratios(params->scales.begin(), params->scales.end()), inverse;
  for (double& r : ratios) inverse.push_back(1 / (r /= common));

  Patch patch(g);
  const ValueId scale = patch.constant(Tensor::scalar(common), "scale");
  const ValueId zero = patch.constant(Tensor::scalar(static_cast<uint8_t>(params->zero_point)), "zero_point");
  const Clamped x = through_clamp(g, q.input(0), *params);
  ValueId real = scaled(patch, g, x.real, inverse);
  if (x.relu) real = patch.add("Relu", {real}, {}, q.name + "_relu");
  const ValueId bytes = patch.add("QuantizeLinear", {real, scale, zero}, {}, q.name);
  for (ir::NodeId user : g.value(q.output()).consumers) {
    const Node& dq = g.node(user);
    if (dq.op != "DequantizeLinear" || channel_params(g, dq, q.output()) != params) return std::nullopt;
    const auto convs = depthwise_users(g, dq.output(), std::ssize(ratios));
    if (!convs) return std::nullopt;
    const ValueId dequantized = patch.add("DequantizeLinear", {bytes, scale, zero}, {}, dq.name);
    for (const Linear& op : *convs) {
      std::vector<double> factors(static_cast<size_t>(op.channels));
      for (size_t o = 0; o < factors.size(); o++) factors[o] = ratios[o * ratios.size() / factors.size()];
      std::vector<ValueId> inputs = op.node->inputs;
      inputs[0] = dequantized;
      inputs[1] = scaled_weights(patch, g, op, factors);
      if (inputs[1] == ir::kNone) return std::nullopt;
      patch.replace(op.node->output(), patch.add("Conv", inputs, op.node->attrs, op.node->name));
    }
  }
  return patch;
}

}  // namespace

extern const Pass pass_int8_channel_scales;
const Pass pass_int8_channel_scales{
    "int8-channel-scales", "activation scales by channel, in front of depthwise convolutions, into weights",
    rewrite};

}  // namespace tenfold::passes
