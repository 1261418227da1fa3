#include <algorithm>
#include <cmath>

#include "quant/correct.hpp"

namespace tenfold::quant {

using ir::Graph;
using ir::kNone;
using ir::Node;
using ir::NodeId;
using ir::ValueId;

namespace {

struct Pair {
  NodeId first, second;
};

const Tensor* weight_of(const Graph& g, const Node& n) {
  const Tensor* w = n.op == "Conv" ? g.constant(n.input(1)) : nullptr;
  return w && w->dtype() == DType::f32 && w->shape().rank() >= 3 ? w : nullptr;
}

/// The convolution that alone reads the result of `first`, behind nothing but activations that commute with
/// scales.
std::optional<Pair> pair_from(const Graph& g, NodeId first) {
  const Node& n = g.node(first);
  if (!weight_of(g, n) || (n.input(2) != kNone && !g.constant(n.input(2)))) return std::nullopt;
  if (n.attrs.has("activation") || n.inputs.size() > 3) return std::nullopt;
  ValueId v = n.output();
  for (;;) {
    const NodeId next = g.single_consumer(v);
    if (next == kNone) return std::nullopt;
    const Node& user = g.node(next);
    if (user.op == "Relu" || user.op == "LeakyRelu") {
      v = user.output();
      continue;
    }
    if (!weight_of(g, user) || user.input(0) != v) return std::nullopt;
    return Pair{first, next};
  }
}

/// Calls f(channel, offset, count) for the runs of weights of `n` that read input channel `channel`.
template <class F>
void for_input_channels(const Node& n, const Shape& weight, F&& f) {
  const int64_t group = n.attrs.get_int("group", 1), per_group = weight[1],
                kernel = weight.elements(2, weight.rank());
  const int64_t outputs_per_group = weight[0] / group;
  for (int64_t o = 0; o < weight[0]; o++)
    for (int64_t i = 0; i < per_group; i++)
      f(o / outputs_per_group * per_group + i, (o * per_group + i) * kernel, kernel);
}

float largest(const float* v, int64_t n) {
  float m = 0;
  for (int64_t i = 0; i < n; i++) m = std::max(m, std::fabs(v[i]));
  return m;
}

/// Equalizes one pair in place; returns the largest change of a channel, as |log2 of its scale|.
float equalize(Graph& g, Pair pair) {
  const Node &a = g.node(pair.first), &b = g.node(pair.second);
  Tensor wa = copy_of(*g.constant(a.input(1))), wb = copy_of(*g.constant(b.input(1)));
  const int64_t channels = wa.shape()[0], row = wa.elements() / std::max<int64_t>(1, channels);
  if (wb.shape()[1] * b.attrs.get_int("group", 1) != channels) return 0;

  std::vector<float> scale(static_cast<size_t>(channels), 0.0f);
  for_input_channels(b, wb.shape(), [&](int64_t c, int64_t at, int64_t n) {
    float& m = scale[static_cast<size_t>(c)];
    m = std::max(m, largest(wb.data<float>() + at, n));
  });
  float change = 0;
  for (int64_t c = 0; c < channels; c++) {
    float& s = scale[static_cast<size_t>(c)];
    const float before = largest(wa.data<float>() + c * row, row), after = s;
    // A dead channel says nothing about a good scale; extreme scales would only trade one outlier for
    // another.
    constexpr float kLimit = 256;
    s = before > 0 && after > 0 ? std::clamp(std::sqrt(before / after), 1 / kLimit, kLimit) : 1.0f;
    change = std::max(change, std::fabs(std::log2(s)));
    for (int64_t i = 0; i < row; i++) wa.mutable_data<float>()[c * row + i] /= s;
  }
  for_input_channels(b, wb.shape(), [&](int64_t c, int64_t at, int64_t n) {
    for (int64_t i = 0; i < n; i++) wb.mutable_data<float>()[at + i] *= scale[static_cast<size_t>(c)];
  });
  const auto set = [&](NodeId id, size_t input, Tensor t) {
    const std::string stem = g.value(g.node(id).input(input)).name;
    g.set_input(id, input, g.add_constant(g.unique_name(stem + "_equalized"), std::move(t)));
  };
  if (a.input(2) != kNone) {
    Tensor bias = copy_of(*g.constant(a.input(2)));
    for (int64_t c = 0; c < channels; c++) bias.mutable_data<float>()[c] /= scale[static_cast<size_t>(c)];
    set(pair.first, 2, std::move(bias));
  }
  set(pair.first, 1, std::move(wa));
  set(pair.second, 1, std::move(wb));
  return change;
}

}  // namespace

Graph equalize_layers(const Graph& graph) {
  Graph g = graph;
  std::vector<Pair> pairs;
  for (NodeId id : g.topological_order())
    if (const auto pair = pair_from(g, id)) pairs.push_back(*pair);
  // A convolution may be second of one pair and first of the next, so the pairs are repeated until they
  // settle.
  constexpr int kRounds = 10;
  constexpr float kSettled = 0.05f;
  for (int round = 0; round < kRounds; round++) {
    float change = 0;
    for (Pair pair : pairs) change = std::max(change, equalize(g, pair));
    if (change < kSettled) break;
  }
  return g.compact();
}

}  // namespace tenfold::quant
