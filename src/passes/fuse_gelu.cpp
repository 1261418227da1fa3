// GELU in its exact form, 0.5 x (1 + erf(x / √2)), and its approximation, 0.5 x (1 + tanh(√(2/π) (x +
// 0.044715 x³))).
#include <algorithm>
#include <cmath>
#include <numbers>

#include "passes/match.hpp"
#include "passes/pass.hpp"
#include "passes/product.hpp"

namespace tenfold::passes {
namespace {

using ir::Graph;
using ir::Node;
using ir::ValueId;

const double kTanhScale = std::sqrt(2 / std::numbers::pi);
constexpr double kCubic = 0.044715;

/// v of `1 + op(v)`, or kNone.
ValueId one_plus(const Graph& graph, ValueId f, std::string_view op) {
  const auto sum = with_scalar(graph, f, "Add");
  const Node* inner =
      sum && sum->c == 1 && used_once(graph, sum->x) ? produced_by(graph, sum->x, op) : nullptr;
  return inner && used_once(graph, inner->input(0)) ? inner->input(0) : ir::kNone;
}

bool is_exact(const Graph& graph, ValueId x, ValueId f, double k) {
  const ValueId argument = one_plus(graph, f, "Erf");
  if (k != 0.5 || argument == ir::kNone) return false;
  const Product p = expand_product(graph, argument, x);
  return p.factors == std::vector<ValueId>{x} && near(p.k, 1 / std::numbers::sqrt2);
}

/// k * x^power, as Pow or as products.
bool is_power(const Graph& graph, ValueId id, ValueId x, double k, double power) {
  if (!used_once(graph, id)) return false;
  const Product p = expand_product(graph, id, x);
  double found = 0;
  for (ValueId factor : p.factors) {
    const auto pow = with_scalar(graph, factor, "Pow");
    const Node* square =
        produced_by(graph, factor, "Mul");  // x * x has two uses of x, so the tree ends there
    if (factor == x)
      found += 1;
    else if (pow && pow->x == x && used_once(graph, factor))
      found += pow->c;
    else if (square && square->input(0) == x && square->input(1) == x && used_once(graph, factor))
      found += 2;
    else
      return false;
  }
  return near(p.k, k) && found == power;
}

/// x + 0.044715 x³
bool is_cubic(const Graph& graph, ValueId id, ValueId x) {
  const Node* add = produced_by(graph, id, "Add");
  if (!add || !used_once(graph, id)) return false;
  const ValueId cube = other_operand(*add, x);
  return cube != ir::kNone && cube != x && is_power(graph, cube, x, kCubic, 3);
}

bool is_tanh(const Graph& graph, ValueId x, ValueId f, double k) {
  const ValueId argument = one_plus(graph, f, "Tanh");
  if (k != 0.5 || argument == ir::kNone) return false;
  const Product p = expand_product(graph, argument, x);
  if (!near(p.k, kTanhScale)) return false;
  if (p.factors.size() == 1) return is_cubic(graph, p.factors[0], x);
  if (p.factors.size() != 2) return false;  // else x (1 + 0.044715 x²)
  const auto at = std::find(p.factors.begin(), p.factors.end(), x);
  if (at == p.factors.end()) return false;
  const ValueId rest = p.factors[at == p.factors.begin() ? 1 : 0];
  const auto sum = with_scalar(graph, rest, "Add");
  return sum && sum->c == 1 && used_once(graph, rest) && is_power(graph, sum->x, x, kCubic, 2);
}

std::optional<ir::Patch> rewrite(const Graph& graph, ir::NodeId id) {
  const Node& node = graph.node(id);
  const ValueId exact = find_gated(graph, node, is_exact);
  const ValueId x = exact != ir::kNone ? exact : find_gated(graph, node, is_tanh);
  if (x == ir::kNone) return std::nullopt;
  const std::string form = exact != ir::kNone ? "none" : "tanh";
  ir::Patch patch(graph);
  patch.replace(node.output(), patch.add("Gelu", {x}, {{"approximate", form}}, node.name));
  return patch;
}

}  // namespace

extern const Pass pass_fuse_gelu;
const Pass pass_fuse_gelu{
    .name = "fuse-gelu",
    .description = "the erf and tanh spellings of GELU become Gelu",
    .rewrite = rewrite,
};

}  // namespace tenfold::passes
