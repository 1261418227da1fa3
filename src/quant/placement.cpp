#include "quant/placement.hpp"

#include <algorithm>
#include <array>
#include <map>
#include <string_view>

#include "passes/match.hpp"
#include "quant/role.hpp"

namespace tenfold::quant {

using ir::Graph;
using ir::kNone;
using ir::Node;
using ir::NodeId;
using ir::ValueId;

namespace {

bool is_constant(const Graph& g, ValueId v) { return g.constant(v) != nullptr; }
bool is_scalar_constant(const Graph& g, ValueId v) {
  const Tensor* t = g.constant(v);
  return t && t->elements() == 1 && t->dtype() == DType::f32;
}
bool is_clamp(const Node& n) { return n.op == "Relu" || n.op == "Clip"; }
bool is_smooth_activation(const Node& n) { return n.op == "Gelu" || n.op == "GeluTanh" || n.op == "SiLU"; }

/// One element, or one for each channel of tensors like `x`.
bool is_by_channel(const Graph& g, ValueId v, ValueId x) {
  const Tensor* t = g.constant(v);
  const auto& shape = g.value(x).shape;
  return t && shape && shape->rank() > 1 &&
         passes::lies_along(t->shape(), shape->rank(), 1, std::max<int64_t>(t->elements(), 1));
}

std::string gemm_obstacle(const Graph& g, const Node& n) {
  if (n.attrs.get_int("transA", 0) != 0 || n.attrs.get_float("alpha", 1) != 1)
    return "Gemm with transA or alpha has no int8 form";
  if (n.input(2) != kNone && n.attrs.get_float("beta", 1) != 1) return "Gemm with beta has no int8 form";
  if (n.input(2) != kNone && !is_constant(g, n.input(2))) return "its bias is not constant";
  return {};
}

/// Everything that place() knows while it decides.
class Placer {
 public:
  Placer(const Graph& graph, const QuantizeOptions& options)
      : g_(graph), options_(options), order_(graph.topological_order()), state_(graph.node_count()) {}

  Placement run() {
    check_options(g_, options_, "int8", [](std::string_view op) { return role_of(op) != Role::none; });
    for (NodeId id : order_) classify(id);
    for (NodeId id : order_) state(id).supplied = supplied(id);
    for (auto it = order_.rbegin(); it != order_.rend(); ++it) state(*it).quantized = quantized(*it);
    collect();
    return std::move(out_);
  }

 private:
  struct State {
    Role role = Role::none;
    bool eligible = false;  ///< has an int8 form and is not excluded
    bool supplied = false;  ///< its activations come (or could come) in int8
    bool quantized = false;
    std::string reason;
  };

  State& state(NodeId id) { return state_[static_cast<size_t>(id)]; }
  const State& state(NodeId id) const { return state_[static_cast<size_t>(id)]; }

  /// Inputs that carry activations (not weights, shapes, bounds).
  std::vector<ValueId> activations(NodeId id) const {
    const Node& n = g_.node(id);
    const Role role = state(id).role;
    if (role != Role::combine && role != Role::concat && !(role == Role::table && n.inputs.size() == 2))
      return {n.input(0)};
    std::vector<ValueId> result;
    for (ValueId v : n.inputs)
      if (v != kNone && !is_constant(g_, v)) result.push_back(v);
    return result;
  }

  void classify(NodeId id) {
    const Node& n = g_.node(id);
    State& s = state(id);
    s.role = role_of(n.op);
    // A unary function of one activation: whatever constant stands beside it becomes part of the table.
    if (s.role == Role::combine && (is_scalar_constant(g_, n.input(0)) != is_scalar_constant(g_, n.input(1))))
      s.role = Role::table;
    if (n.op == "Sub" && !is_constant(g_, n.input(0)) && !is_constant(g_, n.input(1))) s.role = Role::combine;
    if (n.op == "Resize" && leaves_range(n)) s.role = Role::average;
    s.reason = obstacle(id);
    s.eligible = s.reason.empty();
  }

  /// Cubic interpolation does, and so may what lies outside of the picture.
  static bool leaves_range(const Node& resize) {
    const bool outside =
        resize.attrs.get_string("coordinate_transformation_mode", "half_pixel") == "tf_crop_and_resize";
    return resize.attrs.get_string("mode", "nearest") == "cubic" ||
           (outside && resize.attrs.get_float("extrapolation_value", 0) != 0);
  }

  std::string obstacle(NodeId id) const {
    const Node& n = g_.node(id);
    const Role role = state(id).role;
    if (options_.exclude.contains(node_label(g_, id))) return "excluded by name";
    if (role == Role::none) return fmt::format("{} has no int8 form", n.op);
    if (!options_.ops.empty() && !options_.ops.contains(n.op)) return "its operator is not selected";
    const auto inputs = activations(id);
    if (inputs.empty()) return "its input is constant";
    for (ValueId v : inputs)
      if (v == kNone || g_.value(v).dtype != DType::f32) return "its input is not FP32";
    if (n.output() == kNone || g_.value(n.output()).dtype != DType::f32) return "its result is not FP32";
    if (is_constant(g_, inputs.front())) return "its input is constant";
    switch (role) {
      case Role::compute:
        return weight_obstacle(g_, n);
      case Role::concat:
        return inputs.size() != n.inputs.size() ? "one of its inputs is constant" : "";
      case Role::average:
        return average_obstacle(n);
      case Role::movement:
        return movement_obstacle(n);
      case Role::table:
        return table_obstacle(id);
      default:
        return {};
    }
  }

  std::string average_obstacle(const Node& n) const {
    if (n.op == "ReduceMean" && !averages_channels(n))
      return "it averages other axes than pixels or channels";
    if (n.op.ends_with("Normalization") && !(is_constant(g_, n.input(1)) && is_constant(g_, n.input(2))))
      return "its parameters are not constant";
    return {};
  }

  bool averages_channels(const Node& n) const {
    return passes::rank_of(g_, n.input(0)) == 4 && passes::reduced_axes(g_, n) == std::vector<int>{1} &&
           n.attrs.get_int("keepdims", 1) != 0;
  }

  std::string movement_obstacle(const Node& n) const {
    if (n.op == "Pad") {
      const Tensor* value = g_.constant(n.input(2));
      const bool zero = n.input(2) == kNone || (value && value->elements() == 1 && value->at_double(0) == 0);
      if (n.attrs.get_string("mode", "constant") == "constant" && !zero)
        return "it pads with a value other than 0";
    }
    if (n.outputs.size() > 1 && n.op == "MaxPool" && n.output(1) != kNone)
      return "MaxPool with indices has no int8 form";
    return {};
  }

  std::string table_obstacle(NodeId id) const {
    const Node& n = g_.node(id);
    if (n.op == "Clip")
      for (size_t i : {size_t{1}, size_t{2}})
        if (n.input(i) != kNone && !is_constant(g_, n.input(i))) return "its bounds are not constant";
    if (n.op == "PRelu" && !is_by_channel(g_, n.input(1), n.input(0)))
      return "its slopes are no constants by channel";
    if (n.op == "BatchNormalization")
      for (size_t i = 1; i < n.inputs.size(); i++)
        if (!is_constant(g_, n.input(i))) return "its parameters are not constant";
    if (n.op == "Sub" || n.op == "Div")
      if (is_scalar_constant(g_, n.input(0)) == is_scalar_constant(g_, n.input(1)))
        return fmt::format("{} of two tensors has no int8 form", n.op);
    if (!is_smooth_activation(n)) return {};
    const Node* before = g_.producer(n.input(0));
    if (before && before->op == "Add") before = behind_bias(*before);
    if (before && (before->op == "MatMul" || before->op == "Gemm"))
      return "behind a matrix product, in transformers, it has outliers that int8 cannot hold";
    return {};
  }

  /// The MatMul whose bias this Add is, or nullptr.
  const Node* behind_bias(const Node& add) const {
    for (size_t i : {size_t{0}, size_t{1}}) {
      const Node* p = g_.producer(add.input(i));
      if (!p || p->op != "MatMul") continue;
      const Tensor* bias = g_.constant(add.input(1 - i));
      const Tensor* weight = g_.constant(p->input(1));
      if (bias && weight && bias->elements() == weight->shape().back() && bias->shape().rank() > 0 &&
          bias->shape().back() == weight->shape().back())
        return p;
    }
    return nullptr;
  }

  /// Whether the result of this node could be int8 without an FP32 operator in between.
  bool supplied(NodeId id) const {
    const State& s = state(id);
    if (!s.eligible) return false;
    if (s.role == Role::compute) return true;
    const auto inputs = activations(id);
    return std::all_of(inputs.begin(), inputs.end(), [&](ValueId v) {
      const NodeId p = g_.value(v).producer;
      return p == kNone || state(p).supplied;  // a graph input is quantized before it is moved or combined
    });
  }

  /// Whether some int8 consumer reads `v` as an activation.
  bool demanded(ValueId v) const {
    const auto& users = g_.value(v).consumers;
    return std::any_of(users.begin(), users.end(), [&](NodeId user) {
      if (!state(user).quantized) return false;
      const auto inputs = activations(user);
      return std::find(inputs.begin(), inputs.end(), v) != inputs.end();
    });
  }

  bool quantized(NodeId id) {
    State& s = state(id);
    if (!s.eligible) return false;
    if (s.role == Role::compute) return true;
    if (!s.supplied) {
      s.reason = "its input is computed in FP32";
      return false;
    }
    const Node& n = g_.node(id);
    const bool any =
        std::any_of(n.outputs.begin(), n.outputs.end(), [&](ValueId v) { return v != kNone && demanded(v); });
    if (!any) s.reason = "no int8 operator reads its result";
    return any;
  }

  /// Whether the single consumer of `v` is computed together with its producer, so that no Q/DQ belongs
  /// between.
  bool is_inner(ValueId v) const {
    const NodeId p = g_.value(v).producer, c = g_.single_consumer(v);
    if (p == kNone || c == kNone || !state(p).quantized || !state(c).quantized) return false;
    const Node& user = g_.node(c);
    const Role role = state(p).role;
    if (role == Role::compute && user.op == "Add") return behind_bias(user) == &g_.node(p);
    if (role == Role::compute || role == Role::combine) return is_clamp(user);
    return role == Role::table && state(c).role == Role::table && !is_fused_clamp(p);
  }
  /// Whether this unary operator is a clamp at the end of a compute or combine node.
  bool is_fused_clamp(NodeId id) const {
    const ValueId v = activations(id).front();
    const NodeId p = g_.value(v).producer;
    return p != kNone && state(p).role != Role::table && is_inner(v);
  }

  void collect() {
    std::set<ValueId> seen;
    const auto want = [&](ValueId v) {
      if (v != kNone && !is_constant(g_, v) && demanded(v) && !is_inner(v) && seen.insert(v).second)
        out_.values.push_back(v);
    };
    std::set<ValueId> read;
    for (NodeId id : order_)
      if (state(id).eligible)
        for (ValueId v : activations(id))
          if (read.insert(v).second) out_.candidates.push_back(v);
    for (ValueId v : g_.inputs) want(v);
    for (NodeId id : order_) {
      const Node& n = g_.node(id);
      const State& s = state(id);
      for (ValueId v : n.outputs) want(v);
      if (s.quantized) collect_quantized(id);
      if (n.output() != kNone && is_float(g_.value(n.output()).dtype))
        out_.records.push_back({node_label(g_, id), n.op, s.quantized, s.quantized ? "" : s.reason});
    }
  }

  void collect_quantized(NodeId id) {
    const Node& n = g_.node(id);
    const Role role = state(id).role;
    if (role == Role::compute) out_.compute.push_back(id);
    if (role == Role::concat) out_.concats.push_back(id);
    if (role == Role::movement)
      for (ValueId v : n.outputs)
        if (v != kNone) out_.shared.emplace_back(v, n.input(0));
    // The bias of a MatMul is added in FP32 behind the integer product.
    if (role == Role::combine && !behind_bias(n))
      for (size_t i = 0; i < n.inputs.size(); i++)
        if (is_constant(g_, n.inputs[i])) out_.constants.emplace_back(id, i);
  }

  const Graph& g_;
  const QuantizeOptions& options_;
  std::vector<NodeId> order_;
  std::vector<State> state_;
  Placement out_;
};

}  // namespace

void check_options(const Graph& graph, const QuantizeOptions& options, std::string_view form,
                   bool (*known)(std::string_view)) {
  std::set<std::string> labels;
  for (NodeId id : graph.topological_order()) labels.insert(node_label(graph, id));
  for (const std::string& name : options.exclude)
    if (!labels.contains(name))
      fail(ErrorCode::invalid_argument, "the model has no node '{}' to exclude from quantization", name);
  for (const std::string& op : options.ops)
    if (!known(op)) fail(ErrorCode::invalid_argument, "operator '{}' has no {} form", op, form);
}

std::string weight_obstacle(const Graph& g, const Node& n) {
  const Tensor* w = g.constant(n.input(1));
  if (!w) return "its weight is not constant";
  if (w->dtype() != DType::f32) return "its weight is not FP32";
  if (w->elements() == 0) return "its weight is empty";
  if (n.op == "MatMul") return w->shape().rank() == 2 ? "" : "its weight is not a matrix";
  if (n.op == "Gemm") return gemm_obstacle(g, n);
  if (n.input(2) != kNone && !is_constant(g, n.input(2))) return "its bias is not constant";
  return {};
}

std::optional<int> weight_axis(const Node& n) {
  if (n.op == "Conv") return 0;
  if (n.op == "ConvTranspose") return n.attrs.get_int("group", 1) == 1 ? std::optional<int>(1) : std::nullopt;
  if (n.op == "Gemm") return n.attrs.get_int("transB", 0) ? 0 : 1;
  return 1;
}

std::string node_label(const Graph& graph, NodeId id) {
  const Node& n = graph.node(id);
  if (!n.name.empty()) return n.name;
  for (ValueId v : n.outputs)
    if (v != kNone) return graph.value(v).name;
  return n.op;
}

void require_float(const Graph& graph) {
  constexpr std::string_view kQuantized[] = {"QuantizeLinear", "DynamicQuantizeLinear", "QLinearConv",
                                             "QLinearMatMul",  "ConvInteger",           "MatMulInteger"};
  for (NodeId id : graph.topological_order()) {
    const Node& n = graph.node(id);
    if (std::ranges::find(kQuantized, n.op) == std::end(kQuantized)) continue;
    fail(ErrorCode::invalid_argument,
         "the model is quantized already ({} '{}'): give the FP32 model that it was made from", n.op,
         node_label(graph, id));
  }
}

Placement place(const Graph& graph, const QuantizeOptions& options) { return Placer(graph, options).run(); }

}  // namespace tenfold::quant
