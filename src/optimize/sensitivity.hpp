// Which layers lose the most in INT8.
#pragma once

#include "optimize/optimize.hpp"
#include "quant/calibrate.hpp"

namespace tenfold::optimize {

/// Labels of the layers with INT8 weights, most harmful first: each layer alone is quantized, and the mean
/// squared change of the outputs against the FP32 model on a few samples says what it costs.  (Leaving one
/// layer out of a quantized model instead ranks poorly where several layers hurt: on PP-OCRv4 rec one layer
/// hid all others.  HAWQ, Dong et al., 2019, ranks by curvature, which needs gradients.)
std::vector<std::string> rank_layers(const ir::Graph& model, const quant::CalibrationTable& table,
                                     const measure::Dataset& samples, int threads, const Options& options,
                                     const std::function<void(double)>& progress);

}  // namespace tenfold::optimize
