#include <algorithm>
#include <unordered_set>

#include "ir/graph.hpp"

namespace tenfold::ir {
namespace {

void verify_node(const Graph& g, NodeId id) {
  const Node& n = g.node(id);
  for (ValueId in : n.inputs) {
    if (in == kNone) continue;
    const Value& v = g.value(in);
    const auto uses = std::count(n.inputs.begin(), n.inputs.end(), in);
    const auto links = std::count(v.consumers.begin(), v.consumers.end(), id);
    ensure(uses == links, "{} '{}' uses '{}' {} times but is linked {} times", n.op, n.name, v.name, uses,
           links);
    if (v.producer == kNone && !v.is_constant() && !g.is_input(in))
      fail(ErrorCode::invalid_model, "{} '{}' reads '{}', which nothing produces", n.op, n.name, v.name);
  }
  for (ValueId out : n.outputs)
    ensure(out == kNone || g.value(out).producer == id, "output link of {} '{}'", n.op, n.name);
}

}  // namespace

void verify(const Graph& g) {
  for (size_t i = 0; i < g.node_count(); i++)
    if (g.node(static_cast<NodeId>(i)).alive) verify_node(g, static_cast<NodeId>(i));
  std::unordered_set<std::string_view> names;
  names.reserve(g.value_count());
  for (size_t i = 0; i < g.value_count(); i++) {
    const Value& v = g.value(static_cast<ValueId>(i));
    if (!names.insert(v.name).second) fail(ErrorCode::invalid_model, "two values are named '{}'", v.name);
    for (NodeId user : v.consumers) ensure(g.node(user).alive, "a dead node consumes '{}'", v.name);
  }
  for (ValueId out : g.outputs) {
    const Value& v = g.value(out);
    if (v.producer == kNone && !v.is_constant() && !g.is_input(out))
      fail(ErrorCode::invalid_model, "nothing produces the graph output '{}'", v.name);
  }
  g.topological_order();
}

}  // namespace tenfold::ir
