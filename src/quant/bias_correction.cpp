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

class Corrector {
 public:
  Corrector(const Graph& graph, const Compile& compile, FeedStream& stream,
            const BiasCorrectionOptions& options)
      : graph_(graph), compile_(compile), stream_(stream), options_(options) {}

  /// Means of the named values of `g`, over the samples.
  std::vector<ChannelMeans> means(Graph g, const std::vector<std::string>& names) const {
    g.outputs.clear();
    for (const std::string& name : names) {
      const ValueId v = find_value(g, name);
      ensure(v != kNone, "bias correction: no value '{}'", name);
      g.outputs.push_back(v);
    }
    g.remove_dead();
    const Runner run = compile_(g);
    std::vector<ChannelMeans> result(names.size());
    std::vector<Tensor> feeds;
    stream_.reset();
    size_t sample = 0;
    for (; sample < options_.max_samples && stream_.next(feeds); sample++) {
      check_feeds(g, feeds, sample);
      const auto outputs = run(feeds);
      for (size_t i = 0; i < outputs.size(); i++) result[i].add(outputs[i]);
      if (options_.cancelled && options_.cancelled())
        fail(ErrorCode::cancelled, "bias correction was cancelled");
    }
    if (sample == 0) fail(ErrorCode::data, "the calibration data set is empty: give at least one sample");
    return result;
  }

  void correct(const QuantizedLayer& layer, const ChannelMeans& original, const ChannelMeans& quantized) {
    const NodeId id = graph_.value(find_value(graph_, layer.quantized_output)).producer;
    std::vector<double> shift(original.sums.size());
    for (size_t c = 0; c < shift.size(); c++)
      shift[c] = original.sums[c] / original.count - quantized.sums[c] / quantized.count;
    for (double s : shift)
      if (!std::isfinite(s))
        fail(ErrorCode::data, "bias correction: the result of '{}' is not finite on the calibration data",
             layer.node);
    if (graph_.node(id).input(2) == kNone) add_zero_bias(id, shift.size());
    const Node* dq = graph_.producer(graph_.node(id).input(2));
    if (!dq || dq->op != "DequantizeLinear") return;  // a bias of another form stays as it is
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
  const Compile& compile_;
  FeedStream& stream_;
  const BiasCorrectionOptions& options_;
};

}  // namespace

Graph correct_bias(const Graph& original, const QuantizeResult& quantized, const Compile& compile,
                   FeedStream& stream, const BiasCorrectionOptions& options) {
  std::vector<QuantizedLayer> layers;
  for (const QuantizedLayer& layer : quantized.layers)
    if (layer.op != "MatMul") layers.push_back(layer);
  Corrector corrector(quantized.graph, compile, stream, options);
  if (layers.empty()) return quantized.graph;
  std::vector<std::string> names;
  for (const QuantizedLayer& layer : layers) names.push_back(layer.float_output);
  const auto wanted = corrector.means(original, names);
  const size_t steps = options.steps == 0 ? layers.size() : std::min(options.steps, layers.size());
  for (size_t step = 0; step < steps; step++) {
    const size_t begin = layers.size() * step / steps, end = layers.size() * (step + 1) / steps;
    names.clear();
    for (size_t i = begin; i < end; i++) names.push_back(layers[i].quantized_output);
    const auto found = corrector.means(corrector.graph(), names);
    for (size_t i = begin; i < end; i++) corrector.correct(layers[i], wanted[i], found[i - begin]);
  }
  return corrector.graph().compact();
}

}  // namespace tenfold::quant
