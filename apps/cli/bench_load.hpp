// tenfold bench --load.
#pragma once

#include "command.hpp"

namespace tenfold::cli {

struct LoadOptions {
  int threads = 0;
  double seconds = 10;  ///< for each model, at least five runs
  Extents extents;
};

/// Loads and runs every model again and again, each time in a new process, and prints medians: milliseconds
/// until the session exists and until its first result, and the MB by which resident memory rose.
void bench_load(const std::vector<std::string>& models, const LoadOptions& options, const Globals& globals);

}  // namespace tenfold::cli
