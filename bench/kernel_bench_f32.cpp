// FP32 rows.
#include <fmt/format.h>

#include <algorithm>

#include "bench/kernel_bench.hpp"

namespace tenfold::bench {
namespace {

using namespace kernels;

std::vector<float> floats(Bytes& bytes, size_t n) {
  std::vector<float> v(n);
  for (auto& x : v) x = float(int(bytes.next() % 2001) - 1000) * 0.001f;
  return v;
}

struct GemmData {
  PackedF32 w;
  std::vector<float> a, c;
  GemmF32 g;
};

void add_gemm(std::vector<Row>& rows, int64_t m, int64_t k, int64_t n) {
  Row r;
  r.kernel = "gemm_f32";
  r.shape = fmt::format("{}x{}x{}", m, k, n);
  r.work = Work::mac_f32;
  r.amount = double(m * k * n);
  r.tolerance = 1e-5f;
  r.prepare = [=](const Kernels& kernels) -> Ready {
    auto d = std::make_shared<GemmData>();
    Bytes bytes;
    d->a = floats(bytes, size_t(m * k));
    const auto w = floats(bytes, size_t(n * k)), bias = floats(bytes, size_t(n));
    d->w = pack_gemm_f32(kernels.layout, w.data(), n, 1, k, bias.data());
    d->c.resize(size_t(m * n));
    d->g.w = &d->w, d->g.a = d->a.data(), d->g.lda = k, d->g.m = m, d->g.n_end = n, d->g.c = d->c.data(), d->g.ldc = n;
    return {[d, &kernels] { kernels.gemm_f32(d->g); }, [d] { return d->c; }};
  };
  rows.push_back(std::move(r));
}

}  // namespace

void add_f32_rows(std::vector<Row>& rows) {
  add_gemm(rows, 12544, 16, 96);
  add_gemm(rows, 784, 32, 192);
  add_gemm(rows, 49, 960, 320);
  add_gemm(rows, 196, 1024, 256);
}

}  // namespace tenfold::bench
