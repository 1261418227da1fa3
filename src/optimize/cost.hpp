// What a form of the model should take, from its lowered graph.
#pragma once

#include <span>

#include "ir/graph.hpp"

namespace tenfold::optimize {

/// About how many microseconds one core takes for `model` on inputs of these shapes: arithmetic at the rate
/// of its kernels, and bytes moved, summed over the operators that the engine would run.  Good to compare two
/// forms of one model, and the same on every run, which timing is not: the search orders layers by it and
/// stays reproducible.  What is deployed is chosen by measured latency.
double estimate_microseconds(const ir::Graph& model, std::span<const Shape> input_shapes);

}  // namespace tenfold::optimize
