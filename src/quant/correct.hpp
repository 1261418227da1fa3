// Corrections around quantization, each optional: graph in, graph out.
#pragma once

#include <functional>

#include "quant/quantize.hpp"

namespace tenfold::quant {

/// Batch norms that could not be folded (behind a Concat, as in DenseNet) as depthwise 1x1 convolutions,
/// whose single weight per channel int8 represents exactly.  Names of results stay.  quantize_static() and
/// calibration_values() do this themselves; those in `options.exclude` stay as they are.
ir::Graph batch_norms_as_convolutions(const ir::Graph& graph, const QuantizeOptions& options = {});

/// Vectors of one repeated number beside Add, Sub, Mul and Div as scalars.  With a scalar the operator is a
/// function of one byte and joins the table of the activation before it; with a vector it is a step of its
/// own and rounds once more.  (PP-OCRv4 rec has 13 of them, between HardSwish and padded convolutions.)
/// quantize_static() and calibration_values() do this themselves.
ir::Graph uniform_constants_as_scalars(const ir::Graph& graph);

struct BiasCorrectionOptions {
  size_t max_samples = 32;
  std::function<bool()> cancelled;  ///< true throws Error(cancelled)
};

/// Empirical bias correction (M. Nagel et al., "Data-Free Quantization Through Weight Equalization and Bias
/// Correction", ICCV 2019, section 4.2): shifts the int32 bias of every Conv, ConvTranspose and
/// Gemm so that the mean of each output channel over `stream` is that of `original`.  Layer by layer, each
/// with all before it corrected: several at a time, an error is corrected in every layer that it reaches and
/// grows (eight groups on PP-OCRv4 rec: no line was read).  Each layer runs once a sample all the same,
/// between stored results of the layers before.  Nothing is changed where the rank of a result is unknown.
/// `quantized` must come from quantize_static(original, ...).
/// Throws what calibrate() throws.
ir::Graph correct_bias(const ir::Graph& original, const QuantizeResult& quantized, const Compile& compile,
                       FeedStream& stream, const BiasCorrectionOptions& options = {});

}  // namespace tenfold::quant
