#include "optimize/forms.hpp"

#include <algorithm>

#include "exec/native_compile.hpp"
#include "quant/correct.hpp"

namespace tenfold::optimize {
namespace {

/// Entropy is left out: it was last on both real models (PP-OCRv4 rec reads 13 % of lines with it, 79 % with
/// MinMax; EfficientNet-Lite0 loses 0.62 points, 0.00 with MSE).
constexpr quant::Method kMethods[] = {quant::Method::mse, quant::Method::percentile, quant::Method::minmax};

/// Of the outputs' energy: on PP-OCRv4 rec two lines in a hundred change with 0.0045.
constexpr double kNegligibleError = 0.001;

}  // namespace

Forms::Forms(const ir::Graph& model, const quant::Calibration& observed, const measure::Dataset& calibration,
             const Tuning& tuning, int threads, std::function<bool()> cancelled)
    : model_(model),
      observed_(observed),
      calibration_(calibration),
      tuning_(tuning),
      threads_(threads),
      cancelled_(std::move(cancelled)) {}

quant::QuantizeResult Forms::make(const Fp32Layers& fp32, const quant::CalibrationTable& table,
                                  bool correct_bias) const {
  quant::QuantizeResult result = quant::quantize_static(model_, table, {.exclude = fp32});
  for (quant::NodeRecord& r : result.records)
    if (fp32.contains(r.node))
      r.reason = "kept fp32: among the layers that lose the most accuracy for the time they save";
  if (!correct_bias) return result;
  measure::DatasetFeeds feeds(calibration_);
  result.graph =
      quant::correct_bias(model_, result, exec::native_compile(threads_), feeds, {.cancelled = cancelled_});
  return result;
}

quant::QuantizeResult Forms::make(const Fp32Layers& fp32) const { return make(fp32, table_, correct_bias_); }

std::string Forms::name(const Fp32Layers& fp32) const {
  std::string name = fmt::format("int8 {}", to_string(method_));
  if (correct_bias_) name += ", bias corrected";
  if (!fp32.empty()) name += fmt::format(", {} layer{} fp32", fp32.size(), fp32.size() == 1 ? "" : "s");
  return name;
}

void Forms::choose(const std::function<void(double)>& progress) {
  constexpr double kSteps = std::size(kMethods) + 1;
  double best = 0, done = 0;
  for (quant::Method method : kMethods) {
    quant::CalibrationTable table = observed_.table(method);
    const double error = tuning_.error(make({}, table, false).graph);
    if (table_.empty() || error < best) {
      best = error;
      method_ = method;
      table_ = std::move(table);
    }
    progress(++done / kSteps);
  }
  correct_bias_ = tuning_.error(make({}, table_, true).graph) < best;
  progress(1);
}

std::vector<Fp32Layers> Forms::ladder(const std::function<void(double)>& progress) const {
  std::vector<LayerEffect> effects = layer_effects(model_, table_, tuning_, progress);
  // A layer that saves nothing has no business in INT8, whatever its error.
  constexpr double kLeastSaving = 0.1;
  const auto ratio = [&](const LayerEffect& e) { return e.error / std::max(e.saved, kLeastSaving); };
  std::stable_sort(effects.begin(), effects.end(),
                   [&](const auto& a, const auto& b) { return ratio(a) > ratio(b); });
  std::vector<Fp32Layers> rungs;
  for (size_t n = effects.size() * 3 / 4;; n /= 2) {
    Fp32Layers fp32;
    for (size_t i = 0; i < n; i++) fp32.insert(effects[i].node);
    // Where the error is negligible, a safer form before it would only cost an evaluation.
    if (n < effects.size() * 3 / 4 && tuning_.error(make(fp32).graph) < kNegligibleError) rungs.clear();
    rungs.push_back(std::move(fp32));
    if (n == 0) return rungs;
  }
}

}  // namespace tenfold::optimize
