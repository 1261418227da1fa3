// What `tenfold optimize` shows and stores.
#pragma once

#include <string>

#include "optimize/optimize.hpp"

namespace tenfold::report {

/// Where a result came from, for the proof.
struct Provenance {
  std::string model, data, calibration, metric;
  std::string model_sha256;
};

/// The table of candidates, what stayed FP32 and why, and the verdict.
std::string optimize_text(const optimize::Result& result, const optimize::Goal& goal);
/// The same as JSON with raw timings, per-sample changes and the machine (schema: docs/report.md).
std::string optimize_json(const optimize::Result& result, const optimize::Goal& goal,
                          const Provenance& provenance);

}  // namespace tenfold::report
