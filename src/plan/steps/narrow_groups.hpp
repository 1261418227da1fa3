// Groups of a convolution that are narrower than a vector.
#pragma once

#include <algorithm>
#include <vector>

#include "ops/convolve.hpp"

namespace tenfold::plan {

/// Groups of fewer channels than a vector has lanes share one, with zeros where the weights of a group meet
/// the channels of another: as many products as one by one, but an eighth of everything else.  Returns how
/// many.
inline int64_t groups_together(const ops::Convolution& c, int lanes) {
  const int64_t width = std::max(c.channels, c.filters) / c.group;
  int64_t together = 1;
  for (int64_t n = 2; n * width <= lanes && n <= c.group; n++)
    if (c.group % n == 0) together = n;
  return together;
}

/// Weights [filters][channels / group][taps] with `together` groups in one.
template <class T>
std::vector<T> joined_groups(const T* w, const ops::Convolution& c, int64_t together) {
  const int64_t filters = c.filters / c.group, depth = c.channels / c.group * c.window.taps();
  std::vector<T> joined(static_cast<size_t>(c.filters * together * depth));
  for (int64_t f = 0; f < c.filters; f++)
    std::copy_n(w + f * depth, depth, joined.data() + (f * together + f / filters % together) * depth);
  return joined;
}

}  // namespace tenfold::plan
