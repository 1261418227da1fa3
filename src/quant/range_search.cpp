// Entropy and MSE range selection: both score candidate ranges on the histogram through prefix sums, so that
// one candidate costs 256 steps whatever the number of bins.
#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

#include "quant/statistics.hpp"

namespace tenfold::quant {

/// Scores ranges that are given as bin edges [first, last) around the edge of zero.
class RangeSearch {
 public:
  explicit RangeSearch(const Statistics& s) : s_(s) {
    while (s.bins_[static_cast<size_t>(first_)] == 0) first_++;
    while (s.bins_[static_cast<size_t>(last_ - 1)] == 0) last_--;
    first_ = std::min(first_, kZero);
    last_ = std::max(last_, kZero);
    for (int i = 0; i < kBins; i++) {
      const auto c = static_cast<double>(s.bins_[static_cast<size_t>(i)]);
      const double x = i + 0.5 - kZero;
      const auto at = static_cast<size_t>(i);
      sums_[at + 1] = {sums_[at].mass + c, sums_[at].used + (c > 0), sums_[at].log + c_log_c(c),
                       sums_[at].first + c * x, sums_[at].second + c * x * x};
    }
  }

  enum class Score { entropy, mse };

  /// The best of a grid: both ends scaled together first, then each end on its own until nothing improves.
  Range best(Score score) const {
    Candidate best{first_, last_, evaluate(score, first_, last_)};
    const auto consider = [&](int a, int b) {
      if (b - a < kMinBins) return;
      const double value = evaluate(score, a, b);
      if (value < best.value) best = {a, b, value};
    };
    const auto scaled = [](int edge, int step) {
      return kZero + static_cast<int>(int64_t{edge - kZero} * step / kGrid);
    };
    for (int step = 1; step < kGrid; step++) consider(scaled(first_, step), scaled(last_, step));
    for (int round = 0; round < 3; round++) {
      const Candidate before = best;
      for (int step = 0; step <= kGrid; step++) consider(before.a, scaled(last_, step));
      const int b = best.b;
      for (int step = 0; step <= kGrid; step++) consider(scaled(first_, step), b);
      if (best.value >= before.value) break;
    }
    return {std::max(s_.lo_, static_cast<float>(s_.edge(best.a))),
            std::min(s_.hi_, static_cast<float>(s_.edge(best.b)))};
  }

 private:
  static constexpr int kBins = Statistics::kBins;
  static constexpr int kZero = kBins / 2;
  static constexpr int kLevels = 256;
  static constexpr int kGrid = 128;
  /// Two bins a level: with fewer the histogram knows less than the quantized form and every score is zero.
  static constexpr int kMinBins = 2 * kLevels;
  static constexpr double kCoherent = 9;
  struct Sums {
    double mass = 0, used = 0, log = 0, first = 0, second = 0;
  };
  struct Candidate {
    int a, b;
    double value;
  };

  static double c_log_c(double c) { return c > 0 ? c * std::log(c) : 0.0; }
  const Sums& at(int edge) const { return sums_[static_cast<size_t>(edge)]; }

  double evaluate(Score score, int a, int b) const {
    return score == Score::mse ? mse(a, b) : divergence(a, b);
  }

  /// Calls f(begin, end) for the bins that round to each level of [a, b].
  template <class F>
  void for_levels(int a, int b, F&& f) const {
    const double step = static_cast<double>(b - a) / (kLevels - 1);
    int begin = a;
    for (int level = 0; level < kLevels; level++) {
      const int end = level == kLevels - 1 ? b : a + static_cast<int>(std::lround((level + 0.5) * step));
      f(begin, end);
      begin = end;
    }
  }

  /// Squared error in bins squared on the grid that activation_params() makes of [a, b], where zero is a
  /// level: rounding inside, clipping outside.  To it comes the squared mean error, times what a kernel of
  /// kCoherent taps of one sign makes of it: where most values lie near one number other than zero
  /// (HardSwish + c at rest) and that number is no level, all of them err alike and nothing averages out.
  /// On PP-OCRv4 rec that was nine tenths of the error that depthwise inputs made: MinMax 0.079 of the
  /// output's energy, with a level at c 0.008.
  double mse(int a, int b) const {
    const double scale = static_cast<double>(b - a) / (kLevels - 1),
                 zero = std::nearbyint((kZero - a) / scale);
    double square = 0, mean = 0;
    int begin = 0;
    for (int level = 0; level < kLevels; level++) {
      const double centre = (level - zero) * scale;
      const auto border = kZero + static_cast<int>(std::lround(centre + scale / 2));
      const int end = level == kLevels - 1 ? kBins : std::clamp(border, begin, kBins);
      const Sums &lo = at(begin), &hi = at(end);
      const double mass = hi.mass - lo.mass, first = hi.first - lo.first;
      square += (hi.second - lo.second) - 2 * centre * first + centre * centre * mass;
      mean += first - centre * mass;
      begin = end;
    }
    return square + (kCoherent - 1) * mean * mean / static_cast<double>(s_.count_);
  }

  /// KL(P || Q) as in S. Migacz, "8-bit Inference with TensorRT" (GTC 2017): P is the histogram with what is
  /// clipped added to its outer bins; Q has 256 levels, each spread evenly over the bins that P fills,
  /// without what is clipped.  An outer level that nothing but what is clipped fills has half a count in Q.
  /// Both sum to 1, so that clipping half of all values never pays.
  double divergence(int a, int b) const {
    const double inside = at(b).mass - at(a).mass, all = at(kBins).mass;
    if (inside <= 0) return std::numeric_limits<double>::infinity();
    const double below = at(a).mass, above = all - at(b).mass;
    const auto bin = [&](int i) { return at(i + 1).mass - at(i).mass; };
    double p_log_p = at(b).log - at(a).log;
    p_log_p += c_log_c(bin(a) + below) - c_log_c(bin(a)) + c_log_c(bin(b - 1) + above) - c_log_c(bin(b - 1));
    double p_log_q = 0, sum_q = 0;
    for_levels(a, b, [&](int begin, int end) {
      const double inner = at(end).mass - at(begin).mass;
      double p = inner, used = at(end).used - at(begin).used;
      const auto add_clipped = [&](double mass, int outer) {
        p += mass;
        used += mass > 0 && bin(outer) == 0;
      };
      if (begin == a) add_clipped(below, a);
      if (end == b) add_clipped(above, b - 1);
      if (p <= 0) return;
      const double q = inner > 0 ? inner : 0.5;
      p_log_q += p * std::log(q / used);
      sum_q += q;
    });
    return (p_log_p - p_log_q) / all - std::log(all) + std::log(sum_q);
  }

  const Statistics& s_;
  int first_ = 0, last_ = kBins;
  std::vector<Sums> sums_ = std::vector<Sums>(kBins + 1);
};

Range Statistics::entropy() const {
  return bins_.empty() ? minmax() : RangeSearch(*this).best(RangeSearch::Score::entropy);
}
Range Statistics::mse() const {
  return bins_.empty() ? minmax() : RangeSearch(*this).best(RangeSearch::Score::mse);
}

}  // namespace tenfold::quant
