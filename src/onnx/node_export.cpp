#include "onnx/node_export.hpp"

#include <algorithm>
#include <array>

namespace tenfold::onnx {

std::string FileGraph::claim(std::set<std::string, std::less<>>& taken, std::string_view stem) {
  std::string name(stem);
  for (int i = 1; taken.contains(name); i++) name = fmt::format("{}_{}", stem, i);
  taken.insert(name);
  return name;
}

NodeExport::NodeExport(const ir::Graph& graph, const ir::Node& node, int opset, FileGraph& file)
    : graph(graph), node(node), opset(opset), attrs(node.attrs), file_(file) {
  const auto name_of = [&](ir::ValueId id) { return id == ir::kNone ? std::string() : graph.value(id).name; };
  for (const ir::ValueId id : node.inputs) inputs.push_back(name_of(id));
  for (const ir::ValueId id : node.outputs) outputs.push_back(name_of(id));
}

const Shape* NodeExport::shape_of(size_t i) const {
  const ir::ValueId id = node.input(i);
  if (id == ir::kNone) return nullptr;
  const auto& shape = graph.value(id).shape;
  return shape ? &*shape : nullptr;
}

int NodeExport::need_rank(size_t i) const {
  const Shape* shape = shape_of(i);
  if (!shape) unsupported("the rank of its input is not known");
  return shape->rank();
}

std::vector<int64_t> NodeExport::need_ints(size_t i) const {
  const Tensor* t = constant_of(i);
  if (!t) unsupported(fmt::format("input {} is computed, and this version keeps it in an attribute", i));
  std::vector<int64_t> values;
  for (int64_t k = 0; k < t->elements(); k++) values.push_back(t->at_int(k));
  return values;
}

std::string NodeExport::constant(Tensor data, std::string_view stem) {
  std::string name = file_.unique(fmt::format("{}/{}", outputs.empty() ? node.op : outputs[0], stem));
  file_.constants.emplace_back(name, std::move(data));
  return name;
}

std::string NodeExport::scalar(double value, std::string_view stem) {
  Tensor t(dtype_of(0), Shape{});
  dispatch(t.dtype(),
           [&](auto tag) { *t.mutable_data<decltype(tag)>() = static_cast<decltype(tag)>(value); });
  return constant(std::move(t), stem);
}

std::string NodeExport::ints(const std::vector<int64_t>& values, std::string_view stem) {
  return constant(Tensor::from<int64_t>(Shape{static_cast<int64_t>(values.size())}, values), stem);
}

std::string NodeExport::emit(std::string op, std::vector<std::string> in, ir::Attributes attributes) {
  std::string out = file_.unique(fmt::format("{}/{}", outputs.empty() ? node.op : outputs[0], op));
  file_.nodes.push_back({std::move(op), file_.unique_node(out), std::move(in), {out}, std::move(attributes)});
  return out;
}

void NodeExport::finish(std::string op, std::vector<std::string> in, ir::Attributes attributes) {
  while (!in.empty() && in.back().empty()) in.pop_back();
  std::vector<std::string> outs = outputs;
  while (!outs.empty() && outs.back().empty()) outs.pop_back();
  file_.nodes.push_back(
      {std::move(op), file_.unique_node(node.name), std::move(in), std::move(outs), std::move(attributes)});
}

void NodeExport::unsupported(std::string_view why) const {
  fail(ErrorCode::unsupported, "{} '{}' cannot be written at operator set {}: {} (choose a newer one)",
       node.op, node.name, opset, why);
}

namespace {

auto key(const Lowering& l) { return std::tie(l.op, l.below); }

const std::vector<Lowering>& table() {
  static const std::vector<Lowering> sorted = [] {
    std::vector<Lowering> all;
    for (const auto family : {version_lowerings(), expansion_lowerings()})
      all.insert(all.end(), family.begin(), family.end());
    std::sort(all.begin(), all.end(), [](const Lowering& a, const Lowering& b) { return key(a) < key(b); });
    return all;
  }();
  return sorted;
}

}  // namespace

const Lowering* find_lowering(std::string_view op, int opset) {
  const Lowering wanted{op, opset, nullptr};  // the first row with below > opset
  const auto& rows = table();
  const auto it = std::upper_bound(rows.begin(), rows.end(), wanted,
                                   [](const Lowering& a, const Lowering& b) { return key(a) < key(b); });
  return it != rows.end() && it->op == op ? &*it : nullptr;
}

}  // namespace tenfold::onnx
