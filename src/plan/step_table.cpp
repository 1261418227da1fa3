#include <span>

#include "plan/steps/steps.hpp"

namespace tenfold::plan {

std::span<const StepMaker> step_makers() {
#define TENFOLD_STEP(op, kernel, make) {op, kernel, make},
  static constexpr StepMaker kMakers[] = {
#include "plan/steps.inc"
  };
#undef TENFOLD_STEP
  return kMakers;
}

}  // namespace tenfold::plan
