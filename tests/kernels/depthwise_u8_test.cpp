// INT8 depthwise convolution of every ISA against the scalar reference, bit for bit.
#include "kernels/kernel_test_util.hpp"

namespace tenfold::kernels::test {
namespace {

struct Shape {
  int64_t channels, in_h, in_w;
  int kernel_h, kernel_w, stride_h, stride_w, dilation_h, dilation_w;
  int64_t pad_top, pad_left, pad_bottom, pad_right;
  int64_t out_h() const {
    return (in_h + pad_top + pad_bottom - dilation_h * (kernel_h - 1) - 1) / stride_h + 1;
  }
  int64_t out_w() const {
    return (in_w + pad_left + pad_right - dilation_w * (kernel_w - 1) - 1) / stride_w + 1;
  }
  bool valid() const {
    return in_h + pad_top + pad_bottom > dilation_h * (kernel_h - 1) &&
           in_w + pad_left + pad_right > dilation_w * (kernel_w - 1);
  }
};

void check(Random& random, const Shape& s, bool extreme) {
  const int64_t in_pixel = s.channels + random.in(0, 5), in_row = s.in_w * in_pixel + random.in(0, 40);
  const int64_t out_pixel = s.channels + random.in(0, 5), out_row = s.out_w() * out_pixel + random.in(0, 40);
  const int taps = s.kernel_h * s.kernel_w, x_zero = random.zero_point(), zero = random.zero_point();
  const auto weights = random.weights(size_t(s.channels * taps));
  auto channels = random.channels(s.channels, taps, extreme);
  if (random.in(0, 3) == 0) random.add_weight_offsets(channels, int(random.in(127, 128)));
  const auto lookup = random.table256();
  const bool use_table = random.coin();
  Guarded<u8> in(size_t((s.in_h - 1) * in_row + (s.in_w - 1) * in_pixel + s.channels));
  random.fill_bytes(in.data(), in.size());
  const size_t out_size = size_t((s.out_h() - 1) * out_row + (s.out_w() - 1) * out_pixel + s.channels);
  const auto run = [&](const Kernels& kernels, u8* out, int64_t split) {
    const auto w = pack_depthwise_u8(kernels.layout, weights.data(), s.channels, s.kernel_h, s.kernel_w,
                                     s.stride_h, s.stride_w, s.dilation_h, s.dilation_w, x_zero, channels);
    Guarded<std::byte> scratch((depthwise_u8_scratch(kernels.layout, w) + 63) / 64 * 64);
    DepthwiseU8 d;
    d.w = &w, d.in = in.data(), d.in_h = s.in_h, d.in_w = s.in_w, d.in_row = in_row, d.in_pixel = in_pixel;
    d.out = out, d.out_w = s.out_w(), d.out_row = out_row, d.out_pixel = out_pixel;
    d.pad_top = s.pad_top, d.pad_left = s.pad_left, d.zero_point = zero;
    d.table = use_table ? lookup.data() : nullptr, d.scratch = scratch.data();
    d.y_begin = 0, d.y_end = split, kernels.depthwise_u8(d);
    d.y_begin = split, d.y_end = s.out_h(), kernels.depthwise_u8(d);
    ASSERT_TRUE(scratch.intact());
  };
  Guarded<u8> expected(out_size, 7);
  run(ref(), expected.data(), 0);
  for (const Kernels* kernels : tables()) {
    SCOPED_TRACE(std::string(kernels->name) + " c " + std::to_string(s.channels) + " in " +
                 std::to_string(s.in_h) + "x" + std::to_string(s.in_w) + " kernel " +
                 std::to_string(s.kernel_h) + "x" + std::to_string(s.kernel_w) + " stride " +
                 std::to_string(s.stride_h) + "," + std::to_string(s.stride_w) + " dilation " +
                 std::to_string(s.dilation_h) + "," + std::to_string(s.dilation_w) + " pad " +
                 std::to_string(s.pad_top) + "," + std::to_string(s.pad_left) + (extreme ? " extreme" : ""));
    for (int64_t split : {int64_t{0}, random.in(0, s.out_h())}) {
      Guarded<u8> out(out_size, 7, 0);
      run(*kernels, out.data(), split);
      ASSERT_EQ(out.values(), expected.values());
    }
  }
}

TEST(DepthwiseU8, FastShapesMatchReference) {
  Random random(11);
  for (int i = 0; i < 300; ++i) {
    const int kernel = random.pick({3, 5, 7}), stride = random.pick({1, 2});
    const auto pad = [&] { return random.in(0, kernel - 1); };
    const Shape s{random.in(1, 150),
                  random.in(1, 16),
                  random.pick<int64_t>({1, 5, 14, 28, 29, 57, 90}),
                  kernel,
                  kernel,
                  stride,
                  stride,
                  1,
                  1,
                  pad(),
                  pad(),
                  pad(),
                  pad()};
    if (!s.valid()) continue;
    check(random, s, false);
    if (HasFatalFailure()) return;
  }
}

TEST(DepthwiseU8, AnyShapeMatchesReference) {
  Random random(12);
  for (int i = 0; i < 300; ++i) {
    const auto small = [&](int64_t most) { return int(random.in(1, most)); };
    const Shape s{random.in(1, 150), random.in(1, 14), random.in(1, 20), small(6), small(6),
                  small(3),          small(3),         small(3),         small(3), random.in(0, 6),
                  random.in(0, 6),   random.in(0, 6),  random.in(0, 6)};
    if (!s.valid()) continue;
    check(random, s, random.in(0, 3) == 0);
    if (HasFatalFailure()) return;
  }
}

TEST(DepthwiseU8, EveryTailOfChannels) {
  Random random(14);
  for (int64_t channels = 1; channels <= 130; ++channels) {
    const int kernel = random.pick({3, 5, 7}), stride = random.pick({1, 2});
    const int64_t pad = kernel / 2;
    check(random, {channels, 8, 11, kernel, kernel, stride, stride, 1, 1, pad, pad, pad, pad}, random.coin());
    if (HasFatalFailure()) return;
  }
}

TEST(DepthwiseU8, ExtremeMultipliersOnFastShapes) {
  Random random(13);
  for (int i = 0; i < 20; ++i) {
    check(random, {random.in(1, 80), 9, 9, 3, 3, 1, 1, 1, 1, 1, 1, 1, 1}, true);
    if (HasFatalFailure()) return;
  }
}

}  // namespace
}  // namespace tenfold::kernels::test
