// FP32 depthwise and Winograd convolution and pooling against the scalar reference.
#include <fmt/format.h>

#include "kernels/f32_common.hpp"

namespace tenfold::kernels::test {
namespace {

/// An image whose rows and pixels may be further apart than they are long.
struct Image {
  int64_t h, w, c;
  ptrdiff_t pixel, row;
  Image(int64_t h, int64_t w, int64_t c, Random& r)
      : h(h),
        w(w),
        c(c),
        pixel(c + (r.coin() ? 0 : r.in(0, 3))),
        row(w * pixel + (r.coin() ? 0 : r.in(0, 3))) {}
  int64_t size() const { return (h - 1) * row + (w - 1) * pixel + c; }
};

struct Window {
  int kernel_h, kernel_w, stride_h, stride_w, dilation_h, dilation_w;
  int64_t top, left, bottom, right;
};
int64_t extent(int64_t in, int kernel, int stride, int dilation, int64_t before, int64_t after) {
  return (in + before + after - (int64_t(kernel) - 1) * dilation - 1) / stride + 1;
}

void check_depthwise(const Window& s, int64_t h, int64_t w, int64_t channels, Random& r) {
  const int64_t oh = extent(h, s.kernel_h, s.stride_h, s.dilation_h, s.top, s.bottom);
  const int64_t ow = extent(w, s.kernel_w, s.stride_w, s.dilation_w, s.left, s.right);
  if (oh < 1 || ow < 1) return;
  const Image in(h, w, channels, r), out(oh, ow, channels, r);
  const auto x = r.floats(in.size()), weights = r.floats(channels * s.kernel_h * s.kernel_w),
             bias = r.floats(channels);
  const auto act = gentle_activation(r);
  const int64_t split = r.in(0, oh);
  const auto run = [&](const Kernels& k) {
    const auto packed = pack_depthwise_f32(k.layout, weights.data(), channels, s.kernel_h, s.kernel_w,
                                           s.stride_h, s.stride_w, s.dilation_h, s.dilation_w, bias.data());
    std::vector<float> y(static_cast<size_t>(out.size()), kUntouched);
    DepthwiseF32 d;
    d.w = &packed, d.in = x.data(), d.in_h = h, d.in_w = w, d.in_row = in.row, d.in_pixel = in.pixel;
    d.out = y.data(), d.out_w = ow, d.out_row = out.row, d.out_pixel = out.pixel;
    d.pad_top = s.top, d.pad_left = s.left;
    d.activation = act.a, d.lo = act.lo, d.hi = act.hi;
    d.y_begin = 0, d.y_end = split;
    k.depthwise_f32(d);
    d.y_begin = split, d.y_end = oh;
    k.depthwise_f32(d);
    return y;
  };
  const auto want = run(reference());
  for (const Kernels* k : f32_tables())
    expect_close(run(*k), want, 1e-5,
                 fmt::format("{} depthwise {}x{} stride {}x{} dilation {}x{} image {}x{}x{} pad {} {}",
                             k->name, s.kernel_h, s.kernel_w, s.stride_h, s.stride_w, s.dilation_h,
                             s.dilation_w, h, w, channels, s.top, s.left));
}

TEST(DepthwiseF32, SquareKernels) {
  Random r(1);
  for (int kernel : {3, 5, 7})
    for (int stride : {1, 2})
      for (int i = 0; i < 40; i++) {
        const int64_t most = kernel - 1;
        check_depthwise({kernel, kernel, stride, stride, 1, 1, r.in(0, most), r.in(0, most), r.in(0, most),
                         r.in(0, most)},
                        r.in(1, 25), r.in(1, 25), r.in(1, 50), r);
      }
}

TEST(DepthwiseF32, AnyShape) {
  Random r(2);
  for (int i = 0; i < 150; i++)
    check_depthwise({int(r.in(1, 7)), int(r.in(1, 7)), int(r.in(1, 3)), int(r.in(1, 3)), int(r.in(1, 3)),
                     int(r.in(1, 3)), r.in(0, 4), r.in(0, 4), r.in(0, 4), r.in(0, 4)},
                    r.in(1, 25), r.in(1, 25), r.in(1, 50), r);
}

TEST(DepthwiseF32, PaddingWiderThanTheImage) {
  Random r(3);
  check_depthwise({3, 3, 1, 1, 1, 1, 20, 20, 20, 20}, 2, 2, 17, r);
  check_depthwise({7, 7, 2, 2, 1, 1, 9, 9, 9, 9}, 1, 1, 33, r);
}

void check_winograd(int tile, int64_t h, int64_t w, int64_t c, int64_t n, int64_t top, int64_t left,
                    Random& r) {
  const int64_t oh = h + top + r.in(0, 2) - 2, ow = w + left + r.in(0, 2) - 2;
  if (oh < 1 || ow < 1) return;
  const Image in(h, w, c, r), out(oh, ow, n, r);
  const auto x = r.floats(in.size()), weights = r.floats(n * c * 9), bias = r.floats(n),
             residual = r.floats(out.size());
  const bool add = r.coin();
  const auto act = gentle_activation(r);
  const int64_t tiles = (oh + tile - 1) / tile * ((ow + tile - 1) / tile), split = r.in(0, tiles);
  const auto run = [&](const Kernels& k) {
    const auto packed = pack_winograd_f32(k.layout, weights.data(), n, c, tile, bias.data());
    std::vector<std::byte> scratch(winograd_f32_scratch(k.layout, packed));
    std::vector<float> y(static_cast<size_t>(out.size()), kUntouched);
    WinogradF32 g;
    g.w = &packed, g.in = x.data(), g.in_h = h, g.in_w = w, g.in_row = in.row, g.in_pixel = in.pixel;
    g.out = y.data(), g.out_h = oh, g.out_w = ow, g.out_row = out.row, g.out_pixel = out.pixel;
    g.pad_top = top, g.pad_left = left;
    if (add) g.residual = residual.data();
    g.activation = act.a, g.lo = act.lo, g.hi = act.hi;
    g.scratch = scratch.data();
    const int64_t middle = packed.panel_channel[packed.panel_channel.size() / 2];
    for (const auto& [begin, end] : {std::pair{int64_t{0}, split}, {split, tiles}})
      for (const auto& [first, last] : {std::pair{int64_t{0}, middle}, {middle, n}}) {
        g.tile_begin = begin, g.tile_end = end;
        g.n_begin = first, g.n_end = last;
        k.winograd_f32(g);
      }
    return y;
  };
  // The reference transforms in double; its agreement with the definition of convolution is checked first.
  const auto want = run(reference());
  for (int i = 0; i < 20; i++) {
    const int64_t oy = r.in(0, oh - 1), ox = r.in(0, ow - 1), o = r.in(0, n - 1);
    const int64_t at = oy * out.row + ox * out.pixel + o;
    double sum = bias[o] + (add ? residual[at] : 0.0f);
    for (int64_t ky = 0; ky < 3; ky++)
      for (int64_t kx = 0; kx < 3; kx++)
        for (int64_t j = 0; j < c; j++) {
          const int64_t iy = oy + ky - top, ix = ox + kx - left;
          if (iy >= 0 && ix >= 0 && iy < h && ix < w)
            sum += double(weights[((o * c + j) * 3 + ky) * 3 + kx]) * x[iy * in.row + ix * in.pixel + j];
        }
    const float exact = float(sum);
    float expected;
    reference().unary_f32(&exact, &expected, 1, act.a, act.lo, act.hi);
    ASSERT_NEAR(want[at], expected, 2e-5 * std::sqrt(9.0 * c)) << "the definition of convolution";
  }
  for (const Kernels* k : f32_tables())
    expect_close(
        run(*k), want, 2e-5 * std::sqrt(9.0 * double(c)),
        fmt::format("{} F({}) image {}x{}x{} to {} pad {} {}", k->name, tile, h, w, c, n, top, left));
}

TEST(WinogradF32, AnySize) {
  Random r(4);
  for (int tile : {2, 4})
    for (int i = 0; i < 40; i++)
      check_winograd(tile, r.in(1, 20), r.in(1, 20), r.in(1, 50), r.in(1, 50), r.in(0, 2), r.in(0, 2), r);
  check_winograd(4, 60, 60, 5, 17, 1, 1, r);  // several blocks
  check_winograd(2, 30, 41, 20, 33, 1, 1, r);
}

TEST(PoolF32, MaxAndAverage) {
  Random r(5);
  for (int i = 0; i < 250; i++) {
    Pool<float> p;
    p.in_h = r.in(1, 20), p.in_w = r.in(1, 20), p.channels = r.in(1, 150);
    p.kernel_h = int(r.in(1, 5)), p.kernel_w = int(r.in(1, 5));
    p.stride_h = int(r.in(1, 3)), p.stride_w = int(r.in(1, 3));
    p.dilation_h = int(r.in(1, 2)), p.dilation_w = int(r.in(1, 2));
    p.pad_top = r.in(0, p.kernel_h - 1), p.pad_left = r.in(0, p.kernel_w - 1);
    p.pad_bottom = r.in(0, p.kernel_h - 1), p.pad_right = r.in(0, p.kernel_w - 1);
    p.count_include_pad = r.coin();
    const int64_t oh = extent(p.in_h, p.kernel_h, p.stride_h, p.dilation_h, p.pad_top, p.pad_bottom);
    p.out_w = extent(p.in_w, p.kernel_w, p.stride_w, p.dilation_w, p.pad_left, p.pad_right);
    if (oh < 1 || p.out_w < 1) continue;
    const Image in(p.in_h, p.in_w, p.channels, r), out(oh, p.out_w, p.channels, r);
    const auto x = r.floats(in.size());
    p.in = x.data(), p.in_row = in.row, p.in_pixel = in.pixel, p.out_row = out.row, p.out_pixel = out.pixel;
    p.y_begin = r.in(0, oh - 1), p.y_end = oh;
    const bool max = r.coin();
    const auto run = [&](const Kernels& k) {
      std::vector<float> y(static_cast<size_t>(out.size()), kUntouched);
      p.out = y.data();
      max ? k.max_pool_f32(p) : k.average_pool_f32(p);
      return y;
    };
    const auto want = run(reference());
    for (const Kernels* k : f32_tables())
      expect_close(run(*k), want, 1e-6,
                   fmt::format("{} {} pool {}x{}", k->name, max ? "max" : "average", p.kernel_h, p.kernel_w));
  }
}

}  // namespace
}  // namespace tenfold::kernels::test
