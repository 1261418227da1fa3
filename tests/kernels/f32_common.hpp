// What the tests of FP32 kernels share: the tables that this CPU can run, random data, comparison.
#pragma once

#include <gtest/gtest.h>

#include <cmath>
#include <cstdint>
#include <random>
#include <string>
#include <vector>

#include "kernels/emulated/tables.hpp"
#include "kernels/kernels.hpp"

namespace tenfold::kernels::test {

/// Every table that differs in FP32 and that this CPU runs, and emulations of others.
inline std::vector<const Kernels*> f32_tables() {
  std::vector<const Kernels*> tables;
#if defined(__x86_64__)
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) {
    for (const Kernels* k : emulated_tables())
      if (k->isa == Isa::avx512_vnni) tables.push_back(k);
    tables.push_back(table(Isa::avx2));
  }
  if (__builtin_cpu_supports("avx512vnni") && __builtin_cpu_supports("avx512vbmi"))
    tables.push_back(table(Isa::avx512_vnni));
#endif
  return tables;
}
inline const Kernels& reference() { return *table(Isa::ref); }

struct Random {
  std::mt19937 engine;
  explicit Random(uint32_t seed) : engine(seed) {}
  int64_t in(int64_t lo, int64_t hi) { return std::uniform_int_distribution<int64_t>(lo, hi)(engine); }
  bool coin() { return in(0, 1) == 1; }
  float normal() { return std::normal_distribution<float>()(engine); }
  std::vector<float> floats(int64_t n) {
    std::vector<float> v(static_cast<size_t>(n));
    for (float& x : v) x = normal();
    return v;
  }
};

struct ActivationCase {
  Activation a;
  float lo, hi;
};
/// An activation whose slope is at most about one, so that tolerances of sums carry over.
inline ActivationCase gentle_activation(Random& r) {
  static const ActivationCase cases[] = {{Activation::none, 0, 0},          {Activation::clamp, 0, 6},
                                         {Activation::clamp, 0, INFINITY},  {Activation::silu, 0, 0},
                                         {Activation::gelu, 0, 0},          {Activation::hard_swish, 0, 0},
                                         {Activation::leaky_relu, 0.1f, 0}, {Activation::tanh, 0, 0}};
  return cases[r.in(0, std::size(cases) - 1)];
}

/// A memory block whose bytes outside the rows written must stay as they were.
constexpr float kUntouched = 12345.75f;

/// got against want, where `tolerance` is absolute plus 2e-6 relative; elements that are kUntouched in `want`
/// must be so in `got`.
inline void expect_close(const std::vector<float>& got, const std::vector<float>& want, double tolerance,
                         const std::string& what) {
  ASSERT_EQ(got.size(), want.size()) << what;
  for (size_t i = 0; i < got.size(); i++) {
    if (std::isnan(want[i]) && std::isnan(got[i])) continue;
    if (want[i] == got[i]) continue;
    ASSERT_NE(want[i], kUntouched) << what << ": stored out of range at " << i;
    ASSERT_LE(std::abs(double(got[i]) - want[i]), tolerance + 2e-6 * std::abs(double(want[i])))
        << what << ": element " << i << " is " << got[i] << ", expected " << want[i];
  }
}

}  // namespace tenfold::kernels::test
