// Writes a placement into the graph: Q/DQ pairs on activations, s8 weights and int32 biases behind
// DequantizeLinear.
#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <map>
#include <numeric>
#include <tuple>

#include "ops/op.hpp"
#include "quant/correct.hpp"
#include "quant/placement.hpp"

namespace tenfold::quant {

using ir::Graph;
using ir::Node;
using ir::NodeId;
using ir::ValueId;

namespace {

/// The part of `range` in which `op` tells values apart: below -3 HardSwish is 0 whatever its input.  Where a
/// function only tends to a constant, the bounds lie where it is within 0.004 (half a step of a range of 2)
/// of it.
Range active_range(const Node& op, Range range) {
  const auto clamp = [&](float lo, float hi) {
    return Range{std::clamp(range.lo, lo, hi), std::clamp(range.hi, lo, hi)};
  };
  constexpr float kInfinity = std::numeric_limits<float>::infinity();
  if (op.op == "HardSwish") return clamp(-3, kInfinity);
  if (op.op == "HardSigmoid") {
    const float alpha = op.attrs.get_float("alpha", 0.2f), beta = op.attrs.get_float("beta", 0.5f);
    if (alpha > 0) return clamp(-beta / alpha, (1 - beta) / alpha);
  }
  if (op.op == "Relu") return clamp(0, kInfinity);
  if (op.op == "Sigmoid") return clamp(-6, 6);
  if (op.op == "Tanh") return clamp(-3.5f, 3.5f);
  if (op.op == "SiLU") return clamp(-8, kInfinity);
  if (op.op == "Gelu" || op.op == "GeluTanh") return clamp(-3.5f, kInfinity);
  return range;
}

/// The part of `range` that any consumer of `v` can tell apart.
Range useful_range(const Graph& graph, ValueId v, Range range) {
  const auto& users = graph.value(v).consumers;
  if (users.empty() || graph.is_output(v)) return range;
  Range useful = active_range(graph.node(users.front()), range);
  for (NodeId user : users) useful = unite(useful, active_range(graph.node(user), range));
  return useful;
}

/// Values that must carry the same scale and zero point, and the range of each such group.
class SharedRanges {
 public:
  SharedRanges(const Graph& graph, const Placement& placement, const CalibrationTable& table,
               const QuantizeOptions& options)
      : graph_(graph), parent_(graph.value_count()), ranges_(graph.value_count()) {
    std::iota(parent_.begin(), parent_.end(), ValueId{0});
    for (const auto& [result, input] : placement.shared) {
      // Results of operators that move data lie inside the range of their input and need no observation.
      parent_[index(find(result))] = find(input);
    }
    for (ValueId v : placement.values) {
      if (find(v) != v) continue;
      const auto it = table.find(graph.value(v).name);
      if (it == table.end())
        fail(ErrorCode::invalid_argument,
             "the calibration table has no range for value '{}': calibrate with the same options",
             graph.value(v).name);
      ranges_[index(v)] = options.saturate_ranges ? useful_range(graph, v, it->second) : it->second;
    }
    for (NodeId id : placement.concats) unite_concat(graph.node(id), options.concat_range_ratio);
  }

  ActivationParams params(ValueId v) { return activation_params(ranges_[index(find(v))]); }

 private:
  static size_t index(ValueId v) { return static_cast<size_t>(v); }
  ValueId find(ValueId v) {
    while (parent_[index(v)] != v) v = parent_[index(v)] = parent_[index(parent_[index(v)])];
    return v;
  }

  void unite_concat(const Node& concat, float ratio) {
    const Range whole = ranges_[index(find(concat.output()))];
    const float needed = std::max(0.0f, whole.hi) - std::min(0.0f, whole.lo);
    for (ValueId v : concat.inputs) {
      const Range part = ranges_[index(find(v))];
      if ((std::max(0.0f, part.hi) - std::min(0.0f, part.lo)) * ratio < needed) return;
    }
    const ValueId root = find(concat.output());
    for (ValueId v : concat.inputs) {
      const ValueId other = find(v);
      if (other == root) continue;
      ranges_[index(root)] = unite(ranges_[index(root)], ranges_[index(other)]);
      parent_[index(other)] = root;
    }
  }

  const Graph& graph_;
  std::vector<ValueId> parent_;
  std::vector<Range> ranges_;
};

/// Edits one copy of the graph.
class Writer {
 public:
  Writer(const Graph& graph, const Placement& placement, SharedRanges& ranges, const QuantizeOptions& options)
      : g_(graph), placement_(placement), ranges_(ranges), options_(options) {}

  void run() {
    for (NodeId id : placement_.compute) write_weights(id);
    for (const auto& [id, i] : placement_.constants) write_constant(id, i);
    for (ValueId v : placement_.values) write_pair(v);
  }
  const Graph& graph() const { return g_; }

 private:
  /// Integers with their scale and zero point.
  using Constants = std::array<ValueId, 3>;

  Constants constants(Tensor data, const std::vector<float>& scales, Tensor zero_point,
                      std::optional<int> axis, const std::string& stem) {
    Tensor scale =
        axis ? Tensor::from<float>(Shape{static_cast<int64_t>(scales.size())}, std::span<const float>(scales))
             : Tensor::scalar(scales.front());
    const ValueId q = g_.add_constant(g_.unique_name(stem + "_quantized"), std::move(data));
    const ValueId s = g_.add_constant(g_.unique_name(stem + "_scale"), std::move(scale));
    const ValueId z = g_.add_constant(g_.unique_name(stem + "_zero_point"), std::move(zero_point));
    return {q, s, z};
  }

  /// constants -> DequantizeLinear; per channel where there is more than one scale.
  ValueId dequantized(const Constants& c, std::optional<int> axis, const std::string& stem) {
    ir::Attributes attrs;
    if (axis) attrs.set("axis", int64_t{*axis});
    return add_node("DequantizeLinear", {c.begin(), c.end()}, std::move(attrs), stem + "_DequantizeLinear");
  }

  ValueId add_node(std::string op, std::vector<ValueId> inputs, ir::Attributes attrs, std::string name) {
    const NodeId id = g_.add_node(std::move(op), std::move(inputs), std::move(attrs), 1, std::move(name));
    ops::infer(g_, id);
    return g_.node(id).output();
  }

  static Tensor zeros(DType type, std::optional<int> axis, size_t channels) {
    Tensor t(type, axis ? Shape{static_cast<int64_t>(channels)} : Shape{});
    std::memset(t.mutable_raw(), 0, t.bytes());
    return t;
  }

  void write_weights(NodeId id) {
    const ValueId w = g_.node(id).input(1);
    const Tensor& weight = g_.value(w).constant;
    const std::string stem = g_.value(w).name;
    std::optional<int> axis = weight_axis(g_.node(id));
    const int64_t channels = output_channels(g_.node(id), weight.shape());
    if (!options_.per_channel) axis.reset();

    const float input_scale = ranges_.params(g_.node(id).input(0)).scale;
    const std::vector<float> bias = bias_values(id, channels);
    std::vector<float> bounds(axis ? static_cast<size_t>(channels) : 1, 0.0f);
    for (size_t c = 0; c < bias.size(); c++) {
      float& bound = bounds[axis ? c : 0];
      bound = std::max(bound, min_weight_scale_for_bias(bias[c], input_scale));
    }
    QuantizedWeight q = quantize_weight(weight, axis, bounds);
    const std::vector<float> scales = q.scales;
    // Layers that share a weight share its integers; a bias may have widened the scales of one of them.
    const auto [shared, first] = weights_.try_emplace({w, axis, scales});
    if (first)
      shared->second =
          constants(std::move(q.data), scales, zeros(DType::s8, axis, scales.size()), axis, stem);
    g_.set_input(id, 1, dequantized(shared->second, axis, stem));

    if (bias.empty()) return;
    const std::string bias_stem = g_.value(g_.node(id).input(2)).name;
    std::vector<float> bias_scales;
    for (float s : scales) bias_scales.push_back(s * input_scale);
    const std::optional<int> bias_axis = axis ? std::optional<int>(0) : std::nullopt;
    g_.set_input(id, 2,
                 dequantized(constants(quantize_bias(bias, input_scale, scales), bias_scales,
                                       zeros(DType::i32, bias_axis, scales.size()), bias_axis, bias_stem),
                             bias_axis, bias_stem));
  }

  static int64_t output_channels(const Node& n, const Shape& weight) {
    if (n.op == "ConvTranspose") return weight[1] * n.attrs.get_int("group", 1);
    return weight[*weight_axis(n)];
  }

  /// The bias as one value a channel; empty where the node has none, or one of a shape that stays FP32.
  std::vector<float> bias_values(NodeId id, int64_t channels) const {
    const Node& n = g_.node(id);
    if (n.op == "MatMul") return {};
    const Tensor* bias = g_.constant(n.input(2));
    if (!bias || bias->dtype() != DType::f32) return {};
    if (bias->elements() == 1)
      return std::vector<float>(static_cast<size_t>(channels), bias->data<float>()[0]);
    if (bias->elements() != channels || bias->shape().back() != channels) return {};
    return {bias->data<float>(), bias->data<float>() + channels};
  }

  void write_constant(NodeId id, size_t input) {
    const ValueId v = g_.node(id).input(input);
    const Tensor& data = g_.value(v).constant;
    const auto values = data.span<float>();
    const auto [lo, hi] = std::minmax_element(values.begin(), values.end());
    const ActivationParams p = activation_params({*lo, *hi});
    Tensor q(DType::u8, data.shape());
    for (size_t i = 0; i < values.size(); i++)
      q.mutable_data<uint8_t>()[i] =
          static_cast<uint8_t>(std::clamp(std::nearbyint(values[i] / p.scale) + p.zero_point, 0.0f, 255.0f));
    const std::string stem = g_.value(v).name;
    const Constants c = constants(std::move(q), {p.scale}, Tensor::scalar(p.zero_point), std::nullopt, stem);
    g_.set_input(id, input, dequantized(c, std::nullopt, stem));
  }

  void write_pair(ValueId v) {
    const ActivationParams p = ranges_.params(v);
    const std::string stem = g_.value(v).name;
    const ValueId scale = g_.add_constant(g_.unique_name(stem + "_scale"), Tensor::scalar(p.scale));
    const ValueId zero = g_.add_constant(g_.unique_name(stem + "_zero_point"), Tensor::scalar(p.zero_point));
    const std::vector<NodeId> users = g_.value(v).consumers;
    const ValueId q = add_node("QuantizeLinear", {v, scale, zero}, {}, stem + "_QuantizeLinear");
    const ValueId dq = add_node("DequantizeLinear", {q, scale, zero}, {}, stem + "_DequantizeLinear");
    for (NodeId user : users)
      for (size_t i = 0; i < g_.node(user).inputs.size(); i++)
        if (g_.node(user).inputs[i] == v) g_.set_input(user, i, dq);
    if (!g_.is_output(v) || g_.is_input(v)) return;
    // The caller's name goes to what the caller reads.
    for (ValueId& out : g_.outputs)
      if (out == v) out = dq;
    std::swap(g_.value(v).name, g_.value(dq).name);
  }

  Graph g_;
  const Placement& placement_;
  SharedRanges& ranges_;
  const QuantizeOptions& options_;
  std::map<std::tuple<ValueId, std::optional<int>, std::vector<float>>, Constants> weights_;
};

/// What placement sees of a model: forms that int8 represents well.
Graph prepared(const Graph& original, const QuantizeOptions& options) {
  require_float(original);
  return uniform_constants_as_scalars(batch_norms_as_convolutions(original, options));
}

}  // namespace

std::vector<std::string> calibration_values(const Graph& original, const QuantizeOptions& options) {
  const Graph graph = prepared(original, options);
  const Placement placement = place(graph, options);
  std::set<ValueId> derived;
  for (const auto& [result, input] : placement.shared) derived.insert(result);
  std::vector<std::string> names;
  for (ValueId v : placement.values)
    if (!derived.contains(v)) names.push_back(graph.value(v).name);
  return names;
}

std::vector<std::string> calibration_values_for_search(const Graph& original,
                                                       const QuantizeOptions& options) {
  const Graph graph = prepared(original, options);
  std::vector<std::string> names;
  for (ValueId v : place(graph, options).candidates) names.push_back(graph.value(v).name);
  return names;
}

QuantizeResult quantize_static(const Graph& original, const CalibrationTable& table,
                               const QuantizeOptions& options) {
  const Graph graph = prepared(original, options);
  const Placement placement = place(graph, options);
  SharedRanges ranges(graph, placement, table, options);
  Writer writer(graph, placement, ranges, options);
  writer.run();
  QuantizeResult result;
  result.records = placement.records;
  for (NodeId id : placement.compute) {
    // Ids survive until compact(); names may have moved to the value that the caller reads.
    const ValueId out = graph.node(id).output();
    result.layers.push_back(
        {node_label(graph, id), graph.node(id).op, graph.value(out).name, writer.graph().value(out).name});
  }
  result.graph = writer.graph().compact();
  return result;
}

}  // namespace tenfold::quant
