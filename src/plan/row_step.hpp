// Steps that compute their output some rows at a time: what a chain of them in strips is made of.
#pragma once

#include "plan/step.hpp"

namespace tenfold::plan {

/// Calls compute(image, rows of that image) for `rows`, which count over a batch of images of `height` rows.
template <class F>
void each_image(Range rows, int64_t height, const F& compute) {
  for (int64_t row = rows.begin; row < rows.end;) {
    const int64_t first = row % height, last = std::min(height, first + rows.end - row);
    compute(row / height, Range{first, last});
    row += last - first;
  }
}

class RowStep : public Step {
 public:
  /// Computes output positions `pixels`, counted over the batch, on the calling thread: whole rows of the
  /// image.  Neither other rows of the output nor input rows that these do not read have to be in memory.
  /// Only for steps built for one thread; `context.scratch` has their scratch_bytes().
  virtual void run_rows(const RunContext& context, Range pixels) const = 0;
};

}  // namespace tenfold::plan
