// The engine as what calibration and correction run graphs with.
#pragma once

#include "quant/executor.hpp"

namespace tenfold::exec {

/// Makes a session of `threads` threads (0: as many as allowed) for every graph it is given.
quant::Compile native_compile(int threads);

}  // namespace tenfold::exec
