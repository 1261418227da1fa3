// The memory planner: lifetimes to arena offsets.
#include <algorithm>
#include <numeric>

#include "base/math.hpp"
#include "plan/plan.hpp"

namespace tenfold::plan {

size_t assign_offsets(std::vector<Buffer>& buffers) {
  std::vector<size_t> order(buffers.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::stable_sort(order.begin(), order.end(),
                   [&](size_t a, size_t b) { return buffers[a].bytes > buffers[b].bytes; });
  std::vector<size_t> placed;  // by offset
  size_t total = 0;
  // What overlaps all at once may be more than can be addressed: the sum then stays where allocating it
  // fails.
  constexpr size_t kTooMuch = SIZE_MAX / 4;
  for (size_t i : order) {
    Buffer& b = buffers[i];
    size_t offset = 0;
    for (size_t j : placed) {
      const Buffer& other = buffers[j];
      if (other.last < b.first || other.first > b.last) continue;
      if (offset + b.bytes <= other.offset) break;
      offset = std::min(std::max(offset, other.offset + other.bytes), kTooMuch);
    }
    b.offset = offset;
    total = std::max(total, offset + b.bytes);
    placed.insert(std::upper_bound(placed.begin(), placed.end(), i,
                                   [&](size_t x, size_t y) { return buffers[x].offset < buffers[y].offset; }),
                  i);
  }
  return total;
}

}  // namespace tenfold::plan
