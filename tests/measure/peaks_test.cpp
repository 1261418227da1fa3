#include "measure/peaks.hpp"

#include <gtest/gtest.h>

#include "cpu/features.hpp"

namespace tenfold::measure {
namespace {

TEST(Peaks, ArePositiveOnEveryIsa) {
  for (const cpu::Isa isa : cpu::kAllIsas) {
    const kernels::Kernels* k = cpu::available(isa) ? kernels::table(isa) : nullptr;
    if (!k) continue;
    const Peaks p = measure_peaks(*k, 0.02);
    EXPECT_EQ(p.isa, k->name);
    EXPECT_GT(p.int8_gmacs, 0);
    EXPECT_GT(p.fp32_gmacs, 0);
    EXPECT_GT(p.read_gbytes, 0.1);
    EXPECT_GT(p.cached_gbytes, 0.1);
  }
}

}  // namespace
}  // namespace tenfold::measure
