#include "passes/product.hpp"

#include <algorithm>

#include "passes/match.hpp"

namespace tenfold::passes {
namespace {

/// Longer chains than any exporter writes are not followed.
constexpr int kMaxDepth = 8;

struct Expansion {
  const ir::Graph& graph;
  ir::ValueId root, stop;
  Product product;
  std::vector<ir::ValueId> met;  ///< every value of the tree but the root

  void walk(ir::ValueId id, int depth) {
    if (id != root) met.push_back(id);
    const bool open = id == root || (id != stop && depth < kMaxDepth && used_once(graph, id));
    const ir::Node* node = open ? graph.producer(id) : nullptr;
    if (const auto mul = with_scalar(graph, node, "Mul")) {
      product.k *= mul->c;
      walk(mul->x, depth + 1);
    } else if (const auto div = with_scalar(graph, node, "Div")) {
      product.k /= div->c;
      walk(div->x, depth + 1);
    } else if (node && node->op == "Mul" && !node->attrs.has("activation")) {
      walk(node->input(0), depth + 1);
      walk(node->input(1), depth + 1);
    } else {
      product.factors.push_back(id);
    }
  }
};

Expansion expand(const ir::Graph& graph, ir::ValueId root, ir::ValueId stop) {
  Expansion e{graph, root, stop, {}, {}};
  e.walk(root, 0);
  return e;
}

}  // namespace

Product expand_product(const ir::Graph& graph, ir::ValueId root, ir::ValueId stop) {
  return expand(graph, root, stop).product;
}

ir::ValueId find_gated(const ir::Graph& graph, const ir::Node& node,
                       bool (*accept)(const ir::Graph&, ir::ValueId, ir::ValueId, double)) {
  if (node.op != "Mul" && node.op != "Div") return ir::kNone;
  for (ir::ValueId x : expand(graph, node.output(), ir::kNone).met) {
    const Product p = expand_product(graph, node.output(), x);
    if (p.factors.size() != 2) continue;
    for (size_t i = 0; i < 2; i++) {
      const ir::ValueId f = p.factors[1 - i];
      if (p.factors[i] == x && f != x && is_f32(graph, x) && used_once(graph, f) && accept(graph, x, f, p.k))
        return x;
    }
  }
  return ir::kNone;
}

}  // namespace tenfold::passes
