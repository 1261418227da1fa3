// How a matrix product is divided among threads.
#pragma once

#include <algorithm>
#include <span>
#include <vector>

#include "base/thread_pool.hpp"
#include "plan/step.hpp"

namespace tenfold::plan {

/// Rows are split while every thread gets enough of them to fill register tiles; otherwise channels are, at
/// panel boundaries.  Both give the same bytes.
struct GemmSplit {
  int parts = 1;
  bool by_rows = true;
  std::vector<int64_t> panels;  ///< first channel of every panel, and the channel count at the end

  /// What to split where rows are too few for tiles of full height: whatever there is more of, or channels,
  /// where reading all weights in every thread costs more than that.
  enum class FewRows { more, channels };

  /// `macs`: work of the whole product; below kForkMacs a fork costs more than it saves.
  GemmSplit(const BuildContext& b, int64_t rows, std::vector<int64_t> panel_starts, double macs,
            FewRows few = FewRows::more)
      : panels(std::move(panel_starts)) {
    constexpr double kForkMacs = 200e3;  // about 2 us of INT8 work on one core; a fork and join takes 1 to 2
    constexpr int64_t kRows = 24;
    const auto count = static_cast<int64_t>(panels.size()) - 1;
    if (b.threads <= 1) return;
    if (b.split == Split::automatic) {
      if (macs < kForkMacs) return;
      by_rows = rows >= kRows * b.threads || (few == FewRows::more ? rows >= count : count == 1);
    } else {
      by_rows = b.split == Split::rows;
    }
    parts = static_cast<int>(std::min<int64_t>(b.threads, by_rows ? rows : count));
  }
  Range rows(int64_t m, int part) const { return by_rows ? split(m, part, parts) : Range{0, m}; }
  Range channels(int part) const {
    const auto count = static_cast<int64_t>(panels.size()) - 1;
    const Range p = by_rows ? Range{0, count} : split(count, part, parts);
    return {panels[static_cast<size_t>(p.begin)], panels[static_cast<size_t>(p.end)]};
  }
};

/// Panel starts of packed FP32 weights, and n.
template <class Packed>
std::vector<int64_t> panel_starts(const Packed& w) {
  std::vector<int64_t> starts = w.panel_channel;
  if (starts.empty() || starts.back() != w.n) starts.push_back(w.n);
  return starts;
}

/// Panel starts 0, width, 2 * width, ... and n.
inline std::vector<int64_t> even_panels(int64_t n, int64_t width) {
  std::vector<int64_t> starts;
  for (int64_t c = 0; c < n; c += width) starts.push_back(c);
  starts.push_back(n);
  return starts;
}

}  // namespace tenfold::plan
