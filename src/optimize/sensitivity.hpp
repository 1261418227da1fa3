// Which layers lose the most in INT8.
#pragma once

#include "optimize/optimize.hpp"
#include "quant/calibrate.hpp"

namespace tenfold::optimize {

/// Labels of the layers with INT8 weights, most harmful first: each layer alone is put back to FP32, and the mean
/// squared change of the outputs against the FP32 model on a few samples says how much that gains (leave-one-out; Dong
/// et al., HAWQ, 2019, rank by curvature instead, which needs gradients).
std::vector<std::string> rank_layers(const ir::Graph& model, const quant::CalibrationTable& table, const measure::Dataset& samples,
                                     int threads, const Options& options, const std::function<void(double)>& progress);

}  // namespace tenfold::optimize
