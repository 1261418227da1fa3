// The INT8 GEMM of every ISA against the scalar reference, bit for bit, and the reference against first
// principles.
#include <cmath>

#include "kernels/output_u8_case.hpp"

namespace tenfold::kernels::test {
namespace {

/// One random problem, runnable on any table.
struct GemmCase {
  int64_t m, n, k, taps, lda, a_offset;
  int x_zero;
  bool indirect;
  OutputCase output;
  std::vector<s8> weights;
  std::vector<QuantizedChannel> channels;
  std::vector<int64_t> offsets;  // of the rows of all taps
  std::vector<int32_t> init;
  Guarded<u8> a;

  GemmCase(Random& r, int64_t m_, int64_t n_, int64_t k_, int64_t taps_, bool indirect_)
      : m(m_),
        n(n_),
        k(k_),
        taps(taps_),
        lda(k_ + r.in(0, 9)),
        a_offset(indirect_ ? r.in(0, 9) : 0),
        x_zero(r.zero_point()),
        indirect(indirect_),
        output(r, m_, n_),
        weights(r.weights(size_t(n_ * k_ * taps_))),
        channels(r.channels(n_, k_ * taps_, output.extreme)),
        init(size_t(n_)),
        a(size_t((m_ - 1) * lda + a_offset + k_)) {
    if (r.in(0, 3) == 0) r.add_weight_offsets(channels, 127);
    // AVX2 sums small weights, four of at most 32, in another way than large ones.
    const int share = int(r.in(1, 4));
    for (s8& w : weights) w = s8(w / share);
    r.fill_bytes(a.data(), a.size());
    if (r.in(0, 3) == 0) std::fill_n(a.data(), a.size(), u8(255));
    r.fill_bytes(init.data(), init.size());
    for (int64_t t = 0; indirect && t < taps; ++t) {
      const bool anywhere = r.coin();  // else as a tap reads an image: runs of pixels at a constant distance
      const int64_t first = r.in(0, m - 1), step = r.in(0, 3);
      for (int64_t i = 0; i < m; ++i)
        offsets.push_back((anywhere ? r.in(0, m - 1) : (first + i * step) % m) * lda);
    }
  }
  PackedU8 pack(const Kernels& kernels) const {
    return pack_gemm_u8(kernels.layout, weights.data(), n, taps, k, x_zero, channels);
  }
  void run(const Kernels& kernels, const PackedU8& w, u8* c, float* c_f32, int64_t m0, int64_t m1, int64_t n0,
           int64_t n1) const {
    std::vector<const u8*> rows;
    for (int64_t o : offsets) rows.push_back(a.data() + o);
    GemmU8 g;
    g.w = &w;
    if (indirect) {
      g.indirect = rows.data() + m0, g.indirect_stride = m, g.a_offset = a_offset;
    } else {
      g.a = a.data() + m0 * lda, g.lda = lda;
    }
    g.m = m1 - m0, g.n_begin = n0, g.n_end = n1;
    output.apply(g, c, c_f32, m0);
    if (output.f32 && output.dynamic) g.init_override = init.data();
    g.prefetch = a.data(), g.prefetch_bytes = 4096;
    kernels.gemm_u8(g);
  }
  std::string describe(const char* isa) const {
    return std::string(isa) + " m " + std::to_string(m) + " n " + std::to_string(n) + " k " +
           std::to_string(k) + " taps " + std::to_string(taps) + (indirect ? " indirect" : "") +
           output.describe();
  }
};

void check(Random& random, const GemmCase& t) {
  const size_t size = t.output.size;
  Guarded<u8> expected(size, 7);
  Guarded<float> expected_f32(size, 7);
  t.run(ref(), t.pack(ref()), expected.data(), expected_f32.data(), 0, t.m, 0, t.n);
  for (const Kernels* kernels : tables()) {
    SCOPED_TRACE(t.describe(kernels->name));
    const PackedU8 w = t.pack(*kernels);
    const int64_t panels = int64_t(w.panel_weight_offset.size());
    for (bool split : {false, true}) {
      Guarded<u8> c(size, 7);
      Guarded<float> c_f32(size, 7);
      const int64_t m1 = split ? random.in(0, t.m) : t.m;
      const int64_t n1 = split ? std::min(t.n, random.in(0, panels) * w.panel_channels) : t.n;
      for (const auto& [mb, me] : {std::pair{int64_t{0}, m1}, std::pair{m1, t.m}})
        for (const auto& [nb, ne] : {std::pair{int64_t{0}, n1}, std::pair{n1, t.n}})
          if (mb < me && nb < ne) t.run(*kernels, w, c.data(), c_f32.data(), mb, me, nb, ne);
      ASSERT_TRUE(c.intact() && c_f32.intact());
      ASSERT_EQ(c.values(), expected.values());
      ASSERT_EQ(std::memcmp(c_f32.data(), expected_f32.data(), size * sizeof(float)), 0);
    }
  }
}

TEST(GemmU8, RandomShapesMatchReference) {
  Random random(1);
  for (int i = 0; i < 400; ++i) {
    const int64_t taps = random.in(0, 2) == 0 ? random.in(2, 9) : 1;
    const GemmCase t(random, random.in(1, 60), random.in(1, 140), random.in(1, 70), taps,
                     taps > 1 || random.in(0, 3) == 0);
    check(random, t);
    if (HasFatalFailure()) return;
  }
}

TEST(GemmU8, EveryTileHeightAndTail) {
  Random random(2);
  for (int64_t m = 1; m <= 26; ++m)
    for (int64_t n : {1, 7, 8, 9, 15, 16, 17, 24, 31, 32, 33, 48, 63, 64, 65, 96}) {
      const GemmCase t(random, m, n, random.in(1, 20), 1, false);
      check(random, t);
      if (HasFatalFailure()) return;
    }
}

TEST(GemmU8, DeepTapsMatchReference) {  // AMX takes 64 bytes of K at a time, and 32 rows
  Random random(5);
  for (int i = 0; i < 200; ++i) {
    const int64_t k = random.pick<int64_t>({31, 32, 33, 63, 64, 65, 100, 127, 128, 129, 200});
    const int64_t m =
        random.coin() ? random.pick<int64_t>({7, 8, 15, 16, 17, 31, 32, 33, 49, 64, 65}) : random.in(1, 150);
    const int64_t taps = random.coin() ? random.in(2, 4) : 1;
    const GemmCase t(random, m, random.in(1, 100), k, taps, taps > 1 || random.in(0, 3) == 0);
    check(random, t);
    if (HasFatalFailure()) return;
  }
}

TEST(GemmU8, LargeShapesMatchReference) {
  Random random(3);
  for (auto [m, n, k] :
       {std::tuple{1, 1000, 1280}, {49, 320, 960}, {2500, 40, 64}, {3, 100, 4608}, {300, 96, 700}}) {
    check(random, GemmCase(random, m, n, k, 1, false));
    if (HasFatalFailure()) return;
  }
}

TEST(GemmU8, SelfTestTellsRightFromWrong) {
  for (const Kernels* kernels : tables()) EXPECT_TRUE(agrees_with_reference(*kernels)) << kernels->name;
  Kernels wrong = ref();
  wrong.gemm_u8 = [](const GemmU8& g) {
    ref().gemm_u8(g);
    g.c[g.m * g.ldc - 1] ^= 1;
  };
  EXPECT_FALSE(agrees_with_reference(wrong));
}

TEST(GemmU8, ReferenceIsTheFormula) {
  Random random(4);
  for (int i = 0; i < 30; ++i) {
    GemmCase t(random, random.in(1, 9), random.in(1, 9), random.in(1, 40), 1, false);
    t.output.f32 = t.output.use_residual = t.output.use_table = t.output.use_tail = false;
    t.channels = random.channels(t.n, t.k, false);
    if (i % 2) random.add_weight_offsets(t.channels, 127);
    Guarded<u8> c(t.output.size);
    t.run(ref(), t.pack(ref()), c.data(), nullptr, 0, t.m, 0, t.n);
    for (int64_t m = 0; m < t.m; ++m)
      for (int64_t n = 0; n < t.n; ++n) {
        const auto& q = t.channels[size_t(n)];
        int64_t acc = 0;
        for (int64_t k = 0; k < t.k; ++k)
          acc += (int64_t(t.a.data()[m * t.lda + k]) - t.x_zero) *
                 (t.weights[size_t(n * t.k + k)] + q.weight_offset);
        const float y = std::fma(float(acc), q.multiplier, q.bias);
        const long expected = std::clamp(std::lrint(y) + t.output.zero, 0L, 255L);
        ASSERT_EQ(long(c[size_t(m * t.output.ld + n)]), expected);
      }
  }
}

}  // namespace
}  // namespace tenfold::kernels::test
