// What quantization does to the outputs of a model, measured on calibration samples.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "measure/dataset.hpp"
#include "quant/quantize.hpp"

namespace tenfold::optimize {

/// A few calibration samples with the FP32 outputs, to compare forms of the model without labels and without
/// touching the evaluation samples.
class Tuning {
 public:
  /// Takes `count` samples spread evenly over `samples`.
  Tuning(const ir::Graph& model, const measure::Dataset& samples, size_t count, int threads,
         std::function<bool()> cancelled);

  /// Sum over FP32 outputs of |difference|^2 / |FP32 output|^2, both over all samples.
  double error(const ir::Graph& graph) const;
  /// Of the inputs of the first sample.
  const std::vector<Shape>& shapes() const { return shapes_; }

 private:
  std::vector<std::vector<Tensor>> run(const ir::Graph& graph) const;
  int threads_;
  std::function<bool()> cancelled_;
  std::vector<std::vector<Tensor>> feeds_, reference_;
  std::vector<Shape> shapes_;
};

/// What one layer with INT8 weights costs the outputs and saves in time.
struct LayerEffect {
  std::string node;
  double error = 0;  ///< with this layer alone in INT8
  double saved = 0;  ///< estimated microseconds that the fully quantized model would lose without it
};

/// The effects of all layers that quantize_static(model, table) gives INT8 weights, in execution order.
/// Errors of single layers are small, and small errors add up; measured by leaving a layer out of the
/// quantized model they do not, where several layers hurt.  (HAWQ, Dong et al., 2019, takes the curvature
/// instead, which needs gradients.)
std::vector<LayerEffect> layer_effects(const ir::Graph& model, const quant::CalibrationTable& table,
                                       const Tuning& tuning, const std::function<void(double)>& progress);

}  // namespace tenfold::optimize
