// Packed INT8 weights, byte by byte: every weight stands where the format says, whatever the layout it comes
// from.
#include <algorithm>
#include <bit>

#include "base/math.hpp"
#include "kernels/kernel_test_util.hpp"

namespace tenfold::kernels::test {
namespace {

struct Shape {
  int64_t n, taps, k;
};
constexpr Shape kShapes[] = {{1, 1, 1},   {3, 1, 5},   {16, 1, 16}, {17, 9, 3},  {40, 9, 35},
                             {64, 1, 64}, {70, 4, 19}, {96, 25, 7}, {33, 49, 3}, {130, 1, 147}};

/// The format: panels of vectors; in a panel, for each tap and four weights of k, each vector; in a vector,
/// each lane.  Lanes of a panel hold channels in runs of four that walk through its vectors.  `quads` of a
/// step of a panel: [vector][lane][4].
struct Expected {
  const PackLayout& l;
  const PackedU8& p;
  const std::vector<s8>& weights;

  int64_t vectors(int64_t panel) const {
    return std::min<int64_t>(l.panel, ceil_div(p.n - panel * p.panel_channels, l.lanes));
  }
  std::vector<s8> quads(int64_t panel, int64_t tap, int64_t k0) const {
    std::vector<s8> step;
    const int64_t nv = vectors(panel);
    for (int64_t v = 0; v < nv; ++v)
      for (int64_t lane = 0; lane < l.lanes; ++lane)
        for (int64_t k = k0; k < k0 + 4; ++k) {
          const int64_t c = panel * p.panel_channels + lane / 4 * 4 * nv + v * 4 + lane % 4;
          step.push_back(c < p.n && k < p.k ? weights[size_t((c * p.taps + tap) * p.k + k)] : s8(0));
        }
    return step;
  }
};

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
      if (kernels->layout.weight_bytes == 2) continue;
      SCOPED_TRACE(testing::Message() << kernels->name << " n " << s.n << " taps " << s.taps << " k " << s.k);
      const std::vector<s8> weights = r.weights(size_t(s.n * s.taps * s.k));
      const auto channels = r.channels(s.n, s.taps * s.k, false);
      const PackedU8 p = pack_gemm_u8(kernels->layout, weights.data(), s.n, s.taps, s.k, 3, channels);
      const Expected expected{kernels->layout, p, weights};
      const std::byte* at = p.weights;
      for (int64_t panel = 0; panel < ceil_div(s.n, p.panel_channels); ++panel)
        for (int64_t tap = 0; tap < s.taps; ++tap)
          for (int64_t k = 0; k < p.k_padded; k += 4) {
            const std::vector<s8> step = expected.quads(panel, tap, k);
            ASSERT_EQ(std::memcmp(at, step.data(), step.size()), 0);
            at += step.size();
          }
    }
}

/// Whether no pair of products can leave 16 bits.
bool is_plain(std::span<const s8> vector) {
  for (size_t b = 0; b < vector.size(); b += 2)
    for (int x : {0, 255})
      for (int y : {0, 255})
        if (std::abs(x * vector[b] + y * vector[b + 1]) > 32767) return false;
  return true;
}

/// A vector of a sorted step is as it was, or widened, even bytes before odd ones.
void expect_vector(const std::byte* packed, std::span<const s8> vector, bool exact) {
  ASSERT_TRUE(exact || std::memcmp(packed, vector.data(), vector.size()) == 0);
  for (size_t b = 0; exact && b < vector.size(); ++b) {
    int16_t wide;
    std::memcpy(&wide, packed + (b & 1) * vector.size() + b / 2 * 2, 2);
    ASSERT_EQ(wide, vector[b]);
  }
}

/// The step with the second byte of every quad exchanged for another.
std::vector<s8> paired(std::vector<s8> step, uint32_t pairing) {
  for (size_t q = 0; pairing > 0 && q < step.size(); q += 4) std::swap(step[q + 1], step[q + 1 + pairing]);
  return step;
}

/// Bit v: vector v has a pair of products that can leave 16 bits.
uint32_t exact_vectors(std::span<const s8> step, size_t vector_bytes) {
  uint32_t exact = 0;
  for (size_t v = 0; v * vector_bytes < step.size(); ++v)
    if (!is_plain(step.subspan(v * vector_bytes, vector_bytes))) exact |= 1u << v;
  return exact;
}

/// Whether the products of two steps, pair by pair, stay inside 16 bits together.
bool are_couple(std::span<const s8> a, std::span<const s8> b) {
  const auto positive = [](s8 x) { return std::max<int>(x, 0); };
  const auto negative = [](s8 x) { return std::max<int>(-x, 0); };
  for (size_t i = 0; i < a.size(); i += 2)
    if (255 * (positive(a[i]) + positive(a[i + 1]) + positive(b[i]) + positive(b[i + 1])) > 32767 ||
        255 * (negative(a[i]) + negative(a[i + 1]) + negative(b[i]) + negative(b[i + 1])) > 32767)
      return false;
  return true;
}

/// Checks the sorted steps of one tap of one panel.
struct SortedTap {
  const PackLayout& l;
  const uint32_t* sorted;
  std::vector<std::vector<s8>> steps;  ///< as they were
  const std::byte* at;
  uint32_t couples = 0;

  uint32_t masks() const { return 1u << l.panel; }
  size_t vector_bytes() const { return 4 * size_t(l.lanes); }
  const uint32_t* offsets() const { return sorted + kBytePairings * (masks() + 1); }

  void expect_step(const std::vector<s8>& as_it_was, uint32_t pairing, uint32_t exact) {
    const std::vector<s8> step = paired(as_it_was, pairing);
    ASSERT_EQ(exact, exact_vectors(step, vector_bytes()));
    for (uint32_t other = 0; other < kBytePairings; ++other) {
      const int vectors = std::popcount(exact_vectors(paired(as_it_was, other), vector_bytes()));
      ASSERT_GE(vectors, std::popcount(exact) + (other < pairing));
    }
    for (size_t v = 0; v < step.size() / vector_bytes(); ++v) {
      expect_vector(at, std::span(step).subspan(v * vector_bytes(), vector_bytes()), exact >> v & 1);
      at += exact >> v & 1 ? 2 * vector_bytes() : vector_bytes();
    }
  }
  void check() {
    const uint32_t* offset = offsets();
    for (uint32_t kind = 0; kind < kBytePairings * masks(); ++kind)
      for (uint32_t i = 0; i < sorted[kind]; ++i)
        expect_step(steps.at(*offset++ / 4), kind / masks(), kind % masks());
    for (uint32_t pairing = 0; pairing < kBytePairings; ++pairing)
      for (uint32_t i = 0; i < sorted[kBytePairings * masks() + pairing]; ++i, ++couples, offset += 2) {
        const auto &a = steps.at(offset[0] / 4), &b = steps.at(offset[1] / 4);
        ASSERT_TRUE(are_couple(paired(a, pairing), paired(b, pairing)));
        expect_step(a, pairing, 0);
        expect_step(b, pairing, 0);
      }
    std::vector<uint32_t> listed(offsets(), offset), all;
    std::sort(listed.begin(), listed.end());
    for (uint32_t k = 0; k < steps.size(); ++k) all.push_back(4 * k);
    ASSERT_EQ(listed, all);
  }
};

/// Steps are sorted by the pairing of bytes that leaves fewest vectors with a pair of products that can leave
/// 16 bits, and by which these are; they are widened.  Couples follow.  Every step is there once.
TEST(PackU8, SortedSteps) {
  Random r(4);
  uint32_t couples = 0;
  for (const Kernels* kernels : every_table())
    for (const Shape& s : kShapes) {
      const PackLayout& l = kernels->layout;
      if (l.weight_bytes == 1) continue;
      SCOPED_TRACE(testing::Message() << kernels->name << " n " << s.n << " taps " << s.taps << " k " << s.k);
      std::vector<s8> weights = r.weights(size_t(s.n * s.taps * s.k));
      const int small = int(r.in(2, 4));
      for (s8& w : weights) w = r.in(0, 200) == 0 ? w : s8(w / small);  // every kind of vector
      const auto channels = r.channels(s.n, s.taps * s.k, false);
      const PackedU8 p = pack_gemm_u8(l, weights.data(), s.n, s.taps, s.k, 3, channels);
      const Expected expected{l, p, weights};
      SortedTap t{l, p.sorted.first, {}, p.weights};
      for (int64_t panel = 0; panel < ceil_div(s.n, p.panel_channels); ++panel) {
        ASSERT_EQ(p.sorted.panel_offset[panel], t.at - p.weights);
        for (int64_t tap = 0; tap < s.taps; ++tap) {
          t.steps.clear();
          for (int64_t k = 0; k < p.k_padded; k += 4)
            t.steps.push_back(expected.quads(panel, tap, uint32_t(k)));
          t.check();
          if (HasFatalFailure()) return;
          t.sorted = t.offsets() + t.steps.size();
        }
      }
      couples += t.couples;
    }
  EXPECT_GT(couples, 0u);
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
