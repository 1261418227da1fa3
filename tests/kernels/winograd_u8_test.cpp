// INT8 Winograd convolution of every ISA against the reference's direct one, bit for bit.
#include <cmath>

#include "kernels/output_u8_case.hpp"

namespace tenfold::kernels::test {
namespace {

/// One random 3x3 convolution of stride 1.
struct ConvCase {
  int64_t h, w, c, n, top, left, out_h, out_w, in_pixel, in_row;
  int x_zero;
  OutputCase output;
  std::vector<s8> weights;  // [n][c][3][3]
  std::vector<QuantizedChannel> channels;
  Guarded<u8> image;
  std::vector<u8> outside;

  ConvCase(Random& r, int64_t h_, int64_t w_, int64_t c_, int64_t n_)
      : h(h_),
        w(w_),
        c(c_),
        n(n_),
        top(r.in(0, 2)),
        left(r.in(0, 2)),
        out_h(std::max<int64_t>(1, h_ - 2 + top + r.in(0, 2))),
        out_w(std::max<int64_t>(1, w_ - 2 + left + r.in(0, 2))),
        in_pixel(c_ + r.in(0, 5)),
        in_row(w_ * in_pixel + r.in(0, 5)),
        x_zero(r.zero_point()),
        output(r, out_h * out_w, n_),
        weights(r.weights(size_t(n_ * c_ * 9))),
        channels(r.channels(n_, c_ * 9, output.extreme)),
        image(size_t((h_ - 1) * in_row + (w_ - 1) * in_pixel + c_)),
        outside(size_t(c_) + kSlack, u8(x_zero)) {
    if (r.in(0, 3) == 0) r.add_weight_offsets(channels, 99);  // up to what 16 bits hold for tile 4
    r.fill_bytes(image.data(), image.size());
  }

  void expect(u8* y, float* y_f32) const {
    const PackedU8 packed = pack_conv_u8(ref().layout, weights.data(), n, 9, c, x_zero, channels, 9);
    std::vector<const u8*> rows;
    for (int64_t t = 0; t < 9; ++t)
      for (int64_t i = 0; i < out_h * out_w; ++i) {
        const int64_t iy = i / out_w + t / 3 - top, ix = i % out_w + t % 3 - left;
        const bool inside = iy >= 0 && ix >= 0 && iy < h && ix < w;
        rows.push_back(inside ? image.data() + iy * in_row + ix * in_pixel : outside.data());
      }
    GemmU8 g;
    g.w = &packed, g.indirect = rows.data(), g.indirect_stride = g.m = out_h * out_w, g.n_end = n;
    output.apply(g, y, y_f32);
    ref().gemm_u8(g);
  }
  void run(const Kernels& kernels, const PackedWinogradU8& packed, std::byte* scratch, Guarded<u8>& y,
           Guarded<float>& y_f32, int64_t t0, int64_t t1, int64_t n0, int64_t n1) const {
    WinogradU8 g;
    g.w = &packed;
    g.in = image.data(), g.in_h = h, g.in_w = w, g.in_row = in_row, g.in_pixel = in_pixel;
    g.outside = outside.data();
    g.out_h = out_h, g.out_w = out_w, g.pad_top = top, g.pad_left = left;
    g.tile_begin = t0, g.tile_end = t1, g.n_begin = n0, g.n_end = n1;
    g.scratch = scratch;
    output.apply(g, y.data(), y_f32.data());
    kernels.winograd_u8(g);
  }
  /// Every tile size and ISA, whole and split in tiles and channels.
  void check(Random& random) const {
    Guarded<u8> expected(output.size, 7);
    Guarded<float> expected_f32(output.size, 7);
    expect(expected.data(), expected_f32.data());
    for (int tile : {2, 4}) {
      if (!winograd_u8_is_exact(weights.data(), n, c, tile, channels)) continue;
      const int64_t tiles = (out_h + tile - 1) / tile * ((out_w + tile - 1) / tile);
      for (const Kernels* kernels : tables()) {
        SCOPED_TRACE(std::string(kernels->name) + " " + std::to_string(h) + "x" + std::to_string(w) + "x" +
                     std::to_string(c) + " to " + std::to_string(n) + " tile " + std::to_string(tile) +
                     output.describe());
        const PackedWinogradU8 packed =
            pack_winograd_u8(kernels->layout, weights.data(), n, c, tile, x_zero, channels);
        Guarded<std::byte> scratch(winograd_u8_scratch(kernels->layout, packed));
        Guarded<u8> y(output.size, 7);
        Guarded<float> y_f32(output.size, 7);
        const int64_t t = random.in(0, tiles), panels = (n - 1) / packed.panel_channels;
        const int64_t split = random.in(0, panels) * packed.panel_channels;
        for (const auto& [tb, te] : {std::pair{int64_t{0}, t}, std::pair{t, tiles}})
          for (const auto& [nb, ne] : {std::pair{int64_t{0}, split}, std::pair{split, n}})
            if (tb < te && nb < ne) run(*kernels, packed, scratch.data(), y, y_f32, tb, te, nb, ne);
        ASSERT_TRUE(y.intact() && y_f32.intact() && scratch.intact());
        ASSERT_EQ(y.values(), expected.values());
        ASSERT_EQ(std::memcmp(y_f32.data(), expected_f32.data(), output.size * sizeof(float)), 0);
      }
    }
  }
};

TEST(WinogradU8, RandomShapesMatchReference) {
  Random random(1);
  for (int i = 0; i < 150; ++i) {
    ConvCase(random, random.in(1, 14), random.in(1, 14), random.in(1, 70), random.in(1, 80)).check(random);
    if (HasFatalFailure()) return;
  }
}

TEST(WinogradU8, SeveralBlocksMatchReference) {
  Random random(2);
  ConvCase(random, 45, 41, 20, 33).check(random);
  ConvCase(random, 22, 20, 150, 40).check(random);
}

TEST(WinogradU8, LargestWeightsAndPixelsMatchReference) {  // the bounds of 16 bits are reached
  Random random(3);
  for (int sign : {-1, 1})
    for (int i = 0; i < 20; ++i) {
      ConvCase t(random, random.in(3, 9), random.in(3, 9), random.in(1, 40), random.in(1, 20));
      for (size_t j = 0; j < t.image.size(); ++j) t.image[j] = random.coin() ? 255 : 0;
      for (s8& w : t.weights) w = i % 2 ? s8(sign > 0 ? 127 : -128) : random.coin() ? s8(127) : s8(-128);
      t.check(random);
      if (HasFatalFailure()) return;
    }
}

TEST(WinogradU8, LargestWeightsWithOffsetsMatchReference) {  // 144 * 227 is the last below 2^15
  Random random(5);
  for (int offset : {-99, 99})
    for (int i = 0; i < 10; ++i) {
      ConvCase t(random, random.in(3, 9), random.in(3, 9), random.in(1, 9), random.in(1, 20));
      for (size_t j = 0; j < t.image.size(); ++j) t.image[j] = random.coin() ? 255 : 0;
      for (s8& w : t.weights) w = s8(offset > 0 ? 127 : -128);
      for (QuantizedChannel& c : t.channels) c.weight_offset = offset;
      ASSERT_TRUE(winograd_u8_is_exact(t.weights.data(), t.n, t.c, 4, t.channels));
      t.check(random);
      if (HasFatalFailure()) return;
      t.channels[0].weight_offset = 100;
      EXPECT_FALSE(winograd_u8_is_exact(t.weights.data(), t.n, t.c, 4, t.channels));
    }
}

TEST(WinogradU8, ExactUpToTheLastSum) {
  // 1,028 weights of -128 under pixels of 255 are the last such sum below 2^25.
  std::vector<s8> weights(9 * 115, 0);
  std::fill_n(weights.begin(), 1028, s8(-128));
  std::vector<QuantizedChannel> channel(1, {1, 0});
  const auto exact = [&](int tile) { return winograd_u8_is_exact(weights.data(), 1, 115, tile, channel); };
  EXPECT_TRUE(exact(4));
  weights.back() = -128;
  EXPECT_FALSE(exact(4));
  EXPECT_TRUE(exact(2));
  Random random(4);
  ConvCase t(random, 6, 6, 115, 1);
  for (size_t j = 0; j < t.image.size(); ++j) t.image[j] = 255;
  std::fill(t.weights.begin(), t.weights.end(), s8(0));
  std::fill_n(t.weights.begin(), 1028, s8(-128));
  t.check(random);
}

}  // namespace
}  // namespace tenfold::kernels::test
