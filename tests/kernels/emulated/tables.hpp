// Kernel tables whose instructions are emulated: every CPU with AVX2 runs them, slowly.
#pragma once

#include <vector>

#include "kernels/kernels.hpp"

namespace tenfold::kernels::test {

#ifdef TENFOLD_EMULATED_ISA_TESTS
std::vector<const Kernels*> emulated_tables();
#else
inline std::vector<const Kernels*> emulated_tables() { return {}; }
#endif

}  // namespace tenfold::kernels::test
