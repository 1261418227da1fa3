#include "optimize/optimize.hpp"

#include <algorithm>

#include "exec/native_compile.hpp"
#include "exec/session.hpp"
#include "onnx/onnx.hpp"
#include "optimize/evaluate.hpp"
#include "optimize/forms.hpp"
#include "quant/calibrate.hpp"

namespace tenfold::optimize {
namespace {

using measure::Certificate;

/// Shares of the whole search that its stages take, for the progress line.
constexpr double kBaselineShare = 0.15, kCalibrationShare = 0.1, kFormsShare = 0.1, kLayersShare = 0.15,
                 kCandidatesShare = 0.4;

class Search {
 public:
  Search(const ir::Graph& model, const measure::Dataset& evaluation, const measure::Dataset& calibration,
         const measure::Metric& metric, const Goal& goal, const Options& options)
      : model_(model),
        evaluation_(evaluation),
        calibration_(calibration, options.calibration_samples),
        metric_(metric),
        goal_(goal),
        options_(options) {}

  Result run() {
    quant::require_float(model_);
    if (calibration_.size() == 0) fail(ErrorCode::data, "the calibration data set is empty");
    result_.order = shuffled(evaluation_.size(), options_.seed);
    baseline();
    const quant::Calibration observed = calibrate();
    begin("comparing quantizations", kFormsShare);
    const Tuning tuning(model_, calibration_, options_.tuning_samples, goal_.threads, options_.cancelled);
    Forms forms(model_, observed, calibration_, tuning, goal_.threads, options_.cancelled);
    forms.choose([&](double f) { report(f); });
    begin("ranking layers", kLayersShare);
    walk(forms, forms.ladder([&](double f) { report(f); }));
    begin("measuring latency", 1 - done_ - share_);
    measure_latency();
    decide();
    return std::move(result_);
  }

 private:
  void begin(std::string stage, double share) {
    done_ += share_;
    stage_ = std::move(stage);
    share_ = share;
    report(0);
  }
  void report(double fraction) const {
    if (options_.progress) options_.progress({stage_, std::min(1.0, done_ + share_ * fraction)});
  }

  void baseline() {
    begin("fp32 baseline", kBaselineShare);
    Candidate c{.name = "fp32", .graph = model_};
    EvaluateOptions options = evaluate_options();
    if (options_.keep_reference) options.keep_outputs = &reference_;
    c.scores = evaluate(model_, evaluation_, metric_, options);
    c.outcome = measure::compare_paired(c.scores, c.scores);
    c.outcome.confidence = {0, 0};
    c.certificate = Certificate::certified;
    c.bytes = onnx::save_to_bytes(model_).size();
    result_.candidates.push_back(std::move(c));
  }

  EvaluateOptions evaluate_options() const {
    EvaluateOptions options{
        .threads = goal_.threads, .order = result_.order, .cancelled = options_.cancelled};
    options.progress = [this](double f) { report(f); };
    return options;
  }

  quant::Calibration calibrate() {
    begin("calibrating", kCalibrationShare);
    measure::DatasetFeeds feeds(calibration_);
    quant::CalibrationOptions options{.cancelled = options_.cancelled};
    options.progress = [&](size_t done, size_t passes) {
      report(static_cast<double>(done) /
             static_cast<double>(calibration_.size() * std::max<size_t>(1, passes)));
    };
    return quant::calibrate(model_, exec::native_compile(goal_.threads), feeds,
                            quant::calibration_values_for_search(model_), options);
  }

  measure::PairedOutcome compare(std::span<const double> scores) const {
    return measure::compare_paired(std::span(result_.candidates[0].scores).first(scores.size()), scores,
                                   metric_.spread());
  }

  /// Judges a form on the evaluation samples, all of them unless the first ones prove too large a drop.
  Candidate judge(std::string name, quant::QuantizeResult form) const {
    Candidate c{.name = std::move(name), .graph = std::move(form.graph), .records = std::move(form.records)};
    EvaluateOptions options = evaluate_options();
    if (options_.keep_reference) options.reference = &reference_;
    // To give up early can only lose a candidate, never certify one.
    options.hopeless = [&](std::span<const double> scores) {
      return compare(scores).confidence.lo > goal_.max_drop;
    };
    c.scores = evaluate(c.graph, evaluation_, metric_, options);
    c.outcome = compare(c.scores);
    c.certificate = measure::certify(c.outcome, goal_.max_drop);
    c.bytes = onnx::save_to_bytes(c.graph).size();
    return c;
  }

  /// Judges the rungs from the safest on, until one has lost too much.  Certificates end with the first rung
  /// that gets none: a fixed sequence of tests, whose order the evaluation samples had no part in, certifies
  /// a candidate wrongly with the probability of one test (docs/adr/0006).
  void walk(const Forms& forms, const std::vector<Fp32Layers>& rungs) {
    const double share = kCandidatesShare / static_cast<double>(rungs.size());
    for (const Fp32Layers& fp32 : rungs) {
      const std::string name = forms.name(fp32);
      begin(name, share);
      Candidate c = judge(name, forms.make(fp32));
      if (sequence_end_ && c.certificate == Certificate::certified)
        c.certificate = Certificate::too_little_data;
      if (!sequence_end_ && c.certificate != Certificate::certified)
        sequence_end_ = result_.candidates.size();
      const bool missed = c.certificate == Certificate::missed;
      result_.candidates.push_back(std::move(c));
      if (missed) break;
    }
    if (result_.candidates.size() == 1 + rungs.size()) return;
    // How far the fastest form is off, for the report: a safer one missed, so that luck would choose it.
    begin(forms.name({}), share);
    result_.candidates.push_back(judge(forms.name({}), forms.make({})));
    result_.candidates.back().certificate = Certificate::missed;
  }

  /// The artifact names the kernels that its latency was proven with.
  static void carry_choices(const exec::Session& session, Candidate& c) {
    const plan::Timings choices = session.choices();
    if (choices.empty()) return;
    c.graph.metadata[exec::kTimingsMetadata] = choices.text();
    c.bytes = onnx::save_to_bytes(c.graph).size();
  }

  void measure_latency() {
    std::vector<std::unique_ptr<exec::Session>> sessions;
    std::vector<std::function<void()>> functions;
    const measure::Sample sample = evaluation_.get(0);
    for (Candidate& c : result_.candidates) {
      sessions.push_back(std::make_unique<exec::Session>(
          c.graph,
          exec::SessionOptions{
              .threads = goal_.threads, .tuning = exec::Tuning::measure, .cancelled = options_.cancelled}));
      functions.emplace_back([session = sessions.back().get(), &sample] { session->run(sample.feeds); });
    }
    for (const auto& f : functions) f();  // plans, and measures what there is to choose
    for (size_t i = 0; i < sessions.size(); i++) carry_choices(*sessions[i], result_.candidates[i]);
    const auto runs = measure::measure_interleaved(functions, options_.stability, 3, options_.cancelled);
    for (size_t i = 0; i < runs.size(); i++) {
      result_.candidates[i].latency = measure::summarise(runs[i].milliseconds);
      result_.candidates[i].latencies_ms = runs[i].milliseconds;
    }
  }

  double latency_of(const Candidate& c) const {
    std::vector<double> sorted = c.latencies_ms;
    std::sort(sorted.begin(), sorted.end());
    return measure::quantile(sorted, goal_.latency_quantile);
  }

  /// The fastest candidate with the wanted certificate; candidates.size() if there is none.
  size_t fastest(Certificate wanted) const {
    size_t best = result_.candidates.size();
    for (size_t i = 0; i < result_.candidates.size(); i++) {
      if (result_.candidates[i].certificate != wanted) continue;
      if (best == result_.candidates.size() ||
          latency_of(result_.candidates[i]) < latency_of(result_.candidates[best]))
        best = i;
    }
    return best;
  }

  void decide() {
    Result& r = result_;
    r.chosen = fastest(Certificate::certified);  // the baseline is certified, so there always is one
    const double reached = latency_of(r.candidates[r.chosen]);
    const bool in_time = goal_.latency_ms <= 0 || reached <= goal_.latency_ms;
    const size_t uncertain = fastest(Certificate::too_little_data);
    const bool hopes =
        uncertain < r.candidates.size() && latency_of(r.candidates[uncertain]) < reached && r.chosen == 0;
    if (hopes && (goal_.latency_ms <= 0 || !in_time)) {
      r.chosen = uncertain;
      r.verdict = Verdict::too_little_data;
      r.samples_wanted = samples_wanted(r.candidates[uncertain]);
      r.explanation = doubt(r.candidates[uncertain]);
      return;
    }
    r.verdict = in_time ? Verdict::met : r.chosen == 0 ? Verdict::accuracy_missed : Verdict::latency_missed;
    r.explanation = explain(r.candidates[r.chosen], reached, in_time);
    if (hopes)
      r.explanation += fmt::format("; at {:.2f} ms {}", latency_of(r.candidates[uncertain]),
                                   doubt(r.candidates[uncertain]));
  }

  /// About how many samples would certify `c`, and the candidate that ended the sequence before it.
  size_t samples_wanted(const Candidate& c) const {
    return std::max(measure::samples_needed(c.outcome, goal_.max_drop),
                    measure::samples_needed(result_.candidates[sequence_end_].outcome, goal_.max_drop));
  }

  /// What the data leave open about a candidate whose drop looks allowed.
  std::string doubt(const Candidate& c) const {
    const bool behind = measure::certify(c.outcome, goal_.max_drop) == Certificate::certified;
    const Candidate& unproven = behind ? result_.candidates[sequence_end_] : c;
    return fmt::format(
        "{} {:.2f} points on {} samples, too few to certify a drop below {:.2f}; about {} samples would do",
        behind ? fmt::format("{} counts only once {}, which is safer, is certified; that one loses", c.name,
                             unproven.name)
               : c.name + " loses",
        100 * unproven.outcome.drop, evaluation_.size(), 100 * goal_.max_drop, samples_wanted(c));
  }

  /// What was reached with `c`, the fastest certified candidate.
  std::string explain(const Candidate& c, double reached, bool in_time) const {
    if (!in_time)
      return fmt::format(
          "the fastest candidate within the accuracy budget is {} at {:.2f} ms, {:.2f} ms above the "
          "target of {:.2f} ms",
          c.name, reached, reached - goal_.latency_ms, goal_.latency_ms);
    if (result_.chosen == 0)
      return fmt::format("fp32 stays, at {:.2f} ms: no faster form is certified within the accuracy budget",
                         reached);
    return fmt::format("{} is {:.1f} times as fast as fp32 at {:.2f} ms and loses at most {:.2f} points",
                       c.name, latency_of(result_.candidates[0]) / reached, reached,
                       100 * std::max(0.0, c.outcome.confidence.hi));
  }

  const ir::Graph& model_;
  const measure::Dataset& evaluation_;
  const measure::FirstSamples calibration_;
  const measure::Metric& metric_;
  const Goal& goal_;
  const Options& options_;
  Result result_;
  std::vector<std::vector<Tensor>> reference_;
  size_t sequence_end_ = 0;  ///< the candidate whose certificate failed; 0: none yet
  std::string stage_;
  double done_ = 0, share_ = 0;
};

}  // namespace

std::string_view to_string(Verdict verdict) {
  switch (verdict) {
    case Verdict::met:
      return "met";
    case Verdict::latency_missed:
      return "latency missed";
    case Verdict::accuracy_missed:
      return "accuracy missed";
    case Verdict::too_little_data:
      return "too little data";
  }
  return "?";
}

Result optimize(const ir::Graph& model, const measure::Dataset& evaluation,
                const measure::Dataset& calibration, const measure::Metric& metric, const Goal& goal,
                const Options& options) {
  return Search(model, evaluation, calibration, metric, goal, options).run();
}

}  // namespace tenfold::optimize
