#include "measure/peaks.hpp"

#include <gtest/gtest.h>

#include "cpu/features.hpp"

namespace tenfold::measure {
namespace {

TEST(Peaks, ArePositiveOnEveryIsa) {
  for (const cpu::Isa isa : cpu::kAllIsas) {
    if (!cpu::available(isa)) continue;
    const bool evex = isa == cpu::Isa::avx_vnni && !cpu::features().avx_vnni;
    const kernels::Kernels* k = evex ? kernels::table_avx_vnni_evex() : kernels::table(isa);
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
