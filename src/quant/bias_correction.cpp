#include <algorithm>
#include <cmath>

#include "ops/op.hpp"
#include "quant/correct.hpp"

namespace tenfold::quant {

using ir::Graph;
using ir::kNone;
using ir::Node;
using ir::NodeId;
using ir::ValueId;

namespace {

/// Sums of one tensor per channel, which is axis 1 of what Conv, ConvTranspose and Gemm give, over samples.
struct ChannelMeans {
  std::vector<double> sums;
  double count = 0;  ///< values per channel

  void add(const Tensor& t) {
    if (t.shape().rank() < 2) return;
    const int64_t outer = t.shape()[0], channels = t.shape()[1],
                  inner = t.shape().elements(2, t.shape().rank());
    sums.resize(static_cast<size_t>(channels), 0.0);
    const float* p = t.data<float>();
    for (int64_t o = 0; o < outer; o++)
      for (int64_t c = 0; c < channels; c++)
        for (int64_t i = 0; i < inner; i++) sums[static_cast<size_t>(c)] += *p++;
    count += static_cast<double>(outer * inner);
  }
};

/// What to add to each channel of `found` for the means of `wanted`.
std::vector<double> difference(const ChannelMeans& wanted, const ChannelMeans& found) {
  std::vector<double> shift(wanted.sums.size());
  for (size_t c = 0; c < shift.size(); c++)
    shift[c] = wanted.sums[c] / wanted.count - found.sums[c] / found.count;
  return shift;
}

/// The quantized model cut behind every layer, so that each layer runs once: the results of layers are inputs
/// to what follows, and segment i is what lies between them and the result of layer i.
class Segments {
 public:
  explicit Segments(const QuantizeResult& quantized) : cut_(quantized.graph) {
    cut_.outputs.clear();
    fixed_inputs_ = cut_.inputs.size();
    for (const QuantizedLayer& layer : quantized.layers) {
      const ValueId result = find_value(cut_, layer.quantized_output);
      ensure(result != kNone, "bias correction: no result of '{}'", layer.node);
      results_.push_back(result);
      const Shape shape = *cut_.value(result).shape;
      cut_.replace_uses(result, cut_.add_input(cut_.unique_name(layer.node + "_result"), DType::f32, shape));
    }
  }

  /// Segment `i` and which inputs of the cut model it reads: the model's own first, then layers' results.
  struct Segment {
    Graph graph;
    std::vector<size_t> inputs;
  };
  Segment segment(size_t i) const {
    Segment s{cut_, {}};
    s.graph.outputs = {results_[i]};
    s.graph.remove_dead();
    std::vector<ValueId> read;
    for (size_t k = 0; k < s.graph.inputs.size(); k++) {
      if (s.graph.value(s.graph.inputs[k]).consumers.empty()) continue;
      s.inputs.push_back(k);
      read.push_back(s.graph.inputs[k]);
    }
    s.graph.inputs = read;
    s.graph = s.graph.compact();
    return s;
  }
  size_t fixed_inputs() const { return fixed_inputs_; }

 private:
  Graph cut_;
  size_t fixed_inputs_ = 0;
  std::vector<ValueId> results_;
};

/// Adds a number to every value of a channel (axis 1).
void shift_channels(Tensor& t, std::span<const double> shift) {
  const int64_t outer = t.shape()[0], channels = t.shape()[1],
                inner = t.shape().elements(2, t.shape().rank());
  float* p = t.mutable_data<float>();
  for (int64_t o = 0; o < outer; o++)
    for (int64_t c = 0; c < channels; c++)
      for (int64_t i = 0; i < inner; i++) *p++ += static_cast<float>(shift[static_cast<size_t>(c)]);
}

class Corrector {
 public:
  explicit Corrector(const Graph& graph) : graph_(graph) {}

  /// Shifts the bias of a layer; false where it has one of another form, which stays as it is.
  bool correct(const QuantizedLayer& layer, std::span<const double> shift) {
    const NodeId id = graph_.value(find_value(graph_, layer.quantized_output)).producer;
    for (double s : shift)
      if (!std::isfinite(s))
        fail(ErrorCode::data, "bias correction: the result of '{}' is not finite on the calibration data",
             layer.node);
    if (graph_.node(id).input(2) == kNone) add_zero_bias(id, shift.size());
    const Node* dq = graph_.producer(graph_.node(id).input(2));
    if (!dq || dq->op != "DequantizeLinear") return false;
    const Tensor *old = graph_.constant(dq->input(0)), *scale = graph_.constant(dq->input(1));
    ensure(
        old && scale && old->dtype() == DType::i32 && old->elements() == static_cast<int64_t>(shift.size()),
        "bias of '{}'", layer.node);
    Tensor bias = copy_of(*old);
    for (size_t c = 0; c < shift.size(); c++) {
      const double moved =
          bias.data<int32_t>()[c] + shift[c] / scale->data<float>()[scale->elements() == 1 ? 0 : c];
      bias.mutable_data<int32_t>()[c] =
          static_cast<int32_t>(std::clamp(std::nearbyint(moved), -2147483647.0, 2147483647.0));
    }
    graph_.value(dq->input(0)).constant = std::move(bias);
    return true;
  }

  const Graph& graph() const { return graph_; }

 private:
  void add_zero_bias(NodeId id, size_t channels) {
    const Node* input = graph_.producer(graph_.node(id).input(0));
    const Node* weight = graph_.producer(graph_.node(id).input(1));
    ensure(input && weight && input->op == "DequantizeLinear" && weight->op == "DequantizeLinear",
           "'{}' is not quantized", node_label(graph_, id));
    const float input_scale = graph_.constant(input->input(1))->data<float>()[0];
    Tensor scale = copy_of(*graph_.constant(weight->input(1)));
    for (int64_t i = 0; i < scale.elements(); i++) scale.mutable_data<float>()[i] *= input_scale;
    Tensor zero_point(DType::i32, scale.shape()), bias(DType::i32, {static_cast<int64_t>(channels)});
    std::memset(zero_point.mutable_raw(), 0, zero_point.bytes());
    std::memset(bias.mutable_raw(), 0, bias.bytes());
    const std::string stem = node_label(graph_, id) + "_bias";
    ir::Attributes attrs;
    if (scale.shape().rank() == 1) attrs.set("axis", int64_t{0});
    const auto constant = [&](const char* suffix, Tensor t) {
      return graph_.add_constant(graph_.unique_name(stem + suffix), std::move(t));
    };
    const ValueId q = constant("_quantized", std::move(bias)), s = constant("_scale", std::move(scale)),
                  z = constant("_zero_point", std::move(zero_point));
    const NodeId dq =
        graph_.add_node("DequantizeLinear", {q, s, z}, std::move(attrs), 1, stem + "_DequantizeLinear");
    ops::infer(graph_, dq);
    graph_.set_input(id, 2, graph_.node(dq).output());
  }

  Graph graph_;
};

/// The first samples of a stream.
std::vector<std::vector<Tensor>> read_samples(const Graph& graph, FeedStream& stream, size_t limit) {
  std::vector<std::vector<Tensor>> samples;
  std::vector<Tensor> feeds;
  stream.reset();
  while (samples.size() < limit && stream.next(feeds)) {
    check_feeds(graph, feeds, samples.size());
    samples.push_back(feeds);
  }
  if (samples.empty()) fail(ErrorCode::data, "the calibration data set is empty: give at least one sample");
  return samples;
}

/// Means that the layers give in the original model.
std::vector<ChannelMeans> wanted_means(const Graph& original, const std::vector<QuantizedLayer>& layers,
                                       const Compile& compile, std::span<const std::vector<Tensor>> samples) {
  Graph g = original;
  g.outputs.clear();
  for (const QuantizedLayer& layer : layers) {
    g.outputs.push_back(find_value(g, layer.float_output));
    ensure(g.outputs.back() != kNone, "bias correction: no value '{}'", layer.float_output);
  }
  g.remove_dead();
  const Runner run = compile(g);
  std::vector<ChannelMeans> means(layers.size());
  for (const auto& feeds : samples) {
    const auto results = run(feeds);
    for (size_t i = 0; i < results.size(); i++) means[i].add(results[i]);
  }
  return means;
}

}  // namespace

Graph correct_bias(const Graph& original, const QuantizeResult& quantized, const Compile& compile,
                   FeedStream& stream, const BiasCorrectionOptions& options) {
  const std::vector<QuantizedLayer>& layers = quantized.layers;
  // Without its rank a layer's result cannot be cut off.
  const auto known_rank = [&](const QuantizedLayer& layer) {
    const ValueId v = find_value(quantized.graph, layer.quantized_output);
    return v != kNone && quantized.graph.value(v).shape.has_value();
  };
  if (layers.empty() || !std::all_of(layers.begin(), layers.end(), known_rank)) return quantized.graph;
  // Per sample what segments read: the feeds, then the results of the layers so far.
  std::vector<std::vector<Tensor>> known = read_samples(original, stream, options.max_samples);
  const auto wanted = wanted_means(original, layers, compile, known);
  const Segments segments(quantized);
  Corrector corrector(quantized.graph);
  std::vector<Segments::Segment> parts;
  std::vector<size_t> last_reader(segments.fixed_inputs() + layers.size(), 0);
  for (size_t i = 0; i < layers.size(); i++) {
    parts.push_back(segments.segment(i));
    for (size_t input : parts.back().inputs) last_reader[input] = i;
  }
  for (size_t i = 0; i < layers.size(); i++) {
    const Runner run = compile(parts[i].graph);
    ChannelMeans found;
    for (auto& values : known) {
      if (options.cancelled && options.cancelled())
        fail(ErrorCode::cancelled, "bias correction was cancelled");
      std::vector<Tensor> feeds;
      for (size_t input : parts[i].inputs) feeds.push_back(values[input]);
      values.push_back(run(feeds).at(0));
      found.add(values.back());
      for (size_t input : parts[i].inputs)
        if (last_reader[input] == i) values[input] = Tensor();
    }
    if (layers[i].op == "MatMul") continue;
    const std::vector<double> shift = difference(wanted[i], found);
    if (!corrector.correct(layers[i], shift)) continue;
    for (auto& values : known) shift_channels(values.back(), shift);
  }
  return corrector.graph().compact();
}

}  // namespace tenfold::quant
