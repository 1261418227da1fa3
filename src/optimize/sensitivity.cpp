#include "optimize/sensitivity.hpp"

#include <set>

#include "exec/session.hpp"
#include "optimize/cost.hpp"

namespace tenfold::optimize {

Tuning::Tuning(const ir::Graph& model, const measure::Dataset& samples, size_t count, int threads,
               std::function<bool()> cancelled)
    : threads_(threads), cancelled_(std::move(cancelled)) {
  const size_t taken = std::min(samples.size(), count);
  for (size_t i = 0; i < taken; i++) feeds_.push_back(samples.get(i * samples.size() / taken).feeds);
  reference_ = run(model);
  for (const Tensor& t : feeds_.at(0)) shapes_.push_back(t.shape());
}

std::vector<std::vector<Tensor>> Tuning::run(const ir::Graph& graph) const {
  exec::Session session(graph, {.threads = threads_});
  std::vector<std::vector<Tensor>> results;
  for (const auto& f : feeds_) {
    if (cancelled_ && cancelled_()) fail(ErrorCode::cancelled, "cancelled while comparing layers");
    results.push_back(session.run(f));
  }
  return results;
}

double Tuning::error(const ir::Graph& graph) const {
  const auto results = run(graph);
  double total = 0;
  for (size_t o = 0; o < results.at(0).size(); o++) {
    if (results[0][o].dtype() != DType::f32) continue;
    // Of all samples together: one with an output near 0 would outweigh all others.
    double difference = 0, norm = 0;
    for (size_t i = 0; i < results.size(); i++) {
      const auto x = results[i][o].span<float>(), y = reference_[i][o].span<float>();
      for (size_t k = 0; k < x.size(); k++) {
        const double d = static_cast<double>(x[k]) - static_cast<double>(y[k]);
        difference += d * d;
        norm += static_cast<double>(y[k]) * static_cast<double>(y[k]);
      }
    }
    total += norm > 0 ? difference / norm : difference;
  }
  return total;
}

std::vector<LayerEffect> layer_effects(const ir::Graph& model, const quant::CalibrationTable& table,
                                       const Tuning& tuning, const std::function<void(double)>& progress) {
  const auto whole = quant::quantize_static(model, table);
  const double fastest = estimate_microseconds(whole.graph, tuning.shapes());
  std::set<std::string> all;
  for (const auto& layer : whole.layers) all.insert(layer.node);
  std::vector<LayerEffect> effects;
  for (const auto& layer : whole.layers) {
    std::set<std::string> others = all;
    others.erase(layer.node);
    const auto alone = quant::quantize_static(model, table, {.exclude = others});
    const auto without = quant::quantize_static(model, table, {.exclude = {layer.node}});
    effects.push_back({layer.node, tuning.error(alone.graph),
                       estimate_microseconds(without.graph, tuning.shapes()) - fastest});
    progress(static_cast<double>(effects.size()) / static_cast<double>(whole.layers.size()));
  }
  return effects;
}

}  // namespace tenfold::optimize
