#include "passes/linear.hpp"

#include <algorithm>
#include <cmath>

#include "passes/match.hpp"

namespace tenfold::passes {
namespace {

using ir::Graph;
using ir::Node;
using ir::Patch;
using ir::ValueId;

/// DequantizeLinear of constants, or nullptr.
const Node* constant_dequantize(const Graph& graph, ValueId id) {
  const Node* dq = produced_by(graph, id, "DequantizeLinear");
  if (!dq || !graph.constant(dq->input(0)) || !graph.constant(dq->input(1)) || !is_f32(graph, id))
    return nullptr;
  if (dq->input(2) != ir::kNone && !graph.constant(dq->input(2))) return nullptr;
  return dq->attrs.get_int("block_size", 0) == 0 ? dq : nullptr;
}

const Tensor* weight_data(const Graph& graph, ValueId id) {
  if (const Node* dq = constant_dequantize(graph, id)) return graph.constant(dq->input(0));
  return is_f32(graph, id) ? graph.constant(id) : nullptr;
}

/// Which channel each run of `inner` consecutive weights belongs to.
struct ChannelMap {
  int64_t outer, extent, inner, outer_per_group;
  ChannelMap(const Linear& op, const Shape& w)
      : outer(w.elements(0, op.weight_axis)),
        extent(w[op.weight_axis]),
        inner(w.elements(op.weight_axis + 1, w.rank())),
        outer_per_group(std::max<int64_t>(1, outer / op.groups)) {}
  template <class F>
  void each_run(F&& f) const {
    for (int64_t o = 0; o < outer; o++)
      for (int64_t c = 0; c < extent; c++)
        f((o * extent + c) * inner, (outer == 1 ? 0 : o / outer_per_group) * extent + c);
  }
};

ValueId scaled_float(Patch& patch, const Graph& graph, const Linear& op, const std::vector<double>& scale) {
  const ValueId id = op.node->input(1);
  const Tensor& w = *graph.constant(id);
  Tensor scaled(DType::f32, w.shape());
  const float* from = w.data<float>();
  float* to = scaled.mutable_data<float>();
  const ChannelMap map(op, w.shape());
  map.each_run([&](int64_t at, int64_t channel) {
    const double s = scale[static_cast<size_t>(channel)];
    for (int64_t i = at; i < at + map.inner; i++) to[i] = static_cast<float>(from[i] * s);
  });
  return patch.constant(std::move(scaled), graph.value(id).name);
}

/// -q of one channel where `scale` is negative (a scale stays positive), 0 where it is 0; false where -q
/// overflows.
template <class T>
bool flip_signs(std::span<T> q, const ChannelMap& map, const std::vector<double>& scale) {
  bool fits = true;
  map.each_run([&](int64_t at, int64_t channel) {
    const double s = scale[static_cast<size_t>(channel)];
    for (int64_t i = at; i < at + map.inner && s <= 0; i++) {
      T& v = q[static_cast<size_t>(i)];
      fits &= s == 0 || v != std::numeric_limits<T>::min();
      v = s == 0 ? T{0} : static_cast<T>(-v);
    }
  });
  return fits;
}

/// Scaling dequantized weights scales their scales: exact, and the weights stay 8 bits wide.
ValueId scaled_quantized(Patch& patch, const Graph& graph, const Linear& op,
                         const std::vector<double>& scale) {
  const Node& dq = *constant_dequantize(graph, op.node->input(1));
  const Tensor &q = *graph.constant(dq.input(0)), &old = *graph.constant(dq.input(1));
  const bool per_channel = old.elements() > 1;
  int64_t axis = dq.attrs.get_int("axis", 1);
  if (axis < 0) axis += q.shape().rank();
  if (op.groups > 1 || (per_channel && axis != op.weight_axis)) return ir::kNone;
  const bool symmetric = dq.input(2) == ir::kNone || uniform(graph, dq.input(2)) == 0.0;
  if (q.dtype() != DType::s8 || !symmetric) return ir::kNone;

  ValueId q_id = dq.input(0);
  if (std::any_of(scale.begin(), scale.end(), [](double s) { return s <= 0; })) {
    Tensor flipped = Tensor::from<int8_t>(q.shape(), q.span<int8_t>());
    const std::span<int8_t> values(flipped.mutable_data<int8_t>(), static_cast<size_t>(flipped.elements()));
    if (!flip_signs(values, ChannelMap(op, q.shape()), scale)) return ir::kNone;
    q_id = patch.constant(std::move(flipped), graph.value(q_id).name);
  }
  std::vector<double> scales(scale.size());
  for (size_t c = 0; c < scales.size(); c++) {
    const double factor = scale[c] == 0 ? 1 : std::fabs(scale[c]);
    scales[c] = old.at_double(per_channel ? static_cast<int64_t>(c) : 0) * factor;
  }
  const ValueId scale_id = patch.constant(f32_vector(scales), graph.value(dq.input(1)).name);
  const Tensor zeros = Tensor::from<int8_t>({op.channels}, std::vector<int8_t>(scales.size(), 0));
  const ValueId zero_id = patch.constant(zeros, graph.value(dq.input(1)).name + "_zero_point");
  return patch.add("DequantizeLinear", {q_id, scale_id, zero_id}, {{"axis", int64_t{op.weight_axis}}},
                   dq.name);
}

double out_factor(const Node& node) { return node.op == "Gemm" ? node.attrs.get_float("beta", 1) : 1; }

/// The constant that broadcasts to [channels] along `axis` of `x`, as one value a channel; nothing where it
/// would broadcast `x` (a gray image and three constants make three channels).
std::optional<std::vector<double>> channel_constant(const Graph& graph, ValueId id, const Shape& x, int axis,
                                                    int64_t channels) {
  const Tensor* t = graph.constant(id);
  if (!t || !is_f32(graph, id) || !lies_along(t->shape(), x.rank(), axis, channels)) return std::nullopt;
  if (t->elements() != 1 && x[axis] != channels) return std::nullopt;
  return constant_vector(graph, id, channels);
}

std::optional<AffineNode> batch_norm(const Graph& graph, const Node& node, int axis, int64_t channels) {
  if (axis != 1 || node.attrs.get_int("training_mode", 0) != 0) return std::nullopt;
  std::vector<std::vector<double>> p;
  for (size_t i = 1; i <= 4; i++) {
    const Tensor* t = graph.constant(node.input(i));
    if (!t || t->elements() != channels) return std::nullopt;
    p.push_back(*constant_vector(graph, node.input(i), channels));
  }
  const double epsilon = node.attrs.get_float("epsilon", 1e-5f);
  AffineNode result{node.input(0), {}};
  for (size_t c = 0; c < static_cast<size_t>(channels); c++) {
    const double scale = p[0][c] / std::sqrt(p[3][c] + epsilon);
    if (!std::isfinite(scale)) return std::nullopt;
    result.affine.scale.push_back(scale);
    result.affine.shift.push_back(p[1][c] - p[2][c] * scale);
  }
  return result;
}

}  // namespace

bool ChannelAffine::scales() const {
  return std::any_of(scale.begin(), scale.end(), [](double s) { return s != 1; });
}
bool ChannelAffine::shifts() const {
  return std::any_of(shift.begin(), shift.end(), [](double s) { return s != 0; });
}

Tensor f32_vector(const std::vector<double>& values) {
  return Tensor::from<float>({static_cast<int64_t>(values.size())},
                             std::vector<float>(values.begin(), values.end()));
}

std::optional<std::vector<double>> constant_vector(const Graph& graph, ValueId id, int64_t n) {
  double scale = 1, zero = 0;
  const Tensor* t = graph.constant(id);
  std::optional<std::vector<double>> scales;
  if (const Node* dq = constant_dequantize(graph, id)) {
    t = graph.constant(dq->input(0));
    if (dq->input(2) != ir::kNone) {
      const auto z = uniform(graph, dq->input(2));
      if (!z) return std::nullopt;
      zero = *z;
    }
    scales = constant_vector(graph, dq->input(1), t->elements());
    if (!scales) return std::nullopt;
  }
  if (!t || t->dtype() == DType::string || (t->elements() != n && t->elements() != 1)) return std::nullopt;
  std::vector<double> values(static_cast<size_t>(n));
  for (int64_t i = 0; i < n; i++) {
    const int64_t at = t->elements() == 1 ? 0 : i;
    if (scales) scale = (*scales)[static_cast<size_t>(at)];
    values[static_cast<size_t>(i)] = (t->at_double(at) - zero) * scale;
  }
  return values;
}

std::optional<Linear> linear_producer(const Graph& graph, ValueId output) {
  const Node* node = graph.producer(output);
  if (!node || node->attrs.has("activation")) return std::nullopt;
  const Tensor* w = weight_data(graph, node->input(1));
  const int rank = rank_of(graph, output);
  if (!w || rank < 1 || w->elements() == 0) return std::nullopt;
  const Shape& shape = w->shape();
  if (node->op == "Conv" && node->inputs.size() <= 3 && shape.rank() >= 3)
    return Linear{node, 1, shape[0], 0, 1};
  if (node->op == "ConvTranspose" && node->inputs.size() <= 3 && shape.rank() >= 3) {
    const int64_t groups = node->attrs.get_int("group", 1);
    if (groups < 1 || shape[0] % groups != 0) return std::nullopt;
    return Linear{node, 1, shape[1] * groups, 1, groups};
  }
  if (node->op == "Gemm" && shape.rank() == 2) {
    const int axis = node->attrs.get_int("transB", 0) ? 0 : 1;
    return Linear{node, 1, shape[axis], axis, 1};
  }
  if (node->op == "MatMul" && node->inputs.size() == 2 && shape.rank() == 2 && rank >= 2)
    return Linear{node, rank - 1, shape[1], 1, 1};
  return std::nullopt;
}

std::optional<AffineNode> affine_node(const Graph& graph, const Node& node, int axis, int64_t channels) {
  if (node.attrs.has("activation")) return std::nullopt;
  if (node.op == "BatchNormalization") return batch_norm(graph, node, axis, channels);
  const bool mul = node.op == "Mul", div = node.op == "Div", add = node.op == "Add", sub = node.op == "Sub";
  if ((!mul && !div && !add && !sub) || node.inputs.size() != 2) return std::nullopt;
  const bool constant_left = graph.constant(node.input(0)) != nullptr;
  if (constant_left && div) return std::nullopt;
  const ValueId x = node.input(constant_left ? 1 : 0), constant = node.input(constant_left ? 0 : 1);
  const Shape* shape = shape_of(graph, x);
  if (!shape || !is_f32(graph, x)) return std::nullopt;
  const auto values = channel_constant(graph, constant, *shape, axis, channels);
  if (!values) return std::nullopt;
  AffineNode result{x, {std::vector<double>(values->size(), 1), std::vector<double>(values->size(), 0)}};
  for (size_t c = 0; c < values->size(); c++) {
    const double v = (*values)[c];
    if (mul || div)
      result.affine.scale[c] = mul ? v : 1 / v;
    else
      result.affine.shift[c] = add || constant_left ? v : -v;
    if (sub && constant_left) result.affine.scale[c] = -1;
    if (!std::isfinite(result.affine.scale[c])) return std::nullopt;
  }
  return result;
}

std::optional<DepthwiseAffine> depthwise_affine(const Graph& graph, const Node& node) {
  const Shape* x = node.op == "BatchNormalization" ? shape_of(graph, node.input(0)) : nullptr;
  if (!x || x->rank() < 3 || x->rank() > 5 || (*x)[1] < 1) return std::nullopt;
  const int64_t channels = (*x)[1];
  const auto map = affine_node(graph, node, 1, channels);
  if (!map) return std::nullopt;
  Shape kernel({channels, 1});
  for (int i = 2; i < x->rank(); i++) kernel.push_back(1);
  return DepthwiseAffine{f32_vector(map->affine.scale).reshaped(kernel), f32_vector(map->affine.shift)};
}

ValueId scaled_weights(Patch& patch, const Graph& graph, const Linear& op, const std::vector<double>& scale) {
  const bool quantized = constant_dequantize(graph, op.node->input(1)) != nullptr;
  return quantized ? scaled_quantized(patch, graph, op, scale) : scaled_float(patch, graph, op, scale);
}

ValueId apply_after(Patch& patch, const Graph& graph, const Linear& op, const ChannelAffine& affine) {
  const Node& node = *op.node;
  std::vector<double> bias(static_cast<size_t>(op.channels), 0);
  if (node.input(2) != ir::kNone) {
    const auto old = constant_vector(graph, node.input(2), op.channels);
    if (!old || !lies_along_columns(graph, node.input(2), op.channels)) return ir::kNone;
    bias = *old;
  }
  for (size_t c = 0; c < bias.size(); c++)
    bias[c] = out_factor(node) * bias[c] * affine.scale[c] + affine.shift[c];

  std::vector<ValueId> inputs{node.input(0), node.input(1)};
  if (affine.scales()) inputs[1] = scaled_weights(patch, graph, op, affine.scale);
  if (inputs[1] == ir::kNone) return ir::kNone;
  const bool biased = std::any_of(bias.begin(), bias.end(), [](double b) { return b != 0; });
  const ValueId bias_id = biased ? patch.constant(f32_vector(bias), node.name + "_bias") : ir::kNone;
  if (node.op == "MatMul") {  // a standard MatMul has no bias
    const ValueId product = patch.add("MatMul", inputs, node.attrs, node.name);
    return biased ? patch.add("Add", {product, bias_id}, {}, node.name + "_bias") : product;
  }
  if (biased) inputs.push_back(bias_id);
  ir::Attributes attrs = node.attrs;
  attrs.erase("beta");
  return patch.add(node.op, std::move(inputs), std::move(attrs), node.name);
}

}  // namespace tenfold::passes
