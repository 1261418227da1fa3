// Patterns as data: a graph built by a few calls, and the operators that must be left of it.
#pragma once

#include "passes/pass_fixture.hpp"

namespace tenfold::test {

using Ints = std::vector<int64_t>;

struct PatternCase {
  const char* name;
  ValueId (*build)(Builder&);
  const char* left;  ///< operators afterwards
};

class Pattern : public testing::TestWithParam<PatternCase> {};

inline std::string pattern_name(const testing::TestParamInfo<PatternCase>& info) { return info.param.name; }

inline ValueId x4(Builder& b) { return b.input({2, 4, 3, 3}); }
inline ValueId mul(Builder& b, ValueId x, ValueId y) { return b.op("Mul", {x, y}); }
inline ValueId mul(Builder& b, ValueId x, float c) { return b.op("Mul", {x, b.scalar(c)}); }
inline ValueId div(Builder& b, ValueId x, float c) { return b.op("Div", {x, b.scalar(c)}); }
inline ValueId add(Builder& b, ValueId x, float c) { return b.op("Add", {x, b.scalar(c)}); }
inline ValueId pow(Builder& b, ValueId x, float c) { return b.op("Pow", {x, b.scalar(c)}); }
inline ValueId clip(Builder& b, ValueId x, float lo, float hi) {
  return b.op("Clip", {x, b.scalar(lo), b.scalar(hi)});
}
inline ValueId shifted_clip(Builder& b, ValueId x) { return clip(b, add(b, x, 3), 0, 6); }
inline ValueId transpose(Builder& b, ValueId x, Ints perm) {
  return b.op("Transpose", {x}, {{"perm", perm}});
}
inline ValueId reshape(Builder& b, ValueId x, Ints target) { return b.op("Reshape", {x, b.ints(target)}); }

}  // namespace tenfold::test
