#include "cpu/features.hpp"

#include <gtest/gtest.h>

namespace tenfold::cpu {
namespace {

TEST(Features, ReferenceIsAlwaysThere) { EXPECT_TRUE(available(Isa::ref)); }

TEST(Features, SelectionNeverFallsBackSilently) {
  EXPECT_EQ(select("ref"), Isa::ref);
  EXPECT_THROW(select("sse9"), Error);
  for (Isa isa : kAllIsas) {
    if (available(isa))
      EXPECT_EQ(select(to_string(isa)), isa);
    else
      EXPECT_THROW(select(to_string(isa)), Error);
  }
  EXPECT_TRUE(available(select("")));
}

TEST(Features, TilesComeOnTopOfAvx512) {
  EXPECT_TRUE(!available(Isa::amx) || available(Isa::avx512_vnni));
  EXPECT_EQ(available(Isa::amx), available(Isa::amx));  // permission is asked for once
}

TEST(Features, AtLeastOneCpu) { EXPECT_GE(allowed_cpus(), 1); }

}  // namespace
}  // namespace tenfold::cpu
