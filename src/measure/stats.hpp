// Statistics behind every number that tenfold reports: latency summaries and paired accuracy drops.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

namespace tenfold::measure {

/// A closed interval.
struct Interval {
  double lo = 0, hi = 0;
};

/// Latencies in milliseconds.
struct LatencySummary {
  size_t runs = 0;
  double min = 0, median = 0, mean = 0, p90 = 0, p99 = 0, max = 0;
  double throughput = 0;  ///< runs per second, from the mean
};
/// Throws invalid_argument for no runs.  Percentiles interpolate linearly between order statistics (Hyndman
/// and Fan 1996, type 7).
LatencySummary summarise(std::span<const double> milliseconds);
/// The q-quantile (0..1) of sorted values, type 7.
double quantile(std::span<const double> sorted, double q);
/// 95 % confidence interval of the median from order statistics, free of assumptions on the distribution
/// (J.-Y. Le Boudec, "Performance Evaluation of Computer and Communication Systems", 2010, section 2.2).  For
/// fewer than six values no such interval exists: the whole range.
Interval median_interval(std::span<const double> sorted);

/// When a benchmark has run for long enough.
struct StabilityOptions {
  double relative_width =
      0.01;  ///< of the median's confidence interval, half of it, and between halves of the run
  size_t min_runs = 30, max_runs = 100000;
  double min_seconds = 0.2, max_seconds = 10;
};
enum class Stability {
  running,  ///< go on
  stable,   ///< the median is known to relative_width
  limited,  ///< time or runs used up before that
};
/// Judges the runs so far, in the order they were made.  Besides a narrow interval it asks that the medians
/// of the first and second half agree, because the interval assumes independent runs and would not see a
/// drift.
Stability judge(std::span<const double> milliseconds, double elapsed_seconds,
                const StabilityOptions& options = {});

/// Outcome of two models on the same samples.
struct PairedOutcome {
  size_t samples = 0;
  double baseline = 0, candidate = 0;  ///< mean scores
  double drop = 0;                     ///< baseline - candidate
  Interval confidence;                 ///< 95 %, of the drop
  size_t lost = 0, gained = 0;         ///< samples on which the candidate scores lower / higher
  bool exact = false;                  ///< all scores are 0 or 1
  double spread = 1;                   ///< how far apart two scores can lie
  double deviation = 0;                ///< standard deviation of the differences
};
/// Compares per-sample scores (higher is better, same sample at the same index).  Scores that are all 0 or 1
/// take Tango's score interval, others the paired t interval, widened where few samples differ: a loss that
/// was not seen in n samples has a rate below 3/n with 95 % confidence (rule of three), each at most as large
/// as `spread`, which is Metric::spread(): what was seen cannot tell it, as equal scores lie nowhere apart.
/// Throws invalid_argument for different lengths or scores that are not finite, data for no samples.
PairedOutcome compare_paired(std::span<const double> baseline, std::span<const double> candidate,
                             double spread = 1);

/// 95 % score interval of the difference of paired proportions (lost - gained) / n (T. Tango, "Equivalence
/// test and confidence interval for the difference in proportions for the paired-sample design", Statistics
/// in Medicine 17, 1998).  Counts need not be whole: rates at another number of samples.
Interval tango_interval(double lost, double gained, double n);
/// The 97.5 % quantile of Student's t with `freedom` degrees.
double student_t(size_t freedom);

enum class Certificate {
  certified,        ///< the whole interval lies below the allowed drop
  too_little_data,  ///< the drop measured is allowed, but its interval reaches beyond
  missed,           ///< the drop measured is too large
};
std::string_view to_string(Certificate certificate);
/// `max_drop` in the unit of the scores (0.01: one point of accuracy).
Certificate certify(const PairedOutcome& outcome, double max_drop);
/// About how many samples that differ at the same rate would certify the drop; 0 where no number would.
size_t samples_needed(const PairedOutcome& outcome, double max_drop);

}  // namespace tenfold::measure
