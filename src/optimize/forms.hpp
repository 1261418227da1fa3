// The quantized forms of a model among which the search chooses, made and compared on calibration samples
// only.
#pragma once

#include <functional>
#include <set>
#include <string>
#include <vector>

#include "optimize/sensitivity.hpp"
#include "quant/calibrate.hpp"

namespace tenfold::optimize {

/// Layers that a form leaves in FP32, by label.
using Fp32Layers = std::set<std::string>;

class Forms {
 public:
  Forms(const ir::Graph& model, const quant::Calibration& observed, const measure::Dataset& calibration,
        const Tuning& tuning, int threads, std::function<bool()> cancelled);

  /// Takes the method for ranges, and bias correction, that leave the smallest error with everything in INT8.
  void choose(const std::function<void(double)>& progress);
  quant::QuantizeResult make(const Fp32Layers& fp32) const;
  /// "int8 mse, bias corrected, 4 layers fp32"
  std::string name(const Fp32Layers& fp32) const;

  /// From three quarters of the layers in FP32 (fewer where that already leaves next to no error) to none.
  /// The layers that cost the most error for each microsecond that they save go to FP32 first, so that what
  /// is left in INT8 is the best use of the accuracy there is (a knapsack by ratio).
  std::vector<Fp32Layers> ladder(const std::function<void(double)>& progress) const;

 private:
  quant::QuantizeResult make(const Fp32Layers& fp32, const quant::CalibrationTable& table,
                             bool correct_bias) const;

  const ir::Graph& model_;
  const quant::Calibration& observed_;
  const measure::Dataset& calibration_;
  const Tuning& tuning_;
  int threads_;
  std::function<bool()> cancelled_;
  quant::Method method_ = quant::Method::mse;
  quant::CalibrationTable table_;
  bool correct_bias_ = false;
};

}  // namespace tenfold::optimize
