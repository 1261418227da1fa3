// Activations as attributes of the operator in front of them, see ops/fusion.hpp.
#pragma once

#include "ir/graph.hpp"

namespace tenfold::passes {

/// Writes the activation `node` as attributes; false where it is none, or its bounds are not constant.
bool set_activation(const ir::Graph& graph, const ir::Node& node, ir::Attributes& attrs);

}  // namespace tenfold::passes
