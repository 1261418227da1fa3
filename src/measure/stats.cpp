#include "measure/stats.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "base/error.hpp"

namespace tenfold::measure {

namespace {
constexpr double kZ95 = 1.959963984540054;  // 97.5 % quantile of the normal distribution

/// Tango's statistic for the hypothesis that the difference is `delta`: falls from + to - as delta grows.
double tango_statistic(double lost, double gained, double n, double delta) {
  // Maximum-likelihood estimate of the rate of `gained` under the hypothesis: the positive root of a
  // quadratic.
  const double b = -lost - gained + (2 * n - lost + gained) * delta;
  const double c = -gained * delta * (1 - delta);
  const double rate = (std::sqrt(std::max(0.0, b * b - 8 * n * c)) - b) / (4 * n);
  const double variance = n * (2 * rate + delta * (1 - delta));
  const double numerator = lost - gained - n * delta;
  if (variance <= 0)
    return numerator == 0 ? 0 : std::copysign(std::numeric_limits<double>::infinity(), numerator);
  return numerator / std::sqrt(variance);
}

/// Where the falling function f crosses `level` in [lo, hi].
template <class F>
double cross(F&& f, double level, double lo, double hi) {
  for (int i = 0; i < 80; i++) {
    const double mid = (lo + hi) / 2;
    (f(mid) > level ? lo : hi) = mid;
  }
  return (lo + hi) / 2;
}
}  // namespace

Interval tango_interval(double lost, double gained, double n) {
  if (!(n > 0)) fail(ErrorCode::data, "a confidence interval needs samples");
  const auto statistic = [&](double delta) { return tango_statistic(lost, gained, n, delta); };
  const double centre = (lost - gained) / n;
  return {cross(statistic, kZ95, -1.0, centre), cross(statistic, -kZ95, centre, 1.0)};
}

double student_t(size_t freedom) {
  ensure(freedom > 0, "t distribution with no degree of freedom");
  // Exact small values; from there the Cornish-Fisher expansion (Abramowitz and Stegun 26.7.5) is right to
  // 1e-4.
  constexpr double kSmall[] = {12.7062, 4.3027, 3.1824, 2.7764, 2.5706,
                               2.4469,  2.3646, 2.3060, 2.2622, 2.2281};
  if (freedom <= std::size(kSmall)) return kSmall[freedom - 1];
  const auto v = static_cast<double>(freedom);
  const double z = kZ95, z3 = z * z * z, z5 = z3 * z * z, z7 = z5 * z * z;
  return z + (z3 + z) / (4 * v) + (5 * z5 + 16 * z3 + 3 * z) / (96 * v * v) +
         (3 * z7 + 19 * z5 + 17 * z3 - 15 * z) / (384 * v * v * v);
}

namespace {
/// The interval that `n` samples would give which differ as those of `o` do.
Interval interval_of(const PairedOutcome& o, size_t n) {
  const auto count = static_cast<double>(n);
  const double scale = count / static_cast<double>(o.samples);
  if (o.exact)
    return tango_interval(scale * static_cast<double>(o.lost), scale * static_cast<double>(o.gained), count);
  // The t interval, at least as wide as losses or gains make it that n samples need not have shown.
  const double unseen = std::min(1.0, 3.0 / count) * o.spread;
  const double half = n < 2 ? o.spread : std::max(unseen, student_t(n - 1) * o.deviation / std::sqrt(count));
  return {o.drop - half, o.drop + half};
}
}  // namespace

PairedOutcome compare_paired(std::span<const double> baseline, std::span<const double> candidate,
                             double spread) {
  if (baseline.size() != candidate.size())
    fail(ErrorCode::invalid_argument, "{} baseline scores and {} candidate scores cannot be paired",
         baseline.size(), candidate.size());
  if (baseline.empty()) fail(ErrorCode::data, "the evaluation data set is empty: give at least one sample");
  PairedOutcome o{.samples = baseline.size(), .exact = spread <= 1};
  double lowest = baseline[0], highest = baseline[0];
  for (size_t i = 0; i < baseline.size(); i++) {
    for (double s : {baseline[i], candidate[i]}) {
      if (!std::isfinite(s)) fail(ErrorCode::invalid_argument, "the score of sample {} is not finite", i);
      o.exact = o.exact && (s == 0 || s == 1);
      lowest = std::min(lowest, s);
      highest = std::max(highest, s);
    }
    o.baseline += baseline[i];
    o.candidate += candidate[i];
    o.lost += candidate[i] < baseline[i];
    o.gained += candidate[i] > baseline[i];
  }
  const auto n = static_cast<double>(o.samples);
  o.baseline /= n;
  o.candidate /= n;
  o.drop =
      o.exact ? (static_cast<double>(o.lost) - static_cast<double>(o.gained)) / n : o.baseline - o.candidate;
  o.spread = std::max(spread, highest - lowest);
  double square = 0;
  for (size_t i = 0; i < baseline.size(); i++) {
    const double off = baseline[i] - candidate[i] - o.drop;
    square += off * off;
  }
  if (o.samples > 1) o.deviation = std::sqrt(square / (n - 1));
  o.confidence = interval_of(o, o.samples);
  return o;
}

std::string_view to_string(Certificate certificate) {
  switch (certificate) {
    case Certificate::certified:
      return "certified";
    case Certificate::too_little_data:
      return "too little data";
    case Certificate::missed:
      return "missed";
  }
  return "?";
}

Certificate certify(const PairedOutcome& outcome, double max_drop) {
  if (outcome.drop >= max_drop) return Certificate::missed;
  return outcome.confidence.hi < max_drop ? Certificate::certified : Certificate::too_little_data;
}

size_t samples_needed(const PairedOutcome& outcome, double max_drop) {
  if (outcome.drop >= max_drop) return 0;
  constexpr size_t kMost = size_t{1} << 50;  // nobody has them
  // The upper end falls as samples are added: as 1 / n while none of them changes, later as 1 / sqrt(n).
  const auto enough = [&](size_t n) { return interval_of(outcome, n).hi < max_drop; };
  size_t high = 1;
  while (high < kMost && !enough(high)) high *= 2;
  size_t low = high / 2;
  while (low + 1 < high) {
    const size_t mid = low + (high - low) / 2;
    (enough(mid) ? high : low) = mid;
  }
  return high;
}

double quantile(std::span<const double> sorted, double q) {
  ensure(!sorted.empty(), "quantile of nothing");
  const double at = q * static_cast<double>(sorted.size() - 1);
  const auto below = static_cast<size_t>(at);
  const size_t above = std::min(below + 1, sorted.size() - 1);
  return sorted[below] + (at - static_cast<double>(below)) * (sorted[above] - sorted[below]);
}

LatencySummary summarise(std::span<const double> milliseconds) {
  if (milliseconds.empty()) fail(ErrorCode::invalid_argument, "a latency summary needs at least one run");
  std::vector<double> sorted(milliseconds.begin(), milliseconds.end());
  std::sort(sorted.begin(), sorted.end());
  double sum = 0;
  for (double v : sorted) sum += v;
  LatencySummary s;
  s.runs = sorted.size();
  s.min = sorted.front();
  s.max = sorted.back();
  s.mean = sum / static_cast<double>(s.runs);
  s.median = quantile(sorted, 0.5);
  s.p90 = quantile(sorted, 0.9);
  s.p99 = quantile(sorted, 0.99);
  s.throughput = s.mean > 0 ? 1000.0 / s.mean : 0;
  return s;
}

Interval median_interval(std::span<const double> sorted) {
  ensure(!sorted.empty(), "median of nothing");
  const auto n = static_cast<double>(sorted.size());
  const double half = kZ95 * std::sqrt(n) / 2;
  const double first = std::floor(n / 2 - half), last = std::ceil(n / 2 + half + 1);  // ranks from 1
  if (sorted.size() < 6 || first < 1 || last > n) return {sorted.front(), sorted.back()};
  return {sorted[static_cast<size_t>(first) - 1], sorted[static_cast<size_t>(last) - 1]};
}

Stability judge(std::span<const double> milliseconds, double elapsed_seconds,
                const StabilityOptions& options) {
  const Stability enough = elapsed_seconds >= options.max_seconds || milliseconds.size() >= options.max_runs
                               ? Stability::limited
                               : Stability::running;
  if (milliseconds.size() < std::max<size_t>(options.min_runs, 6) || elapsed_seconds < options.min_seconds)
    return enough;
  const auto sorted_copy = [](std::span<const double> v) {
    std::vector<double> s(v.begin(), v.end());
    std::sort(s.begin(), s.end());
    return s;
  };
  const auto all = sorted_copy(milliseconds);
  const double tolerance = options.relative_width * quantile(all, 0.5);
  const Interval interval = median_interval(all);
  const size_t half = milliseconds.size() / 2;
  const double drift = quantile(sorted_copy(milliseconds.first(half)), 0.5) -
                       quantile(sorted_copy(milliseconds.subspan(half)), 0.5);
  if ((interval.hi - interval.lo) / 2 <= tolerance && std::fabs(drift) <= 2 * tolerance)
    return Stability::stable;
  return enough;
}

}  // namespace tenfold::measure
