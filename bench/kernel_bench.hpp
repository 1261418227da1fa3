// Rows of the kernel microbenchmark: a kernel on a shape, to be run on every ISA, checked against `ref` and
// timed.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "kernels/kernels.hpp"

namespace tenfold::bench {

/// What a row's rate is a share of: dot products of bytes, FP32 multiply-adds, or bytes moved.
enum class Work { mac_u8, mac_f32, bytes };

/// A row made ready on one table: buffers filled (the same values on every table), weights packed.
struct Ready {
  std::function<void()> run;
  std::function<std::vector<float>()> result;  ///< of the last run
};

struct Row {
  std::string kernel, shape;
  Work work = Work::mac_u8;
  double amount = 0;    ///< multiply-adds or bytes of one run
  float tolerance = 0;  ///< allowed relative difference from `ref`; 0: bit-identical
  std::function<Ready(const kernels::Kernels&)> prepare;
};

void add_u8_rows(std::vector<Row>& rows);
void add_f32_rows(std::vector<Row>& rows);

/// Deterministic bytes.
struct Bytes {
  uint64_t state = 88172645463325252ull;
  uint32_t next() {
    state ^= state << 13, state ^= state >> 7, state ^= state << 17;
    return uint32_t(state >> 16);
  }
  template <class T>
  std::vector<T> make(size_t n) {
    std::vector<T> v(n);
    for (auto& x : v) x = T(next());
    return v;
  }
};

}  // namespace tenfold::bench
