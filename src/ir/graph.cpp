#include "ir/graph.hpp"

#include <algorithm>

namespace tenfold::ir {

size_t Graph::check(int32_t id, size_t size) {
  ensure(id >= 0 && static_cast<size_t>(id) < size, "id {} of {}", id, size);
  return static_cast<size_t>(id);
}

void Graph::reserve(size_t values, size_t nodes) {
  values_.reserve(values);
  nodes_.reserve(nodes);
  names_.reserve(values);
}

std::string Graph::unique_name(std::string_view stem) {
  std::string name(stem.empty() ? "value" : stem);
  const auto taken = names_.find(name);
  if (taken == names_.end()) return name;
  // Numbers are never given back, so the search goes on where the last one for this stem ended: a thousand
  // constants named "weights" cost a thousand steps, not half a million.
  for (int& i = taken->second;; i++) {
    name = fmt::format("{}_{}", stem, i);
    if (!names_.contains(name)) return name;
  }
}

ValueId Graph::add_value(std::string name, DType dtype, std::optional<Shape> shape) {
  if (!names_.try_emplace(name, 1).second) fail(ErrorCode::invalid_model, "two values are named '{}'", name);
  Value& v = values_.emplace_back();
  v.name = std::move(name);
  v.dtype = dtype;
  v.shape = std::move(shape);
  return static_cast<ValueId>(values_.size() - 1);
}

ValueId Graph::add_input(std::string name, DType dtype, Shape shape) {
  const ValueId id = add_value(std::move(name), dtype, std::move(shape));
  inputs.push_back(id);
  return id;
}

ValueId Graph::add_constant(std::string name, Tensor data) {
  ensure(!data.empty(), "constant '{}' without data", name);
  const ValueId id = add_value(std::move(name), data.dtype(), data.shape());
  value(id).constant = std::move(data);
  return id;
}

bool Graph::is_output(ValueId id) const {
  return std::find(outputs.begin(), outputs.end(), id) != outputs.end();
}
bool Graph::is_input(ValueId id) const { return std::find(inputs.begin(), inputs.end(), id) != inputs.end(); }

const Tensor* Graph::constant(ValueId id) const {
  if (id == kNone) return nullptr;
  const Value& v = value(id);
  return v.is_constant() ? &v.constant : nullptr;
}

NodeId Graph::single_consumer(ValueId id) const {
  const Value& v = value(id);
  return v.consumers.size() == 1 && !is_output(id) ? v.consumers[0] : kNone;
}

const Node* Graph::producer(ValueId id) const {
  if (id == kNone) return nullptr;
  const NodeId n = value(id).producer;
  return n == kNone ? nullptr : &node(n);
}

NodeId Graph::add_node(std::string op, std::vector<ValueId> inputs, Attributes attrs, size_t output_count,
                       std::string name) {
  std::vector<ValueId> outs;
  for (size_t i = 0; i < output_count; i++)
    outs.push_back(add_value(unique_name(name.empty() ? op
                                         : i          ? fmt::format("{}.{}", name, i)
                                                      : name),
                             DType::f32));
  return add_node_onto(std::move(op), std::move(inputs), std::move(outs), std::move(attrs), std::move(name));
}

NodeId Graph::add_node_onto(std::string op, std::vector<ValueId> ins, std::vector<ValueId> outs,
                            Attributes attrs, std::string name) {
  const auto id = static_cast<NodeId>(nodes_.size());
  ensure(outs.empty() || outs[0] != kNone, "{} '{}' omits its first output", op, name);
  for (ValueId in : ins)
    if (in != kNone) value(in).consumers.push_back(id);
  for (ValueId out : outs) {
    if (out == kNone) continue;
    Value& v = value(out);
    if (v.producer != kNone || v.is_constant() || is_input(out))
      fail(ErrorCode::invalid_model, "value '{}' is produced twice (again by {} '{}')", v.name, op, name);
    v.producer = id;
  }
  Node& n = nodes_.emplace_back();
  n.op = std::move(op);
  n.name = std::move(name);
  n.attrs = std::move(attrs);
  n.inputs = std::move(ins);
  n.outputs = std::move(outs);
  return id;
}

size_t Graph::alive_nodes() const {
  return static_cast<size_t>(
      std::count_if(nodes_.begin(), nodes_.end(), [](const Node& n) { return n.alive; }));
}

namespace {
void erase_one(std::vector<NodeId>& list, NodeId id) {
  const auto it = std::find(list.begin(), list.end(), id);
  ensure(it != list.end(), "missing consumer link of node {}", id);
  list.erase(it);
}
}  // namespace

void Graph::set_input(NodeId id, size_t index, ValueId to) {
  Node& n = node(id);
  if (index >= n.inputs.size()) n.inputs.resize(index + 1, kNone);
  const ValueId from = n.inputs[index];
  if (from == to) return;
  if (from != kNone) erase_one(value(from).consumers, id);
  if (to != kNone) value(to).consumers.push_back(id);
  n.inputs[index] = to;
}

void Graph::replace_uses(ValueId from, ValueId to) {
  if (from == to) return;
  const std::vector<NodeId> users = value(from).consumers;
  for (NodeId id : users) {
    const Node& n = node(id);
    for (size_t i = 0; i < n.inputs.size(); i++)
      if (n.inputs[i] == from) set_input(id, i, to);
  }
  if (!is_output(from)) return;
  // The caller's name of the output moves along, unless `to` already carries one of its own.
  const bool named = is_output(to) || is_input(to);
  for (ValueId& out : outputs)
    if (out == from) out = to;
  if (!named) {
    std::swap(value(from).name, value(to).name);
  }
}

void Graph::unlink_uses(NodeId id) {
  for (ValueId in : node(id).inputs)
    if (in != kNone) erase_one(value(in).consumers, id);
}

void Graph::remove_node(NodeId id) {
  Node& n = node(id);
  ensure(n.alive, "node {} removed twice", id);
  unlink_uses(id);
  for (ValueId out : n.outputs)
    if (out != kNone) value(out).producer = kNone;
  n.alive = false;
  n.inputs.clear();
  n.outputs.clear();
}

bool Graph::is_dead(const Node& n) const {
  return n.alive && std::all_of(n.outputs.begin(), n.outputs.end(), [&](ValueId v) {
           return v == kNone || (value(v).consumers.empty() && !is_output(v));
         });
}

size_t Graph::remove_dead() {
  std::vector<NodeId> all;
  for (NodeId id = static_cast<NodeId>(nodes_.size()) - 1; id >= 0; id--) all.push_back(id);
  return remove_dead(std::move(all));
}

size_t Graph::remove_dead(std::vector<NodeId> work) {
  size_t removed = 0;
  while (!work.empty()) {
    const NodeId id = work.back();
    work.pop_back();
    if (!is_dead(node(id))) continue;
    for (ValueId in : node(id).inputs)
      if (in != kNone && value(in).producer != kNone) work.push_back(value(in).producer);
    remove_node(id);
    removed++;
  }
  return removed;
}

std::vector<NodeId> Graph::topological_order() const {
  std::vector<int> waiting(nodes_.size(), 0);
  std::vector<NodeId> order;
  size_t alive = 0;
  for (size_t i = 0; i < nodes_.size(); i++) {
    if (!nodes_[i].alive) continue;
    alive++;
    for (ValueId in : nodes_[i].inputs)
      if (in != kNone && value(in).producer != kNone) waiting[i]++;
    if (waiting[i] == 0) order.push_back(static_cast<NodeId>(i));
  }
  for (size_t next = 0; next < order.size(); next++)
    for (ValueId out : node(order[next]).outputs) {
      if (out == kNone) continue;
      for (NodeId user : value(out).consumers)
        if (--waiting[static_cast<size_t>(user)] == 0) order.push_back(user);
    }
  if (order.size() != alive)
    for (size_t i = 0; i < nodes_.size(); i++)
      if (nodes_[i].alive && waiting[i] > 0)
        fail(ErrorCode::invalid_model, "the graph has a cycle through {} '{}'", nodes_[i].op, nodes_[i].name);
  return order;
}

namespace {
/// What a compacted graph takes from a graph: a copy from a const one, the thing itself from any other.
template <class T>
const T& taken(const T& from) {
  return from;
}
template <class T>
T&& taken(T& from) {
  return std::move(from);
}
}  // namespace

template <class G>
Graph Graph::compacted(G& from) {
  Graph g;
  const std::vector<NodeId> order = from.topological_order();
  g.name = taken(from.name);
  g.metadata = taken(from.metadata);
  g.symbols_ = taken(from.symbols_);
  g.symbol_indices_ = taken(from.symbol_indices_);
  g.reserve(from.values_.size(), order.size());
  std::vector<ValueId> map(from.values_.size(), kNone);
  const auto keep = [&](ValueId id) {
    if (id == kNone || map[static_cast<size_t>(id)] != kNone)
      return id == kNone ? kNone : map[static_cast<size_t>(id)];
    auto& v = from.value(id);
    const ValueId to = g.add_value(taken(v.name), v.dtype, taken(v.shape));
    g.value(to).constant = taken(v.constant);
    g.value(to).content = taken(v.content);
    return map[static_cast<size_t>(id)] = to;
  };
  for (ValueId id : from.inputs) g.inputs.push_back(keep(id));
  for (NodeId id : order) {
    auto& n = from.node(id);
    std::vector<ValueId> ins, outs;
    ins.reserve(n.inputs.size());
    outs.reserve(n.outputs.size());
    for (ValueId v : n.inputs) ins.push_back(keep(v));
    for (ValueId v : n.outputs) outs.push_back(keep(v));
    g.add_node_onto(taken(n.op), std::move(ins), std::move(outs), taken(n.attrs), taken(n.name));
  }
  for (ValueId id : from.outputs) g.outputs.push_back(keep(id));
  return g;
}

Graph Graph::compact() const& { return compacted(*this); }
Graph Graph::compact() && { return compacted(*this); }

int64_t Graph::symbol(std::string_view symbol) {
  const auto [it, fresh] = symbol_indices_.try_emplace(std::string(symbol), symbols_.size());
  if (fresh) symbols_.emplace_back(symbol);
  return symbol_extent(it->second);
}

int64_t Graph::fresh_symbol() {
  symbols_.push_back(fmt::format("unk{}", symbols_.size()));
  symbol_indices_.try_emplace(symbols_.back(), symbols_.size() - 1);
  return symbol_extent(symbols_.size() - 1);
}

const std::string& Graph::symbol_name(int64_t extent) const {
  ensure(is_symbol(extent) && symbol_index(extent) < symbols_.size(), "extent {} is no symbol of this graph",
         extent);
  return symbols_[symbol_index(extent)];
}

}  // namespace tenfold::ir
