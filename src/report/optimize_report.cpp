#include "report/optimize_report.hpp"

#include <map>
#include <nlohmann/json.hpp>

#include "cpu/features.hpp"
#include "report/table.hpp"

namespace tenfold::report {
namespace {

using optimize::Candidate;

constexpr double kMegabyte = 1e6;

std::string drop_text(const Candidate& c, bool baseline) {
  if (baseline) return "-";
  return fmt::format("{:+.2f} [{:+.2f}, {:+.2f}]", 100 * c.outcome.drop, 100 * c.outcome.confidence.lo,
                     100 * c.outcome.confidence.hi);
}

/// Nodes of a quantized candidate that compute in FP32, by reason.
std::map<std::string, std::vector<std::string>> fp32_by_reason(const Candidate& c) {
  std::map<std::string, std::vector<std::string>> reasons;
  for (const quant::NodeRecord& r : c.records)
    if (!r.quantized) reasons[r.reason].push_back(fmt::format("{} '{}'", r.op, r.node));
  return reasons;
}

std::string stayed_fp32(const Candidate& c) {
  constexpr size_t kNamed = 3;
  std::string text;
  for (const auto& [reason, nodes] : fp32_by_reason(c)) {
    const std::vector<std::string> named(
        nodes.begin(), nodes.begin() + static_cast<std::ptrdiff_t>(std::min(kNamed, nodes.size())));
    text += fmt::format("  {:4} {}: {}{}\n", nodes.size(), reason.empty() ? "no INT8 form" : reason,
                        fmt::join(named, ", "), nodes.size() > kNamed ? ", ..." : "");
  }
  return text;
}

nlohmann::json candidate_json(const Candidate& c, const Candidate& baseline,
                              const std::vector<size_t>& order) {
  nlohmann::json changed = nlohmann::json::array();
  for (size_t i = 0; i < c.scores.size(); i++)
    if (c.scores[i] != baseline.scores[i])
      changed.push_back({{"sample", order[i]}, {"fp32", baseline.scores[i]}, {"candidate", c.scores[i]}});
  nlohmann::json fp32 = nlohmann::json::array();
  for (const auto& [reason, nodes] : fp32_by_reason(c))
    fp32.push_back({{"reason", reason}, {"nodes", nodes}});
  return {{"name", c.name},
          {"metric", c.outcome.candidate},
          {"drop", c.outcome.drop},
          {"drop_confidence_95", {c.outcome.confidence.lo, c.outcome.confidence.hi}},
          {"certificate", measure::to_string(c.certificate)},
          {"samples", c.scores.size()},
          {"samples_lost", c.outcome.lost},
          {"samples_gained", c.outcome.gained},
          {"changed_samples", changed},
          {"latency_ms",
           {{"min", c.latency.min},
            {"median", c.latency.median},
            {"p90", c.latency.p90},
            {"p99", c.latency.p99},
            {"runs", c.latency.runs}}},
          {"raw_latencies_ms", c.latencies_ms},
          {"bytes", c.bytes},
          {"fp32_nodes", fp32}};
}

}  // namespace

std::string optimize_text(const optimize::Result& result, const optimize::Goal& goal) {
  Table table(
      {"candidate", "metric %", "drop, points [95 % CI]", "p50 ms", "p99 ms", "MB", "speed-up", "accuracy"});
  const Candidate& baseline = result.candidates.at(0);
  for (size_t i = 0; i < result.candidates.size(); i++) {
    const Candidate& c = result.candidates[i];
    table.add({c.name, fmt::format("{:.2f}", 100 * c.outcome.candidate), drop_text(c, i == 0),
               fmt::format("{:.2f}", c.latency.median), fmt::format("{:.2f}", c.latency.p99),
               fmt::format("{:.1f}", static_cast<double>(c.bytes) / kMegabyte),
               fmt::format("{:.2f}x", baseline.latency.median / c.latency.median),
               i == 0 ? "baseline" : std::string(measure::to_string(c.certificate))});
    if (i == result.chosen) table.mark();
  }
  const Candidate& chosen = result.candidates.at(result.chosen);
  std::string text = table.text();
  const std::string kept = stayed_fp32(chosen);
  if (!kept.empty()) text += fmt::format("\nStayed FP32 in '{}':\n{}", chosen.name, kept);
  text += fmt::format("\nTarget: drop below {:.2f} points, p{:g} latency {} on {} thread{}\n",
                      100 * goal.max_drop, 100 * goal.latency_quantile,
                      goal.latency_ms > 0 ? fmt::format("{:g} ms", goal.latency_ms) : "as low as possible",
                      goal.threads, goal.threads == 1 ? "" : "s");
  return text + fmt::format("Verdict: {} - {}\n", to_string(result.verdict), result.explanation);
}

std::string optimize_json(const optimize::Result& result, const optimize::Goal& goal, const Provenance& p) {
  nlohmann::json candidates = nlohmann::json::array();
  for (const Candidate& c : result.candidates)
    candidates.push_back(candidate_json(c, result.candidates[0], result.order));
  const nlohmann::json report = {{"verdict", optimize::to_string(result.verdict)},
                                 {"explanation", result.explanation},
                                 {"chosen", result.candidates.at(result.chosen).name},
                                 {"samples_wanted", result.samples_wanted},
                                 {"goal",
                                  {{"max_drop", goal.max_drop},
                                   {"latency_ms", goal.latency_ms},
                                   {"latency_quantile", goal.latency_quantile},
                                   {"threads", goal.threads}}},
                                 {"inputs",
                                  {{"model", p.model},
                                   {"model_sha256", p.model_sha256},
                                   {"data", p.data},
                                   {"calibration", p.calibration},
                                   {"metric", p.metric}}},
                                 {"machine",
                                  {{"cpu", cpu::features().brand},
                                   {"isa", cpu::to_string(cpu::selected())},
                                   {"cpus", cpu::allowed_cpus()}}},
                                 {"candidates", candidates}};
  return report.dump(2, ' ', false, nlohmann::json::error_handler_t::replace) + "\n";
}

}  // namespace tenfold::report
