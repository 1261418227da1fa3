// Packed INT8 weights, byte by byte: every weight stands where the format says, whatever the layout it comes
// from.
#include <algorithm>

#include "base/math.hpp"
#include "kernels/kernel_test_util.hpp"

namespace tenfold::kernels::test {
namespace {

struct Shape {
  int64_t n, taps, k;
};
constexpr Shape kShapes[] = {{1, 1, 1},   {3, 1, 5},   {16, 1, 16}, {17, 9, 3},  {40, 9, 35},
                             {64, 1, 64}, {70, 4, 19}, {96, 25, 7}, {33, 49, 3}, {130, 1, 147}};

/// The format as words: panels of vectors; in a panel, for each tap and four weights of k, each vector; in a
/// vector, each lane.  Lanes of a panel hold channels in runs of four that walk through its vectors.
std::vector<std::byte> expected(const PackLayout& l, const PackedU8& p, const std::vector<s8>& weights) {
  std::vector<std::byte> out;
  const auto at = [&](int64_t c, int64_t t, int64_t k) {
    return c < p.n && k < p.k ? weights[size_t((c * p.taps + t) * p.k + k)] : s8(0);
  };
  for (int64_t n0 = 0; n0 < p.n;) {
    const int64_t left = ceil_div(p.n - n0, l.lanes);
    const int64_t nv = left >= l.panel ? l.panel : left == 3 ? 4 : left;
    for (int64_t t = 0; t < p.taps; ++t)
      for (int64_t k0 = 0; k0 < p.k_padded; k0 += 4)
        for (int64_t v = 0; v < nv; ++v) {
          std::vector<std::byte> vector(size_t(4 * l.lanes * l.weight_bytes));
          for (int64_t lane = 0; lane < l.lanes; ++lane)
            for (int64_t i = 0; i < 4; ++i) {
              const int64_t c = n0 + lane / 4 * 4 * nv + v * 4 + lane % 4;
              if (l.weight_bytes == 1) {
                vector[size_t(4 * lane + i)] = std::byte(at(c, t, k0 + i));
                continue;
              }
              const int16_t wide = at(c, t, k0 + i);
              std::memcpy(&vector[size_t((i & 1) * 4 * l.lanes + 4 * lane + i / 2 * 2)], &wide, 2);
            }
          out.insert(out.end(), vector.begin(), vector.end());
        }
    n0 += nv * l.lanes;
  }
  return out;
}

std::vector<const Kernels*> every_table() {
  std::vector<const Kernels*> all = tables();
  all.push_back(&ref());
  return all;
}

bool same_bytes(const PackedBytes& a, const PackedBytes& b) {
  return a.size() == b.size() && std::equal(a.data(), a.data() + a.size(), b.data());
}

TEST(PackU8, EveryWeightInItsPlace) {
  Random r(1);
  for (const Kernels* kernels : every_table())
    for (const Shape& s : kShapes) {
      SCOPED_TRACE(testing::Message() << kernels->name << " n " << s.n << " taps " << s.taps << " k " << s.k);
      const std::vector<s8> weights = r.weights(size_t(s.n * s.taps * s.k));
      const auto channels = r.channels(s.n, s.taps * s.k, false);
      const PackedU8 p = pack_gemm_u8(kernels->layout, weights.data(), s.n, s.taps, s.k, 3, channels);
      const std::vector<std::byte> want = expected(kernels->layout, p, weights);
      EXPECT_TRUE(std::equal(want.begin(), want.end(), p.weights));
    }
}

TEST(PackU8, TapsInsideGiveTheSameBytes) {
  Random r(2);
  for (const Kernels* kernels : every_table())
    for (const Shape& s : kShapes) {
      SCOPED_TRACE(testing::Message() << kernels->name << " n " << s.n << " taps " << s.taps << " k " << s.k);
      const std::vector<s8> outside = r.weights(size_t(s.n * s.taps * s.k));
      std::vector<s8> inside(outside.size());
      for (int64_t n = 0; n < s.n; ++n)
        for (int64_t t = 0; t < s.taps; ++t)
          for (int64_t k = 0; k < s.k; ++k)
            inside[size_t((n * s.k + k) * s.taps + t)] = outside[size_t((n * s.taps + t) * s.k + k)];
      const auto channels = r.channels(s.n, s.taps * s.k, false);
      const auto& layout = kernels->layout;
      const PackedU8 a = pack_gemm_u8(layout, outside.data(), s.n, s.taps, s.k, 77, channels);
      const PackedU8 b = pack_conv_u8(layout, inside.data(), s.n, s.taps, s.k, 77, channels, s.taps);
      EXPECT_TRUE(same_bytes(a.storage, b.storage));
      // A row of taps that is one stretch of memory counts as one tap of k * width.
      const PackedU8 c = pack_gemm_u8(layout, outside.data(), s.n, 1, s.taps * s.k, 77, channels);
      const PackedU8 d = pack_conv_u8(layout, inside.data(), s.n, 1, s.taps * s.k, 77, channels, s.taps);
      EXPECT_TRUE(same_bytes(c.storage, d.storage));
    }
}

TEST(PackU8, ColumnsGiveTheSameBytes) {
  Random r(3);
  for (const Kernels* kernels : every_table())
    for (const Shape& s : kShapes) {
      SCOPED_TRACE(testing::Message() << kernels->name << " n " << s.n << " k " << s.k);
      const std::vector<s8> columns = r.weights(size_t(s.n * s.k));
      std::vector<s8> rows(columns.size());
      transpose_s8(columns.data(), s.k, s.n, rows.data());
      for (int64_t i = 0; i < s.k; ++i)
        for (int64_t j = 0; j < s.n; ++j) ASSERT_EQ(rows[size_t(j * s.k + i)], columns[size_t(i * s.n + j)]);
      const auto channels = r.channels(s.n, s.k, false);
      const PackedU8 a = pack_gemm_u8(kernels->layout, rows.data(), s.n, 1, s.k, 9, channels);
      const PackedU8 b = pack_columns_u8(kernels->layout, columns.data(), s.n, s.k, 9, channels);
      EXPECT_TRUE(same_bytes(a.storage, b.storage));
    }
}

/// The accumulator starts at -zero point * sum of the weights, also for sums beyond 16 bits.
TEST(PackU8, InitialAccumulators) {
  constexpr int64_t kDepth = 1000, kZero = 200;
  const Kernels& kernels = ref();
  const std::vector<QuantizedChannel> channels(2, {1e-3f, 0});
  std::vector<s8> weights(2 * kDepth, s8(-128));
  std::fill_n(weights.begin(), kDepth, s8(127));
  const PackedU8 p = pack_gemm_u8(kernels.layout, weights.data(), 2, 1, kDepth, kZero, channels);
  int32_t init[2];
  for (int c = 0; c < 2; ++c) std::memcpy(&init[c], p.params + c * 12, 4);
  EXPECT_EQ(init[0], -kZero * 127 * kDepth);
  EXPECT_EQ(init[1], kZero * 128 * kDepth);
}

}  // namespace
}  // namespace tenfold::kernels::test
