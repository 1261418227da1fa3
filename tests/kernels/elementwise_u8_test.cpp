// Elementwise INT8 kernels, conversions and transposition against the scalar reference, bit for bit.
#include <cmath>
#include <limits>

#include "kernels/kernel_test_util.hpp"

namespace tenfold::kernels::test {
namespace {

/// f(kernels, out) on `ref` and on every table must leave the same bytes.
template <class T, class F>
void expect_same(size_t out_size, F&& f) {
  Guarded<T> expected(out_size, T(7));
  f(ref(), expected.data());
  for (const Kernels* kernels : tables()) {
    SCOPED_TRACE(kernels->name);
    Guarded<T> out(out_size, T(7));
    f(*kernels, out.data());
    ASSERT_TRUE(out.intact());
    ASSERT_EQ(std::memcmp(out.data(), expected.data(), out_size * sizeof(T)), 0);
  }
}

BinaryU8 random_binary(Random& r, Guarded<u8>& a, Guarded<u8>& b, int64_t outer, int64_t inner) {
  BinaryU8 g;
  g.outer = outer, g.inner = inner;
  g.a_inner = r.in(0, 3) != 0, g.b_inner = r.in(0, 3) != 0;
  const auto stride = [&](int row) {
    return r.in(0, 3) == 0 ? 0 : row ? inner + r.pick<int64_t>({0, 0, 3}) : r.in(0, 4);
  };
  g.a_outer = stride(g.a_inner), g.b_outer = stride(g.b_inner),
  g.c_outer = inner + r.pick<int64_t>({0, 0, 5});
  g.a = a.data(), g.b = b.data();
  const bool extreme = r.in(0, 4) == 0;
  g.a_scale = extreme ? r.pick<float>({3e38f, -1e9f, 0}) : r.real(-2, 2);
  g.b_scale = extreme ? r.pick<float>({3e38f, 1e9f, 0}) : r.real(-2, 2);
  g.offset = r.real(-100, 100);
  g.a_zero = r.zero_point(), g.b_zero = r.zero_point(), g.zero_point = r.zero_point();
  return g;
}

TEST(BinaryU8, MatchesReference) {
  Random random(21);
  for (int i = 0; i < 300; ++i) {
    const int64_t outer = random.in(1, 9), inner = random.in(1, 200);
    Guarded<u8> a(size_t(outer * (inner + 4))), b(size_t(outer * (inner + 4)));
    random.fill_bytes(a.data(), a.size());
    random.fill_bytes(b.data(), b.size());
    BinaryU8 g = random_binary(random, a, b, outer, inner);
    const auto lookup = random.table256();
    if (random.coin()) g.table = lookup.data();
    const size_t size = size_t((outer - 1) * g.c_outer + inner);
    SCOPED_TRACE("case " + std::to_string(i) + ": " + std::to_string(outer) + " x " + std::to_string(inner) +
                 ", strides a " + std::to_string(g.a_outer) + "," + std::to_string(g.a_inner) + " b " +
                 std::to_string(g.b_outer) + "," + std::to_string(g.b_inner) + (g.table ? ", table" : ""));
    expect_same<u8>(size, [&](const Kernels& k, u8* out) { g.c = out, k.add_u8(g); });
    g.a_scale = std::abs(g.a_scale) > 2 ? 1e30f : g.a_scale * 0.01f;
    expect_same<u8>(size, [&](const Kernels& k, u8* out) { g.c = out, k.mul_u8(g); });
    if (HasFatalFailure()) return;
  }
}

TEST(LookupU8, MatchesReference) {
  Random random(22);
  const auto lookup = random.table256();
  for (int64_t n = 0; n <= 260; ++n) {
    SCOPED_TRACE("n " + std::to_string(n));
    Guarded<u8> in(static_cast<size_t>(n));
    for (int64_t i = 0; i < n; ++i) in[size_t(i)] = u8(i * 7);
    expect_same<u8>(size_t(n),
                    [&](const Kernels& k, u8* out) { k.lookup_u8(in.data(), out, n, lookup.data()); });
    if (HasFatalFailure()) return;
  }
}

TEST(ReduceU8, MatchesReference) {
  Random random(24);
  for (int i = 0; i < 300; ++i) {
    Reduce<u8> g{.op = i % 2 ? Reduction::max : Reduction::min, .outer = random.in(1, 3)};
    g.count = random.in(1, 150), g.inner = i % 3 ? random.in(2, 150) : 1;
    g.in_step = g.inner == 1 ? 1 : g.inner + random.in(0, 5);
    g.in_outer = g.count * g.in_step + random.in(0, 3), g.out_outer = g.inner + random.in(0, 3);
    Guarded<u8> in(static_cast<size_t>(g.outer * g.in_outer));
    for (size_t j = 0; j < in.size(); ++j) in[j] = u8(random.in(0, 255));
    g.in = in.data();
    SCOPED_TRACE("case " + std::to_string(i) + ": " + std::to_string(g.count) + " of " +
                 std::to_string(g.inner));
    expect_same<u8>(size_t((g.outer - 1) * g.out_outer + g.inner),
                    [&](const Kernels& k, u8* out) { g.out = out, k.reduce_u8(g); });
    if (HasFatalFailure()) return;
  }
}

TEST(GroupNormU8, MatchesReference) {
  Random random(26);
  for (int i = 0; i < 200; ++i) {
    const int64_t channels = random.in(1, 150), pixel = channels + random.in(0, 9);
    const int64_t pixels = i ? random.in(1, 50) : ColumnSumsU8::kMostSquares;
    Guarded<u8> in(static_cast<size_t>((pixels - 1) * pixel + channels));
    for (size_t j = 0; j < in.size(); ++j) in[j] = i ? u8(random.in(0, 255)) : u8(255);
    SCOPED_TRACE("case " + std::to_string(i) + ": " + std::to_string(pixels) + " of " +
                 std::to_string(channels));
    expect_same<uint32_t>(static_cast<size_t>(2 * channels), [&](const Kernels& k, uint32_t* out) {
      k.column_sums_u8({in.data(), pixels, channels, pixel, out, out + channels});
    });
    Guarded<float> factor(static_cast<size_t>(channels)), shift(static_cast<size_t>(channels));
    for (size_t c = 0; c < factor.size(); ++c)
      factor[c] = random.in(0, 20) ? random.real(-2, 2) : 1e30f, shift[c] = random.real(-200, 200);
    AffineU8 g{in.data(), nullptr, pixels, channels, pixel, factor.data(), shift.data(), random.zero_point()};
    expect_same<u8>(in.size(), [&](const Kernels& k, u8* out) { g.out = out, k.affine_u8(g); });
    if (HasFatalFailure()) return;
  }
}

TEST(BlendU8, MatchesReference) {
  Random random(25);
  for (int i = 0; i < 300; ++i) {
    const int64_t block = random.in(1, 150), positions = random.in(1, 6);
    const int taps = random.in(0, 1) ? 2 : 4;
    std::vector<int64_t> offset;
    std::vector<float> weight;
    for (int64_t j = 0; j < positions * taps; ++j)
      offset.push_back(random.in(0, 9 * block)), weight.push_back(random.real(-1, 1));
    Guarded<u8> bytes(static_cast<size_t>(10 * block));
    Guarded<float> floats(static_cast<size_t>(10 * block));
    for (size_t j = 0; j < bytes.size(); ++j)
      bytes[j] = u8(random.in(0, 255)), floats[j] = random.in(0, 30) ? random.real(-200, 200) : NAN;
    SCOPED_TRACE("case " + std::to_string(i) + ": block " + std::to_string(block));
    const auto out_size = static_cast<size_t>(positions * block);
    Blend<u8, float> from{bytes.data(), offset.data(), weight.data(), taps, positions, block};
    from.in_zero = random.zero_point();
    expect_same<float>(out_size,
                       [&](const Kernels& k, float* out) { from.out = out, k.blend_from_u8(from); });
    Blend<float, u8> to{floats.data(), offset.data(), weight.data(), taps, positions, block};
    to.out_zero = random.zero_point(), to.scale = random.pick({1.0f, 0.5f, 1e30f});
    expect_same<u8>(out_size, [&](const Kernels& k, u8* out) { to.out = out, k.blend_to_u8(to); });
    if (HasFatalFailure()) return;
  }
}

TEST(Quantize, MatchesReference) {
  Random random(23);
  for (int i = 0; i < 200; ++i) {
    const int64_t n = random.in(1, 300);
    Guarded<float> in(static_cast<size_t>(n));
    for (int64_t j = 0; j < n; ++j)
      in[size_t(j)] = random.in(0, 20)
                          ? random.real(-20, 20) * 0.5f
                          : random.pick({INFINITY, -INFINITY, NAN, 3e38f, -3e38f, 0.5f, 1.5f, 2.5f, -0.0f});
    const float scale = random.pick({1.0f, 12.75f, 0.01f, 1e30f});
    const int zero = random.zero_point();
    SCOPED_TRACE("case " + std::to_string(i) + ": n " + std::to_string(n) + " scale " +
                 std::to_string(scale));
    expect_same<u8>(size_t(n),
                    [&](const Kernels& k, u8* out) { k.quantize_u8(in.data(), out, n, scale, zero); });
    expect_same<u8>(
        size_t(n), [&](const Kernels& k, u8* out) { k.quantize_divided_u8(in.data(), out, n, scale, zero); });
    const int64_t channels = random.in(1, 9), out_pixel = channels + random.in(0, 3), pixels = n / channels;
    if (pixels == 0) continue;
    expect_same<u8>(size_t(pixels * out_pixel), [&](const Kernels& k, u8* out) {
      k.quantize_planar_u8(in.data(), pixels, out, out_pixel, pixels, channels, scale, zero);
    });
    if (HasFatalFailure()) return;
  }
}

TEST(Quantize, PlanarMatchesReferenceAtEveryTail) {
  Random random(27);
  for (int64_t pixels = 1; pixels <= 140; ++pixels) {
    const int64_t channels = random.pick<int64_t>({1, 2, 3, 4, random.in(5, 70)});
    const int64_t in_plane = pixels + random.in(0, 9), out_pixel = channels + random.in(0, 5);
    Guarded<float> in(size_t((channels - 1) * in_plane + pixels));
    for (size_t j = 0; j < in.size(); ++j)
      in[j] = random.in(0, 20) ? random.real(-300, 300) : random.pick({INFINITY, -INFINITY, NAN, 3e38f});
    const float scale = random.pick({1.0f, 0.37f, 1e30f, 1e-30f});
    const int zero = random.zero_point();
    SCOPED_TRACE(std::to_string(pixels) + " pixels, " + std::to_string(channels) + " channels to " +
                 std::to_string(out_pixel) + ", scale " + std::to_string(scale));
    expect_same<u8>(size_t(pixels * out_pixel), [&](const Kernels& k, u8* out) {
      k.quantize_planar_u8(in.data(), in_plane, out, out_pixel, pixels, channels, scale, zero);
    });
    if (HasFatalFailure()) return;
  }
}

TEST(Dequantize, MatchesReference) {
  Random random(24);
  for (int64_t n = 0; n <= 130; ++n) {
    SCOPED_TRACE("n " + std::to_string(n));
    Guarded<u8> in(static_cast<size_t>(n));
    random.fill_bytes(in.data(), in.size());
    const float scale = random.pick({random.real(0.001f, 3), 1e-38f, 1e36f});
    const int zero = random.zero_point();
    expect_same<float>(
        size_t(n), [&](const Kernels& k, float* out) { k.dequantize_u8(in.data(), out, n, scale, zero); });
  }
}

TEST(Range, IgnoresNaN) {
  Random random(25);
  for (int64_t n : {0, 1, 7, 8, 16, 33, 100}) {
    Guarded<float> in(static_cast<size_t>(n));
    for (int64_t i = 0; i < n; ++i) in[size_t(i)] = random.in(0, 3) ? random.real(-9, 9) : NAN;
    expect_same<float>(2, [&](const Kernels& k, float* out) { k.range_f32(in.data(), n, out, out + 1); });
  }
}

template <class T>
void check_transpose(Random& random,
                     void (*Kernels::*kernel)(const void*, ptrdiff_t, void*, ptrdiff_t, int64_t, int64_t)) {
  for (int i = 0; i < 40; ++i) {
    const int64_t rows = random.in(1, 140), columns = random.in(1, 140);
    const int64_t ld_in = columns + random.in(0, 5), ld_out = rows + random.in(0, 5);
    Guarded<T> in(size_t((rows - 1) * ld_in + columns));
    random.fill_bytes(in.data(), in.size());
    SCOPED_TRACE(std::to_string(rows) + " x " + std::to_string(columns));
    expect_same<T>(size_t((columns - 1) * ld_out + rows), [&](const Kernels& k, T* out) {
      (k.*kernel)(in.data(), ld_in, out, ld_out, rows, columns);
    });
  }
}
TEST(Transpose, MatchesReference) {
  Random random(26);
  check_transpose<uint32_t>(random, &Kernels::transpose_32);
  check_transpose<u8>(random, &Kernels::transpose_8);
}

}  // namespace
}  // namespace tenfold::kernels::test
