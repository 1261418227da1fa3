// Declarations of every step maker in steps.inc.
#pragma once

#include "plan/step.hpp"

namespace tenfold::plan {

#define TENFOLD_STEP(op, kernel, make) std::unique_ptr<Step> make(const BuildContext& context, ir::NodeId id);
#include "plan/steps.inc"
#undef TENFOLD_STEP

}  // namespace tenfold::plan
