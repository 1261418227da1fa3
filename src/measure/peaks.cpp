#include "measure/peaks.hpp"

#include <algorithm>
#include <chrono>
#include <numeric>
#include <vector>

#include "tensor/tensor.hpp"

namespace tenfold::measure {

namespace {

using Clock = std::chrono::steady_clock;

/// Work per second of the fastest call of `f` within `seconds` (at least three calls).
template <class F>
double best_rate(double work, double seconds, F&& f) {
  double best = 0;
  const auto start = Clock::now();
  for (int i = 0; i < 3 || std::chrono::duration<double>(Clock::now() - start).count() < seconds; i++) {
    const auto begin = Clock::now();
    f();
    const double took = std::chrono::duration<double>(Clock::now() - begin).count();
    if (took > 0) best = std::max(best, work / took);
  }
  return best;
}

// Rows are a multiple of every kernel's tile; the weights fit a second-level cache, a block of rows the
// first.
constexpr int64_t kRows = 96, kColumns = 256, kDepth = 512;
constexpr double kMacs = static_cast<double>(kRows * kColumns * kDepth);

double int8_rate(const kernels::Kernels& k, double seconds) {
  if (!k.gemm_u8) return 0;
  const std::vector<int8_t> weights(kColumns * kDepth, 3);
  const std::vector<kernels::QuantizedChannel> channels(kColumns, {0.001f, 0.0f});
  const kernels::PackedU8 packed =
      kernels::pack_gemm_u8(k.layout, weights.data(), kColumns, 1, kDepth, 128, channels);
  Tensor a(DType::u8, {kRows, kDepth}), c(DType::u8, {kRows, kColumns});
  std::fill_n(a.mutable_data<uint8_t>(), a.elements(), uint8_t{7});
  kernels::GemmU8 g;
  g.w = &packed;
  g.a = a.data<uint8_t>();
  g.lda = kDepth;
  g.m = kRows;
  g.n_end = kColumns;
  g.c = c.mutable_data<uint8_t>();
  g.ldc = kColumns;
  return best_rate(kMacs, seconds, [&] { k.gemm_u8(g); });
}

double fp32_rate(const kernels::Kernels& k, double seconds) {
  if (!k.gemm_f32) return 0;
  const std::vector<float> weights(kColumns * kDepth, 0.5f);
  const kernels::PackedF32 packed =
      kernels::pack_gemm_f32(k.layout, weights.data(), kColumns, 1, kDepth, nullptr);
  Tensor a(DType::f32, {kRows, kDepth}), c(DType::f32, {kRows, kColumns});
  std::fill_n(a.mutable_data<float>(), a.elements(), 1.0f);
  kernels::GemmF32 g;
  g.w = &packed;
  g.a = a.data<float>();
  g.lda = kDepth;
  g.m = kRows;
  g.n_end = kColumns;
  g.c = c.mutable_data<float>();
  g.ldc = kColumns;
  return best_rate(kMacs, seconds, [&] { k.gemm_f32(g); });
}

/// Bytes per second of sums over an array of this size, passed `passes` times per measurement.
double read_rate(size_t bytes, int passes, double seconds) {
  const std::vector<uint64_t> data(bytes / sizeof(uint64_t), 1);
  volatile uint64_t sink = 0;
  return best_rate(static_cast<double>(bytes) * passes, seconds, [&] {
    uint64_t sum = 0;
    for (int pass = 0; pass < passes; pass++)
      sum += std::reduce(data.begin(), data.end(), uint64_t{0}) ^ static_cast<uint64_t>(pass);
    sink = sink + sum;
  });
}

}  // namespace

Peaks measure_peaks(const kernels::Kernels& kernels, double seconds) {
  constexpr size_t kMemory = size_t{192} << 20, kCached = size_t{192} << 10;
  constexpr int kCachedPasses = 64;
  Peaks p;
  p.isa = kernels.name;
  p.int8_gmacs = int8_rate(kernels, seconds / 4) / 1e9;
  p.fp32_gmacs = fp32_rate(kernels, seconds / 4) / 1e9;
  p.read_gbytes = read_rate(kMemory, 1, seconds / 4) / 1e9;
  p.cached_gbytes = read_rate(kCached, kCachedPasses, seconds / 4) / 1e9;
  return p;
}

}  // namespace tenfold::measure
