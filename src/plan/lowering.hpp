// The stages of lowering, in the order in which lower() runs them.
#pragma once

#include "ir/graph.hpp"

namespace tenfold::plan {

/// Turns s8 activations into u8 (zero point + 128) and u8 weights into s8, so that every INT8 kernel sees one form.
/// Exact: the quantized values stand for the same numbers.
void unify_signedness(ir::Graph& graph);

/// Replaces DequantizeLinear -> operator -> QuantizeLinear by the INT8 operators (QConv, QMatMul, QAdd, QLookup, ...) and
/// moves data-movement operators to the quantized side.  Each is equal to the pattern up to FP32 rounding at a tie.
void lower_int8(ir::Graph& graph);

/// A copy of `graph` in which spatial operators and what follows them compute channels last, with Transpose nodes
/// where both forms meet.
ir::Graph assign_layout(const ir::Graph& graph);

/// Makes every graph output a value whose buffer nothing else claims (not an input, a constant or another output).
void separate_outputs(ir::Graph& graph);

}  // namespace tenfold::plan
