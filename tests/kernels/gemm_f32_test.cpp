// FP32 matrix products against the scalar reference, on random shapes with tails of every kind.
#include <fmt/format.h>

#include "kernels/f32_common.hpp"

namespace tenfold::kernels::test {
namespace {

PackedF32 pack(const Kernels& k, const std::vector<float>& w, int64_t n, int64_t taps, int64_t depth,
               const std::vector<float>& bias) {
  return pack_gemm_f32(k.layout, w.data(), n, taps, depth, bias.empty() ? nullptr : bias.data());
}

struct GemmShape {
  int64_t m, k, n;
};

void check_direct(GemmShape s, Random& r) {
  const int64_t lda = s.k + r.in(0, 3), ldc = s.n + r.in(0, 3), ldr = s.n + r.in(0, 3);
  const auto a = r.floats((s.m - 1) * lda + s.k), w = r.floats(s.n * s.k),
             residual = r.floats((s.m - 1) * ldr + s.n);
  const auto bias = r.coin() ? r.floats(s.n) : std::vector<float>();
  const bool add = r.coin();
  const auto act = gentle_activation(r);
  const auto run = [&](const Kernels& k, bool halves) {
    const PackedF32 packed = pack(k, w, s.n, 1, s.k, bias);
    std::vector<float> c(static_cast<size_t>(s.m * ldc), kUntouched);
    GemmF32 g;
    g.w = &packed, g.a = a.data(), g.lda = lda, g.m = s.m, g.c = c.data(), g.ldc = ldc;
    if (add) g.residual = residual.data(), g.ld_residual = ldr;
    g.activation = act.a, g.lo = act.lo, g.hi = act.hi;
    const int64_t split = halves ? packed.panel_channel[packed.panel_channel.size() / 2] : 0;
    g.n_begin = 0, g.n_end = split;
    if (split) k.gemm_f32(g);
    g.n_begin = split, g.n_end = s.n;
    k.gemm_f32(g);
    return c;
  };
  const auto want = run(reference(), false);
  for (const Kernels* k : f32_tables())
    expect_close(run(*k, r.coin()), want, 3e-6 * std::sqrt(double(s.k)) + 1e-6,
                 fmt::format("{} gemm {}x{}x{} activation {}", k->name, s.m, s.k, s.n, int(act.a)));
}

TEST(GemmF32, EveryRowAndColumnTail) {
  Random r(1);
  for (int64_t m = 1; m <= 30; m++) check_direct({m, r.in(1, 40), r.in(1, 100)}, r);
  for (int64_t n = 1; n <= 100; n++) check_direct({r.in(1, 40), r.in(1, 40), n}, r);
}

TEST(GemmF32, RandomShapes) {
  Random r(2);
  for (int i = 0; i < 60; i++) check_direct({r.in(1, 200), r.in(1, 300), r.in(1, 200)}, r);
  check_direct({1500, 700, 33}, r);  // more than one block of rows
}

TEST(GemmF32, IndirectWithTapsAndOffset) {
  Random r(3);
  for (int i = 0; i < 60; i++) {
    const int64_t m = r.in(1, 50), k = r.in(1, 40), n = r.in(1, 80), taps = r.in(1, 9), pixels = r.in(1, 60);
    const int64_t offset = r.in(0, 5), pixel = k + offset;
    const auto image = r.floats(pixels * pixel), w = r.floats(n * taps * k), bias = r.floats(n);
    const std::vector<float> zeros(static_cast<size_t>(pixel), 0.0f);
    const int64_t stride = m + r.in(0, 4);
    std::vector<const float*> rows(static_cast<size_t>(taps * stride), nullptr);
    for (auto& p : rows) p = r.in(0, 5) ? image.data() + r.in(0, pixels - 1) * pixel : zeros.data();
    const auto act = gentle_activation(r);
    const auto run = [&](const Kernels& table) {
      const PackedF32 packed = pack(table, w, n, taps, k, bias);
      std::vector<float> c(static_cast<size_t>(m * n), kUntouched);
      GemmF32 g;
      g.w = &packed, g.indirect = rows.data(), g.indirect_stride = stride, g.a_offset = offset;
      g.m = m, g.n_end = n, g.c = c.data(), g.ldc = n;
      g.activation = act.a, g.lo = act.lo, g.hi = act.hi;
      table.gemm_f32(g);
      return c;
    };
    const auto want = run(reference());
    for (const Kernels* table : f32_tables())
      expect_close(run(*table), want, 3e-6 * std::sqrt(double(k * taps)) + 1e-6,
                   fmt::format("{} indirect m {} k {} n {} taps {}", table->name, m, k, n, taps));
  }
}

TEST(GemmF32, ResidualMayBeTheOutput) {
  Random r(4);
  const int64_t m = 37, k = 19, n = 43;
  const auto a = r.floats(m * k), w = r.floats(n * k), c0 = r.floats(m * n);
  const auto run = [&](const Kernels& table) {
    const PackedF32 packed = pack(table, w, n, 1, k, {});
    auto c = c0;
    GemmF32 g;
    g.w = &packed, g.a = a.data(), g.lda = k, g.m = m, g.n_end = n, g.c = c.data(), g.ldc = n;
    g.residual = c.data(), g.ld_residual = n;
    table.gemm_f32(g);
    return c;
  };
  const auto want = run(reference());
  for (const Kernels* table : f32_tables()) expect_close(run(*table), want, 2e-5, table->name);
}

TEST(GemmF32, Dynamic) {
  Random r(5);
  for (int i = 0; i < 120; i++) {
    const int64_t m = r.in(1, 60), k = r.in(1, 90), n = r.in(1, 90);
    const bool transposed = r.coin();
    const int64_t lda = k + r.in(0, 3), ldb = (transposed ? k : n) + r.in(0, 3), ldc = n + r.in(0, 3);
    const auto a = r.floats((m - 1) * lda + k);
    const auto b = r.floats(transposed ? (n - 1) * ldb + k : (k - 1) * ldb + n);
    const float alpha = r.coin() ? 1.0f : 0.125f;
    const auto run = [&](const Kernels& table) {
      std::vector<float> c(static_cast<size_t>((m - 1) * ldc + n), kUntouched);
      std::vector<std::byte> scratch(gemm_dynamic_f32_scratch(table.layout, n, k));
      table.gemm_dynamic_f32({.a = a.data(),
                              .lda = lda,
                              .b = b.data(),
                              .ldb = ldb,
                              .b_transposed = transposed,
                              .c = c.data(),
                              .ldc = ldc,
                              .m = m,
                              .n = n,
                              .k = k,
                              .alpha = alpha,
                              .scratch = scratch.data()});
      return c;
    };
    const auto want = run(reference());
    for (const Kernels* table : f32_tables())
      expect_close(run(*table), want, 3e-6 * std::sqrt(double(k)) + 1e-6,
                   fmt::format("{} dynamic {}x{}x{} transposed {}", table->name, m, k, n, transposed));
  }
}

TEST(GemmF32, NanReachesTheOutput) {
  for (const Kernels* table : f32_tables()) {
    const std::vector<float> w(16, 1.0f), a{1, NAN, 2, 3};
    const PackedF32 packed = pack(*table, w, 4, 1, 4, {});
    std::vector<float> c(4);
    GemmF32 g;
    g.w = &packed, g.a = a.data(), g.lda = 4, g.m = 1, g.n_end = 4, g.c = c.data(), g.ldc = 4;
    for (Activation f : {Activation::none, Activation::clamp, Activation::silu}) {
      g.activation = f, g.hi = 6;
      table->gemm_f32(g);
      for (float x : c) EXPECT_TRUE(std::isnan(x)) << table->name;
    }
  }
}

}  // namespace
}  // namespace tenfold::kernels::test
