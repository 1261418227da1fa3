// An Einsum of two operands that sums products of matrices, batched or not, becomes MatMul.
#include <algorithm>

#include "ops/einsum.hpp"
#include "passes/match.hpp"
#include "passes/pass.hpp"

namespace tenfold::passes {
namespace {

using ir::Graph;
using ir::Node;
using ir::Patch;
using ir::ValueId;

/// An operand, an axis for each letter.
struct Operand {
  ValueId value;
  std::string labels;
  Shape shape;

  bool has(char label) const { return labels.find(label) != std::string::npos; }
  int64_t extent(char label) const { return shape[static_cast<int>(labels.find(label))]; }
};

/// out[batch, left, right] = sum over `summed` of a[batch, left, summed] * b[batch, summed, right].
struct Product {
  Operand a, b;
  std::string batch, left, right, summed;

  int64_t extent(char label) const { return a.has(label) ? a.extent(label) : b.extent(label); }
};

bool repeats(std::string labels) {
  std::sort(labels.begin(), labels.end());
  return std::adjacent_find(labels.begin(), labels.end()) != labels.end();
}

/// Empty where a label repeats within an operand, is summed in one alone, or has different extents.
std::optional<Product> classified(Operand a, Operand b, const std::string& out) {
  if (repeats(a.labels) || repeats(b.labels)) return std::nullopt;
  Product p{std::move(a), std::move(b), {}, {}, {}, {}};
  for (char label : out) {
    const bool in_a = p.a.has(label), in_b = p.b.has(label);
    (in_a && in_b ? p.batch : in_a ? p.left : p.right) += label;
  }
  const auto kept = [&](char label) { return out.find(label) != std::string::npos; };
  for (char label : p.b.labels)
    if (!p.a.has(label) && !kept(label)) return std::nullopt;
  for (char label : p.a.labels) {
    if (p.b.has(label) && p.a.extent(label) != p.b.extent(label)) return std::nullopt;
    if (!kept(label) && !p.b.has(label)) return std::nullopt;
    if (!kept(label)) p.summed += label;
  }
  return p;
}

ValueId transposed(Patch& patch, const Node& node, ValueId value, const std::string& from,
                   const std::string& to) {
  if (from == to) return value;
  std::vector<int64_t> perm;
  for (char label : to) perm.push_back(static_cast<int64_t>(from.find(label)));
  return patch.add("Transpose", {value}, {{"perm", perm}}, node.name);
}

ValueId reshaped(Patch& patch, const Node& node, ValueId value, const std::vector<int64_t>& extents) {
  const Tensor target = Tensor::from<int64_t>({std::ssize(extents)}, extents);
  return patch.add("Reshape", {value, patch.constant(target, node.name + "_shape")},
                   {{"allowzero", int64_t{1}}}, node.name);
}

/// The batch axes, and every other group as one axis; empty while an extent is unknown.
std::optional<std::vector<int64_t>> merged(const Product& p, std::initializer_list<std::string_view> groups) {
  std::vector<int64_t> extents;
  for (char label : p.batch) extents.push_back(p.extent(label));
  for (std::string_view group : groups) {
    extents.push_back(1);
    for (char label : group) {
      if (is_symbol(p.extent(label))) return std::nullopt;
      extents.back() *= p.extent(label);
    }
  }
  return std::ranges::any_of(extents, is_symbol) ? std::nullopt : std::optional(extents);
}

std::optional<Patch> rewrite(const Graph& graph, ir::NodeId id) {
  const Node& node = graph.node(id);
  if (node.op != "Einsum" || node.inputs.size() != 2 || !is_f32(graph, node.input(0))) return std::nullopt;
  const Shape *x = shape_of(graph, node.input(0)), *y = shape_of(graph, node.input(1));
  if (!x || !y) return std::nullopt;
  const int ranks[] = {x->rank(), y->rank()};
  const auto q = ops::parse_einsum(node.attrs.get_string("equation", ""), ranks);
  Operand a{node.input(0), std::string(q.in[0].text()), *x},
      b{node.input(1), std::string(q.in[1].text()), *y};
  if (graph.constant(a.value)) std::swap(a, b);  // weights are packed as the right factor
  const std::string out(q.out.text());
  const auto p = classified(std::move(a), std::move(b), out);
  if (!p) return std::nullopt;
  // Without a sum they are products of single elements; no tensor has more than kMaxRank axes.
  if (p->summed.empty() || p->batch.size() + 2 > ops::kMaxRank) return std::nullopt;
  const bool matrices = p->summed.size() == 1 && p->right.size() == 1 &&
                        (p->left.size() == 1 || (p->batch.empty() && !p->left.empty()));
  const auto rows = merged(*p, {p->left, p->summed}), columns = merged(*p, {p->summed, p->right}),
             whole = merged(*p, {p->left, p->right});
  if (!matrices && (!rows || !columns || !whole)) return std::nullopt;

  Patch patch(graph);
  ValueId left = transposed(patch, node, p->a.value, p->a.labels, p->batch + p->left + p->summed);
  ValueId right = transposed(patch, node, p->b.value, p->b.labels, p->batch + p->summed + p->right);
  if (!matrices) left = reshaped(patch, node, left, *rows), right = reshaped(patch, node, right, *columns);
  ValueId product = patch.add("MatMul", {left, right}, {}, node.name);
  const std::string order = p->batch + p->left + p->right;
  if (!matrices) {
    std::vector<int64_t> extents;
    for (char label : order) extents.push_back(p->extent(label));
    product = reshaped(patch, node, product, extents);
  }
  patch.replace(node.output(), transposed(patch, node, product, order, out));
  return patch;
}

}  // namespace

extern const Pass pass_einsum_to_matmul;
const Pass pass_einsum_to_matmul{"einsum-to-matmul", "products of matrices in an Einsum to MatMul", rewrite};

}  // namespace tenfold::passes
