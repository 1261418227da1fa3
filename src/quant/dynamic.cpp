// Dynamic quantization: the activations' scales come from each tensor at run time, so no data is needed.
#include <map>

#include "ops/op.hpp"
#include "quant/placement.hpp"

namespace tenfold::quant {

using ir::Graph;
using ir::kNone;
using ir::Node;
using ir::NodeId;
using ir::ValueId;

namespace {

constexpr int64_t kOnnxFloat = 1;  // TensorProto.FLOAT, the type that Cast goes to

/// u8 values, scale and zero point of one activation, shared by all products that read it.
struct DynamicValue {
  ValueId values, scale, zero_point;
};

/// s8 values, scale and zero point of one weight, shared by all products with it.
struct DynamicWeight {
  ValueId values, scale, zero_point;
};

/// A [columns, rows] matrix as [rows, columns].
Tensor transposed(const Tensor& matrix) {
  const int64_t n = matrix.shape()[0], k = matrix.shape()[1];
  Tensor t(DType::f32, {k, n});
  for (int64_t i = 0; i < n; i++)
    for (int64_t j = 0; j < k; j++) t.mutable_data<float>()[j * n + i] = matrix.data<float>()[i * k + j];
  return t;
}

class Writer {
 public:
  Writer(const Graph& graph, const QuantizeOptions& options) : g_(graph), options_(options) {}

  void quantize(NodeId id) {
    const Node n = g_.node(id);
    const std::string stem = node_label(g_, id);
    const DynamicWeight& w = weight(n.input(1), n.op == "Gemm" && n.attrs.get_int("transB", 0) != 0);
    const DynamicValue& x = dynamic(n.input(0));
    const ValueId product =
        add("MatMulInteger", {x.values, w.values, x.zero_point, w.zero_point}, {}, stem + "_quant");
    const ValueId real = add("Cast", {product}, {{"to", kOnnxFloat}}, stem + "_cast");
    const ValueId scales = add("Mul", {x.scale, w.scale}, {}, stem + "_scales");
    ValueId result = add("Mul", {real, scales}, {}, stem + "_scaled");
    if (n.input(2) != kNone) result = add("Add", {result, n.input(2)}, {}, stem + "_biased");
    const ValueId old = n.output();
    g_.replace_uses(old, result);
    g_.remove_node(id);
  }
  Graph finish() {
    g_.remove_dead();
    return g_.compact();
  }

 private:
  ValueId constant(const std::string& name, Tensor data) {
    return g_.add_constant(g_.unique_name(name), std::move(data));
  }
  ValueId add(std::string op, std::vector<ValueId> inputs, ir::Attributes attrs, std::string name) {
    const NodeId id = g_.add_node(std::move(op), std::move(inputs), std::move(attrs), 1, std::move(name));
    ops::infer(g_, id);
    return g_.node(id).output();
  }
  const DynamicWeight& weight(ValueId v, bool flip) {
    const auto it = weights_.find({v, flip});
    if (it != weights_.end()) return it->second;
    const Tensor& original = *g_.constant(v);
    const QuantizedWeight w = quantize_weight(flip ? transposed(original) : original,
                                              options_.per_channel ? std::optional(1) : std::nullopt);
    const Shape parameter = options_.per_channel ? Shape{static_cast<int64_t>(w.scales.size())} : Shape{};
    Tensor zeros(DType::s8, parameter);
    std::memset(zeros.mutable_raw(), 0, zeros.bytes());
    const std::string name = g_.value(v).name;
    const ValueId values = constant(name + "_quantized", w.data),
                  zero_point = constant(name + "_zero_point", std::move(zeros)),
                  scale = constant(name + "_scale",
                                   Tensor::from<float>(parameter, std::span<const float>(w.scales)));
    return weights_[{v, flip}] = {values, scale, zero_point};
  }
  const DynamicValue& dynamic(ValueId v) {
    const auto it = dynamic_.find(v);
    if (it != dynamic_.end()) return it->second;
    const NodeId id = g_.add_node("DynamicQuantizeLinear", {v}, {}, 3, g_.value(v).name + "_QuantizeLinear");
    ops::infer(g_, id);
    const Node& n = g_.node(id);
    return dynamic_[v] = {n.output(0), n.output(1), n.output(2)};
  }

  Graph g_;
  const QuantizeOptions& options_;
  std::map<ValueId, DynamicValue> dynamic_;
  std::map<std::pair<ValueId, bool>, DynamicWeight> weights_;  ///< by what was transposed, too
};

std::string obstacle(const Graph& g, NodeId id, const QuantizeOptions& options) {
  const Node& n = g.node(id);
  if (n.op != "MatMul" && n.op != "Gemm") return fmt::format("{} has no dynamically quantized form", n.op);
  if (options.exclude.contains(node_label(g, id))) return "excluded by name";
  if (!options.ops.empty() && !options.ops.contains(n.op)) return "its operator is not selected";
  const ir::Value& x = g.value(n.input(0));
  if (x.dtype != DType::f32 || x.is_constant()) return "its input is not an FP32 activation";
  return weight_obstacle(g, n);
}

}  // namespace

QuantizeResult quantize_dynamic(const Graph& graph, const QuantizeOptions& options) {
  require_float(graph);
  check_options(graph, options, "dynamically quantized",
                [](std::string_view op) { return op == "MatMul" || op == "Gemm"; });
  QuantizeResult result;
  Writer writer(graph, options);
  for (NodeId id : graph.topological_order()) {
    const Node& n = graph.node(id);
    if (n.output() == kNone || !is_float(graph.value(n.output()).dtype)) continue;
    const std::string reason = obstacle(graph, id, options);
    result.records.push_back({node_label(graph, id), n.op, reason.empty(), reason});
    if (reason.empty()) writer.quantize(id);
  }
  result.graph = writer.finish();
  return result;
}

}  // namespace tenfold::quant
