// Steps that compute their output some rows at a time: what a chain of them in strips is made of.
#pragma once

#include "plan/step.hpp"

namespace tenfold::plan {

class RowStep : public Step {
 public:
  /// Computes output positions `pixels`, counted over the batch, on the calling thread: whole rows of the
  /// image.  Neither other rows of the output nor input rows that these do not read have to be in memory.
  /// Only for steps built for one thread; `context.scratch` has their scratch_bytes().
  virtual void run_rows(const RunContext& context, Range pixels) const = 0;
};

}  // namespace tenfold::plan
