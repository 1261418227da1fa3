// INT8 pooling against the scalar reference, bit for bit.
#include "kernels/kernel_test_util.hpp"

namespace tenfold::kernels::test {
namespace {

TEST(PoolU8, MatchesReference) {
  Random random(31);
  for (int i = 0; i < 300; ++i) {
    Pool<u8> p;
    p.in_h = random.in(1, 20), p.in_w = random.in(1, 20), p.channels = random.in(1, 150);
    p.in_pixel = p.channels + random.in(0, 3), p.in_row = p.in_w * p.in_pixel + random.in(0, 9);
    p.kernel_h = int(random.in(1, 20)), p.kernel_w = int(random.in(1, 20));
    p.stride_h = int(random.in(1, 3)), p.stride_w = int(random.in(1, 3));
    p.dilation_h = int(random.in(1, 2)), p.dilation_w = int(random.in(1, 2));
    p.pad_top = random.in(0, p.kernel_h), p.pad_left = random.in(0, p.kernel_w);
    p.pad_bottom = random.in(0, p.kernel_h), p.pad_right = random.in(0, p.kernel_w);
    const int64_t span_h = p.dilation_h * (p.kernel_h - 1) + 1, span_w = p.dilation_w * (p.kernel_w - 1) + 1;
    // Rounded up: the last window may reach beyond the padding.
    const int64_t out_h = (p.in_h + p.pad_top + p.pad_bottom - span_h + p.stride_h - 1) / p.stride_h + 1;
    p.out_w = (p.in_w + p.pad_left + p.pad_right - span_w + p.stride_w - 1) / p.stride_w + 1;
    if (out_h < 1 || p.out_w < 1) continue;
    p.out_pixel = p.channels + random.in(0, 3), p.out_row = p.out_w * p.out_pixel;
    p.count_include_pad = random.coin();
    p.scale = random.in(0, 9) ? random.real(0.3f, 3) : 1e30f;
    p.in_zero = random.zero_point(), p.out_zero = random.zero_point();
    Guarded<u8> in(size_t((p.in_h - 1) * p.in_row + (p.in_w - 1) * p.in_pixel + p.channels));
    random.fill_bytes(in.data(), in.size());
    p.in = in.data();
    const size_t size = size_t((out_h - 1) * p.out_row + (p.out_w - 1) * p.out_pixel + p.channels);
    SCOPED_TRACE("case " + std::to_string(i) + ": c " + std::to_string(p.channels) + " in " +
                 std::to_string(p.in_h) + "x" + std::to_string(p.in_w) + " kernel " +
                 std::to_string(p.kernel_h) + "x" + std::to_string(p.kernel_w) + " stride " +
                 std::to_string(p.stride_h) + "," + std::to_string(p.stride_w) + " dilation " +
                 std::to_string(p.dilation_h) + "," + std::to_string(p.dilation_w) + " pad " +
                 std::to_string(p.pad_top) + "," + std::to_string(p.pad_left));
    for (auto kernel : {&Kernels::max_pool_u8, &Kernels::average_pool_u8}) {
      const auto run = [&](const Kernels& k, Guarded<u8>& out, int64_t split) {
        p.out = out.data();
        p.y_begin = 0, p.y_end = split, (k.*kernel)(p);
        p.y_begin = split, p.y_end = out_h, (k.*kernel)(p);
      };
      Guarded<u8> expected(size, 7);
      run(ref(), expected, 0);
      for (const Kernels* kernels : tables()) {
        SCOPED_TRACE(kernels->name);
        Guarded<u8> out(size, 7);
        run(*kernels, out, random.in(0, out_h));
        ASSERT_TRUE(out.intact());
        ASSERT_EQ(out.values(), expected.values());
      }
    }
  }
}

TEST(PoolU8, GlobalAverageMatchesReference) {
  Random random(32);
  for (int i = 0; i < 150; ++i) {
    GlobalAverageU8 g;
    g.pixels = random.pick<int64_t>({1, 49, 255, 256, 257, 513, random.in(1, 3000)}),
    g.channels = i + 1;  // every tail
    g.in_pixel = g.channels + random.in(0, 5);
    g.scale = random.in(0, 4) ? random.real(0.3f, 3) : random.pick({1e30f, 1e-30f}),
    g.in_zero = random.zero_point(), g.out_zero = random.zero_point();
    Guarded<u8> in(size_t((g.pixels - 1) * g.in_pixel + g.channels));
    random.fill_bytes(in.data(), in.size());
    if (random.coin()) std::memset(in.data(), 255, in.size());
    g.in = in.data();
    Guarded<u8> expected(size_t(g.channels), 7);
    g.out = expected.data();
    ref().global_average_u8(g);
    SCOPED_TRACE(std::to_string(g.pixels) + " pixels, " + std::to_string(g.channels) + " channels, scale " +
                 std::to_string(g.scale));
    for (const Kernels* kernels : tables()) {
      SCOPED_TRACE(kernels->name);
      Guarded<u8> out(size_t(g.channels), 7);
      g.out = out.data();
      kernels->global_average_u8(g);
      ASSERT_TRUE(out.intact());
      ASSERT_EQ(out.values(), expected.values());
    }
  }
}

}  // namespace
}  // namespace tenfold::kernels::test
