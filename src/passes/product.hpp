// Products of scalars and values, however an exporter has nested them.
#pragma once

#include <vector>

#include "ir/graph.hpp"

namespace tenfold::passes {

/// k * factors[0] * factors[1] * ...
struct Product {
  double k = 1;
  std::vector<ir::ValueId> factors;
};

/// Expands the tree of Mul, and Div by scalar constants, that ends in `root`: down to `stop`, to values that
/// something outside the tree uses, and to other operators.
Product expand_product(const ir::Graph& graph, ir::ValueId root, ir::ValueId stop = ir::kNone);

/// Finds x where the product that ends in `node` is k * x * f, and accept(x, f, k).  `f` has no other use;
/// kNone where no x fits. This is how x * Sigmoid(x) and its relatives are found: x may itself be a product,
/// so every value in the tree is tried.
ir::ValueId find_gated(const ir::Graph& graph, const ir::Node& node,
                       bool (*accept)(const ir::Graph& graph, ir::ValueId x, ir::ValueId f, double k));

}  // namespace tenfold::passes
