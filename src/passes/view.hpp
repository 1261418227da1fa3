// Chains of operators that only move elements, as one strided view of what they start from.
#pragma once

#include <vector>

#include "ir/graph.hpp"

namespace tenfold::passes {

/// Element [i0, i1, ...] of the viewed value is element start + i0 * strides[0] + i1 * strides[1] + ... of
/// `root`.
struct View {
  ir::ValueId root;
  int64_t start = 0;
  std::vector<int64_t> extents, strides;
};

/// The view of `id` through Reshape, Transpose, Slice, Split and Gather of one index, as far up as strides
/// can say it; the value itself as a plain row-major view otherwise.  The shape of `id` must be static.
View view_of(const ir::Graph& graph, ir::ValueId id);

}  // namespace tenfold::passes
