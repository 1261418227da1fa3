// FP32 pooling over NHWC images, and means over rows.
#pragma once

#include "kernels/isa/vec.hpp"

namespace tenfold::kernels::f32 {

/// The taps [begin, end) of a window along one axis that lie in the image, the first at `at`.
struct Taps {
  int64_t begin, end, padded;  ///< padded: taps before the end of the padding behind the image
  [[gnu::always_inline]] Taps(int64_t at, int64_t kernel, int64_t dilation, int64_t size, int64_t pad_after) {
    const auto before = [&](int64_t limit) TENFOLD_LAMBDA {  // taps at positions below `limit`
      const int64_t count = limit <= at ? 0 : (limit - at + dilation - 1) / dilation;
      return lesser(count, kernel);
    };
    begin = before(0);
    end = larger(before(size), begin);
    padded = before(size + pad_after);
  }
};

template <class S, bool Max, int NV>
[[gnu::always_inline]] inline void pool_pixel(const Pool<float>& p, const float* in, const Taps& ty,
                                              const Taps& tx, float scale, float* out, int64_t n) {
  using F = typename S::Float;
  F acc[NV];
  unroll<NV>([&](auto v) TENFOLD_LAMBDA { acc[v] = Max ? S::set_f(-__builtin_inff()) : S::zero_f(); });
  const ptrdiff_t step_y = p.dilation_h * p.in_row, step_x = p.dilation_w * p.in_pixel;
  for (int64_t ky = ty.begin; ky < ty.end; ky++) {
    const float* q = in + ky * step_y + tx.begin * step_x;
    for (int64_t kx = tx.begin; kx < tx.end; kx++, q += step_x)
      unroll<NV>([&](auto v) TENFOLD_LAMBDA {
        const F x = S::load_f(q + v * S::lanes, n - v * S::lanes);
        if constexpr (Max)
          acc[v] = S::select(S::ordered(x), S::max(x, acc[v]), x);  // a NaN stays
        else
          acc[v] = S::add(acc[v], x);
      });
  }
  unroll<NV>([&](auto v) TENFOLD_LAMBDA {
    if constexpr (!Max) acc[v] = S::mul(acc[v], S::set_f(scale));
    S::store_f(out + v * S::lanes, acc[v], n - v * S::lanes);
  });
}

template <class S, bool Max>
void pool_f32(const Pool<float>& p) {
  constexpr int64_t wide = 4 * S::lanes;
  for (int64_t y = p.y_begin; y < p.y_end; y++) {
    const int64_t y0 = y * p.stride_h - p.pad_top;
    const Taps ty(y0, p.kernel_h, p.dilation_h, p.in_h, p.pad_bottom);
    for (int64_t x = 0; x < p.out_w; x++) {
      const int64_t x0 = x * p.stride_w - p.pad_left;
      const Taps tx(x0, p.kernel_w, p.dilation_w, p.in_w, p.pad_right);
      const int64_t count =
          p.count_include_pad ? ty.padded * tx.padded : (ty.end - ty.begin) * (tx.end - tx.begin);
      const float scale = 1 / float(larger<int64_t>(1, count));
      const float* in = p.in + y0 * p.in_row + x0 * p.in_pixel;
      float* out = p.out + y * p.out_row + x * p.out_pixel;
      int64_t c = 0;
      for (; c + wide <= p.channels; c += wide)
        pool_pixel<S, Max, 4>(p, in + c, ty, tx, scale, out + c, wide);
      for (; c < p.channels; c += S::lanes)
        pool_pixel<S, Max, 1>(p, in + c, ty, tx, scale, out + c, p.channels - c);
    }
  }
}

template <class S>
void max_pool_f32(const Pool<float>& p) {
  pool_f32<S, true>(p);
}
template <class S>
void average_pool_f32(const Pool<float>& p) {
  pool_f32<S, false>(p);
}

}  // namespace tenfold::kernels::f32
