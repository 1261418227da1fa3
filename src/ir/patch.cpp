#include "ir/patch.hpp"

namespace tenfold::ir {

ValueId Patch::add(std::string op, std::vector<ValueId> inputs, Attributes attrs, std::string name) {
  return add_multi(std::move(op), std::move(inputs), std::move(attrs), 1, std::move(name))[0];
}

std::vector<ValueId> Patch::add_multi(std::string op, std::vector<ValueId> inputs, Attributes attrs,
                                      size_t outputs, std::string name) {
  const ValueId first = reserve(outputs);
  nodes_.push_back({std::move(op), std::move(name), std::move(inputs), std::move(attrs), first, outputs});
  std::vector<ValueId> ids;
  for (size_t i = 0; i < outputs; i++) ids.push_back(first - static_cast<ValueId>(i));
  return ids;
}

ValueId Patch::constant(Tensor data, std::string_view name_stem) {
  const ValueId id = reserve(1);
  constants_.push_back({std::string(name_stem), std::move(data), id});
  return id;
}

void Patch::apply(Graph& graph, void (*infer)(Graph&, NodeId)) const {
  ensure(graph_ == &graph, "a patch applied to another graph");
  std::vector<ValueId> map(static_cast<size_t>(-next_), kNone);  // index: -id
  const auto real = [&](ValueId id) { return id < kNone ? map[static_cast<size_t>(-id)] : id; };
  std::vector<NodeId> touched;
  for (const NewConstant& c : constants_)
    map[static_cast<size_t>(-c.id)] = graph.add_constant(graph.unique_name(c.stem), c.data);
  for (const NewNode& n : nodes_) {
    std::vector<ValueId> ins;
    for (ValueId in : n.inputs) ins.push_back(real(in));
    const NodeId id = graph.add_node(n.op, std::move(ins), n.attrs, n.outputs, n.name);
    touched.push_back(id);
    for (size_t i = 0; i < n.outputs; i++) map[static_cast<size_t>(-n.first) + i] = graph.node(id).outputs[i];
    if (infer) infer(graph, id);
  }
  for (const auto& [from, to] : replacements_) {
    graph.replace_uses(from, real(to));
    if (const NodeId old = graph.value(from).producer; old != kNone) touched.push_back(old);
  }
  graph.remove_dead(std::move(touched));
}

}  // namespace tenfold::ir
