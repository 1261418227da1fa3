// Chains of convolutions in strips: some rows of every layer after the other, so that what lies between them
// never exists as a whole.
#pragma once

#include <vector>

#include "plan/step.hpp"

namespace tenfold::plan {

inline constexpr size_t kLongestChain = 3;

/// The chains among `order`: a depthwise convolution, the convolution before it and the pointwise one behind
/// it, where nothing else reads what lies between them.  Every node is in one chain at most; chains have two
/// nodes or three.
std::vector<std::vector<ir::NodeId>> find_chains(const ir::Graph& graph, std::span<const ir::NodeId> order);

/// Bytes of the tensors between the nodes of a chain.
double bytes_between(const ir::Graph& graph, std::span<const ir::NodeId> chain);

/// Rows of the last output in a strip whose layers between take about `bytes`; at least 1, at most all.
int64_t strip_rows(const ir::Graph& graph, std::span<const ir::NodeId> chain, double bytes);

/// The chain in strips of `rows` rows of its last output, at most all of them; null where a node has no step that computes rows.
std::unique_ptr<Step> make_strips(const BuildContext& context, std::span<const ir::NodeId> chain,
                                  int64_t rows);

}  // namespace tenfold::plan
