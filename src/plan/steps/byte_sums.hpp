// What kernels that add up bytes can hold.
#pragma once

namespace tenfold::plan {

/// Whether 32 bits hold the sum of so many bytes.
inline bool sum_fits(double pixels) { return 255 * pixels < 2147483648.0; }

}  // namespace tenfold::plan
