#include "quant/statistics.hpp"

#include <algorithm>
#include <bit>
#include <cmath>

namespace tenfold::quant {

namespace {
constexpr std::pair<Method, std::string_view> kMethods[] = {{Method::minmax, "minmax"},
                                                            {Method::percentile, "percentile"},
                                                            {Method::entropy, "entropy"},
                                                            {Method::mse, "mse"}};

/// Below this magnitude everything falls in the innermost bins.
constexpr int kMinExponent = -60;
}  // namespace

std::string_view to_string(Method method) {
  for (const auto& [m, name] : kMethods)
    if (m == method) return name;
  return "?";
}

Method method_from_string(std::string_view name) {
  for (const auto& [m, known] : kMethods)
    if (known == name) return m;
  fail(ErrorCode::invalid_argument, "unknown calibration method '{}': use minmax, percentile, entropy or mse",
       name);
}

double Statistics::width() const { return std::ldexp(1.0, exponent_ + 1) / kBins; }

void Statistics::widen(float limit) {
  if (limit == 0) return;
  int needed = 0;
  std::frexp(limit, &needed);  // limit < 2^needed
  needed = std::max(needed, kMinExponent);
  if (bins_.empty()) {
    bins_.assign(kBins, 0);
    exponent_ = needed;
  }
  // Merging pairs towards the middle, more than log2(kBins) times, would only leave the two middle bins.
  for (; exponent_ < needed; exponent_++) {
    std::vector<uint64_t> merged(kBins, 0);
    for (int i = 0; i < kBins / 2; i++)
      merged[static_cast<size_t>(kBins / 4 + i)] =
          bins_[static_cast<size_t>(2 * i)] + bins_[static_cast<size_t>(2 * i + 1)];
    bins_ = std::move(merged);
  }
}

bool Statistics::observe(std::span<const float> values) {
  if (values.empty()) return true;
  // One branch-free pass, so that the compiler vectorises it: range, and whether an exponent is all ones.
  float lo = values[0], hi = values[0];
  uint32_t worst = 0;
  for (const float v : values) {
    lo = v < lo ? v : lo;
    hi = v > hi ? v : hi;
    worst = std::max(worst, std::bit_cast<uint32_t>(v) & 0x7fffffffu);
  }
  if (worst >= 0x7f800000u) return false;
  lo_ = count_ ? std::min(lo_, lo) : lo;
  hi_ = count_ ? std::max(hi_, hi) : hi;
  count_ += values.size();
  if (!with_histogram_) return true;

  widen(std::max(-lo, hi));
  if (bins_.empty()) {
    zeros_ += values.size();
    return true;
  }
  const auto inverse = static_cast<float>(1.0 / width());  // a power of two: exact
  constexpr size_t kBlock = 1024;
  int32_t index[kBlock];
  for (size_t at = 0; at < values.size(); at += kBlock) {
    const size_t n = std::min(kBlock, values.size() - at);
    for (size_t i = 0; i < n; i++)
      index[i] = static_cast<int32_t>(std::floor(values[at + i] * inverse)) + kBins / 2;
    for (size_t i = 0; i < n; i++) {
      if (values[at + i] == 0)
        zeros_++;
      else
        bins_[static_cast<size_t>(std::clamp(index[i], 0, kBins - 1))]++;
    }
  }
  return true;
}

Range Statistics::percentile(double percent) const {
  if (!(percent > 50 && percent <= 100))
    fail(ErrorCode::invalid_argument, "percentile {} is outside (50, 100]", percent);
  if (bins_.empty()) return minmax();
  const double cut = static_cast<double>(count_) * (100.0 - percent) / 200.0;
  const auto mass = [&](int i) {
    return static_cast<double>(bins_[static_cast<size_t>(i)]) +
           (i == kBins / 2 ? static_cast<double>(zeros_) : 0.0);
  };
  int first = 0, last = kBins - 1;
  for (double below = mass(first); below <= cut && first < last; below += mass(++first)) {
  }
  for (double above = mass(last); above <= cut && last > first; above += mass(--last)) {
  }
  return {std::max(lo_, static_cast<float>(edge(first))), std::min(hi_, static_cast<float>(edge(last + 1)))};
}

Range Statistics::range(Method method, double percent) const {
  switch (method) {
    case Method::minmax:
      return minmax();
    case Method::percentile:
      return percentile(percent);
    case Method::entropy:
      return entropy();
    case Method::mse:
      return mse();
  }
  return minmax();
}

}  // namespace tenfold::quant
