#include "ir/graph.hpp"

namespace tenfold::ir {

std::string to_text(const Graph& g, const Shape& shape) {
  std::string text = "[";
  for (int i = 0; i < shape.rank(); i++) {
    if (i) text += ", ";
    text += is_symbol(shape[i]) ? g.symbol_name(shape[i]) : std::to_string(shape[i]);
  }
  return text + "]";
}

namespace {

std::string describe(const Graph& g, ValueId id) {
  if (id == kNone) return "_";
  const Value& v = g.value(id);
  return fmt::format("%{}:{}{}", v.name, to_string(v.dtype), v.shape ? to_text(g, *v.shape) : "[...]");
}

struct AttributeText {
  std::string operator()(int64_t v) const { return std::to_string(v); }
  std::string operator()(float v) const { return fmt::format("{}", v); }
  std::string operator()(const std::string& v) const { return '"' + v + '"'; }
  std::string operator()(const std::vector<int64_t>& v) const {
    return fmt::format("[{}]", fmt::join(v, ", "));
  }
  std::string operator()(const std::vector<float>& v) const {
    return fmt::format("[{}]", fmt::join(v, ", "));
  }
  std::string operator()(const std::vector<std::string>& v) const {
    return fmt::format("[\"{}\"]", fmt::join(v, "\", \""));
  }
  std::string operator()(const Tensor& v) const {
    return fmt::format("{}{}", to_string(v.dtype()), to_string(v.shape()));
  }
};

}  // namespace

std::string to_text(const Graph& g) {
  std::string text;
  for (ValueId in : g.inputs) text += fmt::format("input {}\n", describe(g, in));
  for (NodeId id : g.topological_order()) {
    const Node& n = g.node(id);
    std::vector<std::string> outs, ins, attrs;
    for (ValueId v : n.outputs) outs.push_back(describe(g, v));
    for (ValueId v : n.inputs) ins.push_back(v == kNone ? "_" : "%" + g.value(v).name);
    for (const auto& [key, attr] : n.attrs) attrs.push_back(key + "=" + std::visit(AttributeText{}, attr));
    text += fmt::format("{} = {}({})", fmt::join(outs, ", "), n.op, fmt::join(ins, ", "));
    if (!attrs.empty()) text += fmt::format(" {{{}}}", fmt::join(attrs, ", "));
    text += '\n';
  }
  for (ValueId out : g.outputs) text += fmt::format("output {}\n", describe(g, out));
  return text;
}

}  // namespace tenfold::ir
