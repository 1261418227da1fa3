// What calibration remembers of one tensor: constant memory, whatever the number of samples.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "quant/params.hpp"

namespace tenfold::quant {

/// How a range is chosen from what was observed.
enum class Method {
  minmax,      ///< everything that was seen
  percentile,  ///< all but a share of the values, cut in equal parts at both ends
  entropy,     ///< least Kullback-Leibler divergence between the values and their quantized form
  mse,         ///< least mean squared error
};
std::string_view to_string(Method method);
/// Throws invalid_argument for an unknown name, listing the known ones.
Method method_from_string(std::string_view name);

/// Minimum, maximum and a histogram over [-R, R) with R a power of two that doubles, by merging pairs of
/// bins, when a larger value comes.  Bin edges are multiples of a power of two, so the result does not depend
/// on the order of samples. Exact zeros are counted apart: quantization represents them without error, and
/// after a ReLU they are half of all.
class Statistics {
 public:
  /// `histogram` false: only minimum and maximum, which is faster and enough for Method::minmax.
  explicit Statistics(bool histogram = true) : with_histogram_(histogram) {}

  /// Adds finite values; returns false and leaves the statistics unchanged where one is NaN or infinite.
  [[nodiscard]] bool observe(std::span<const float> values);

  uint64_t count() const { return count_; }
  bool has_histogram() const { return with_histogram_; }
  Range minmax() const { return {lo_, hi_}; }
  /// `percent` of all values lie inside (99.99: one in 20,000 is cut at either end).
  Range percentile(double percent) const;
  Range entropy() const;
  Range mse() const;
  Range range(Method method, double percent = 99.99) const;

 private:
  /// Four times the 2,048 bins that the searches want: a one-sided range may fill only a quarter.
  static constexpr int kBins = 8192, kZeroEdge = kBins / 2;
  friend class RangeSearch;
  void widen(float limit);
  double width() const;
  /// Bin edge i in real values.
  double edge(int i) const { return (i - kZeroEdge) * width(); }

  bool with_histogram_;
  uint64_t count_ = 0, zeros_ = 0;
  float lo_ = 0, hi_ = 0;
  int exponent_ = 0;            ///< R = 2^exponent_
  std::vector<uint64_t> bins_;  ///< empty until a value other than 0 was seen
};

}  // namespace tenfold::quant
