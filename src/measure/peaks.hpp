// What one core of this machine can do: the limits that layers are compared with.
#pragma once

#include <string>

#include "kernels/kernels.hpp"

namespace tenfold::measure {

/// Rates that one core reached, best of several short runs; 0 where the ISA has no such kernel.
struct Peaks {
  std::string isa;
  double int8_gmacs = 0;  ///< 10^9 multiply-accumulates per second, u8 * s8
  double fp32_gmacs = 0;
  double read_gbytes = 0;    ///< 10^9 bytes per second read from memory
  double cached_gbytes = 0;  ///< ... from the second-level cache
};

/// Measures with the matrix kernels of `kernels` on operands that fit the caches, and with sums over large
/// and small arrays.  Takes about `seconds`.
Peaks measure_peaks(const kernels::Kernels& kernels, double seconds = 0.5);

}  // namespace tenfold::measure
