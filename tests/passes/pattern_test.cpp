// The test behind every table of pattern cases.
#include "passes/pattern_cases.hpp"

namespace tenfold::test {

TEST_P(Pattern, becomes) {
  Builder b;
  b.output(GetParam().build(b));
  EXPECT_EQ(optimised(b.graph), GetParam().left);
}

}  // namespace tenfold::test
