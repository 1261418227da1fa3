#include "optimize/sensitivity.hpp"

#include <algorithm>
#include <set>

#include "exec/session.hpp"

namespace tenfold::optimize {
namespace {

std::vector<std::vector<Tensor>> run_all(const ir::Graph& graph,
                                         const std::vector<std::vector<Tensor>>& feeds, int threads) {
  exec::Session session(graph, {.threads = threads});
  std::vector<std::vector<Tensor>> results;
  for (const auto& f : feeds) results.push_back(session.run(f));
  return results;
}

/// Mean over samples and FP32 outputs of |a - b|^2 / |b|^2.
double relative_error(const std::vector<std::vector<Tensor>>& a, const std::vector<std::vector<Tensor>>& b) {
  double total = 0;
  for (size_t i = 0; i < a.size(); i++)
    for (size_t o = 0; o < a[i].size(); o++) {
      if (a[i][o].dtype() != DType::f32) continue;
      const auto x = a[i][o].span<float>(), y = b[i][o].span<float>();
      double difference = 0, norm = 1e-30;
      for (size_t k = 0; k < x.size(); k++) {
        const double d = static_cast<double>(x[k]) - static_cast<double>(y[k]);
        difference += d * d;
        norm += static_cast<double>(y[k]) * static_cast<double>(y[k]);
      }
      total += difference / norm;
    }
  return total / static_cast<double>(a.size());
}

}  // namespace

std::vector<std::string> rank_layers(const ir::Graph& model, const quant::CalibrationTable& table,
                                     const measure::Dataset& samples, int threads, const Options& options,
                                     const std::function<void(double)>& progress) {
  std::vector<std::vector<Tensor>> feeds;
  for (size_t i = 0; i < std::min(samples.size(), options.sensitivity_samples); i++)
    feeds.push_back(samples.get(i).feeds);
  const auto reference = run_all(model, feeds, threads);
  const auto layers = quant::quantize_static(model, table).layers;
  std::vector<std::pair<double, std::string>> errors;
  std::set<std::string> all, ops;
  for (const auto& layer : layers) {
    all.insert(layer.node);
    ops.insert(layer.op);
  }
  for (const auto& layer : layers) {
    if (options.cancelled && options.cancelled())
      fail(ErrorCode::cancelled, "cancelled while ranking layers");
    std::set<std::string> others = all;
    others.erase(layer.node);
    const quant::QuantizeResult alone = quant::quantize_static(model, table, {.exclude = others, .ops = ops});
    errors.emplace_back(relative_error(run_all(alone.graph, feeds, threads), reference), layer.node);
    progress(static_cast<double>(errors.size()) / static_cast<double>(layers.size()));
  }
  std::stable_sort(errors.begin(), errors.end(),
                   [](const auto& a, const auto& b) { return a.first > b.first; });
  std::vector<std::string> names;
  for (auto& [error, name] : errors) names.push_back(std::move(name));
  return names;
}

}  // namespace tenfold::optimize
