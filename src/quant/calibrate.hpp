// Runs a model over calibration data and remembers the ranges of its values.
#pragma once

#include <functional>
#include <map>
#include <string>

#include "quant/executor.hpp"
#include "quant/statistics.hpp"

namespace tenfold::quant {

/// Ranges by value name: all that the placement of quantizers needs to know of the data.
using CalibrationTable = std::map<std::string, Range>;

struct CalibrationOptions {
  bool histogram = true;   ///< false: only Method::minmax can be asked of the result
  size_t max_samples = 0;  ///< 0: the whole stream
  /// Intermediate results that one run may hand out; where the model has more, the stream is read several
  /// times.
  size_t max_output_bytes = size_t{256} << 20;
  std::function<bool()> cancelled;  ///< asked after every sample; true throws Error(cancelled)
  std::function<void(size_t done, size_t total_passes)> progress;  ///< samples seen so far over all passes
};

/// What was observed; one pass over the data serves every method.
struct Calibration {
  std::map<std::string, Statistics> values;
  size_t samples = 0;
  CalibrationTable table(Method method, double percent = 99.99) const;
};

/// Observes the named values (FP32, activations or graph inputs) of `graph` over `stream`, from its
/// beginning. Errors: data (no sample, a wrong feed, NaN or infinity: names tensor and sample), cancelled,
/// internal (a value that the graph does not have).
Calibration calibrate(const ir::Graph& graph, const Compile& compile, FeedStream& stream,
                      const std::vector<std::string>& values, const CalibrationOptions& options = {});

/// The value of that name, or kNone.
ir::ValueId find_value(const ir::Graph& graph, std::string_view name);
/// Throws Error(data) unless `feeds` fit the graph's inputs in number, type and shape.
void check_feeds(const ir::Graph& graph, std::span<const Tensor> feeds, size_t sample);

}  // namespace tenfold::quant
