// The stages of lowering, in the order in which lower() runs them.
#pragma once

#include "ir/graph.hpp"

namespace tenfold::plan {

/// A copy of `graph` in which spatial operators and what follows them compute channels last, with Transpose
/// nodes where both forms meet.
ir::Graph assign_layout(const ir::Graph& graph);

/// Turns QuantizeLinear -> Transpose before an INT8 stem convolution into one QuantizeImage that also pads.
void interleave_images(ir::Graph& graph);

/// Makes every graph output a value whose buffer nothing else claims (not an input, a constant or another
/// output).
void separate_outputs(ir::Graph& graph);

}  // namespace tenfold::plan
