// What pattern matchers ask of a graph.
#pragma once

#include <optional>
#include <string_view>
#include <vector>

#include "ir/graph.hpp"

namespace tenfold::passes {

/// The node that produces `id` if it is an `op`, else nullptr.
const ir::Node* produced_by(const ir::Graph& graph, ir::ValueId id, std::string_view op);
/// True where nothing but one consumer sees `id`, so a pattern may swallow it.
bool used_once(const ir::Graph& graph, ir::ValueId id);
/// True where `id` has exactly `uses` uses and is no graph output.
bool used_times(const ir::Graph& graph, ir::ValueId id, size_t uses);

/// The shape of a value, or nullptr while its rank is unknown.
const Shape* shape_of(const ir::Graph& graph, ir::ValueId id);
/// Rank, or -1 while it is unknown.
int rank_of(const ir::Graph& graph, ir::ValueId id);
/// Both shapes are known and equal, symbols included.
bool same_shape(const ir::Graph& graph, ir::ValueId a, ir::ValueId b);
bool is_f32(const ir::Graph& graph, ir::ValueId id);

/// Equal up to the rounding of constants that exporters write: 1e-6 relative.
bool near(double a, double b);
/// The value of a constant of one element.
std::optional<double> scalar(const ir::Graph& graph, ir::ValueId id);
/// The value that every element of a constant has.
std::optional<double> uniform(const ir::Graph& graph, ir::ValueId id);
/// The integers that a value is known to hold (constant, or propagated; no symbols), for axes and targets.
std::optional<std::vector<int64_t>> integers(const ir::Graph& graph, ir::ValueId id);

/// Aligned at the back with tensors of `rank` axes, `shape` has `extent` or 1 on `axis` and 1 elsewhere.
bool lies_along(const Shape& shape, int rank, int axis, int64_t extent);

/// Aligned at the back, `id` has `n` or 1 on its last axis and 1 elsewhere: one value a column of a matrix.
bool lies_along_columns(const ir::Graph& graph, ir::ValueId id, int64_t n);

/// The operand and the one-element constant of `x op c`.
struct WithScalar {
  ir::ValueId x;
  double c;
};
/// Matches an `op` node with one scalar constant operand that does not raise the rank of the other; commuted
/// operands match for Add, Mul, Min and Max, the constant must be on the right for any other operator.
std::optional<WithScalar> with_scalar(const ir::Graph& graph, const ir::Node* node, std::string_view op);
/// The same, where `id` is the output of the node.
std::optional<WithScalar> with_scalar(const ir::Graph& graph, ir::ValueId id, std::string_view op);

/// The operand of a two-input node that is not `x`, or kNone if `x` is neither.
ir::ValueId other_operand(const ir::Node& node, ir::ValueId x);

/// Sorted non-negative axes of a reduction (from input 1 or the attribute); nothing where they are unknown.
std::optional<std::vector<int>> reduced_axes(const ir::Graph& graph, const ir::Node& node);

/// The permutation of a Transpose (reversing, where absent), or nothing while the rank is unknown.
std::optional<std::vector<int64_t>> permutation(const ir::Graph& graph, const ir::Node& transpose);

/// The constant Reshape target that turns `in` into `out`: extents as numbers, 0 where a symbol is copied
/// from the same position, -1 for the one that is left.  [?n, 12, 64] from [?n, 768] is [0, 12, 64].  Nothing
/// where that does not suffice.
std::optional<Tensor> reshape_target(const Shape& in, const Shape& out);

/// True if an existing value may stand in for `old_value`: not where both names matter to a caller.
bool may_replace(const ir::Graph& graph, ir::ValueId old_value, ir::ValueId existing);

}  // namespace tenfold::passes
