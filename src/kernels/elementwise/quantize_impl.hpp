// Between f32 and u8, and the range of f32 values.
#pragma once

#include "kernels/isa/requantize.hpp"

namespace tenfold::kernels {

enum class Scaling { multiply, divide };

/// Four vectors of quantized values as bytes: in every 128-bit part four of each vector.
template <class S, Scaling By = Scaling::multiply, class F = typename S::Float>
[[gnu::always_inline]] inline typename S::Int quantize_parts(F a, F b, F c, F d, F scale,
                                                             typename S::Int zero_point) {
  const auto q = [&](F x) TENFOLD_LAMBDA {
    if constexpr (By == Scaling::divide)
      x = S::div(x, scale);
    else
      x = S::mul(x, scale);
    return round_to_i32<S, true>(x);
  };
  return pack4<S>(q(a), q(b), q(c), q(d), zero_point);
}
/// The same in source order.
template <class S, Scaling By = Scaling::multiply, class F = typename S::Float>
[[gnu::always_inline]] inline typename S::Int quantize4(F a, F b, F c, F d, F scale,
                                                        typename S::Int zero_point) {
  return S::template group_rows<1>(quantize_parts<S, By>(a, b, c, d, scale, zero_point));
}

template <class S, Scaling By>
[[gnu::always_inline]] inline void quantize_flat(const float* in, u8* out, int64_t n, float by,
                                                 int zero_point) {
  constexpr int W = S::lanes;
  const auto scale = S::set_f(by);
  const auto zero = S::set_i16(zero_point);
  int64_t i = 0;
  for (; i + 4 * W <= n; i += 4 * W) {
    const float* p = in + i;
    S::store_i(out + i, quantize4<S, By>(S::load_f(p), S::load_f(p + W), S::load_f(p + 2 * W),
                                         S::load_f(p + 3 * W), scale, zero));
  }
  for (; i < n; i += W) {
    const auto x = S::load_f(in + i, n - i);
    S::template store_chunk<W>(out + i, quantize4<S, By>(x, x, x, x, scale, zero), 0, n - i);
  }
}
template <class S>
void quantize_u8(const float* in, u8* out, int64_t n, float inverse_scale, int zero_point) {
  quantize_flat<S, Scaling::multiply>(in, out, n, inverse_scale, zero_point);
}
template <class S>
void quantize_divided_u8(const float* in, u8* out, int64_t n, float scale, int zero_point) {
  quantize_flat<S, Scaling::divide>(in, out, n, scale, zero_point);
}

/// Up to three planes to pixels of four bytes: what a stem convolution reads.
template <class S>
[[gnu::always_inline]] inline void quantize_rgbx(const float* in, ptrdiff_t in_plane, u8* out, int64_t pixels,
                                                 int64_t channels, typename S::Float scale,
                                                 typename S::Int zero) {
  constexpr int W = S::lanes;
  for (int64_t i = 0; i < pixels; i += W) {
    const auto plane = [&](int c) TENFOLD_LAMBDA {
      return c < channels ? S::load_f(in + c * in_plane + i, pixels - i) : S::zero_f();
    };
    const auto y = quantize_parts<S>(plane(0), plane(1), plane(2), plane(3), scale, zero);
    store_bytes<S>(out + 4 * i, turn_parts<S>(y), 4 * (pixels - i));
  }
}

template <class S>
void quantize_planar_u8(const float* in, ptrdiff_t in_plane, u8* out, ptrdiff_t out_pixel, int64_t pixels,
                        int64_t channels, float inverse_scale, int zero_point) {
  constexpr int W = S::lanes;
  const auto scale = S::set_f(inverse_scale);
  const auto zero = S::set_i16(zero_point);
  if (out_pixel == 4) return quantize_rgbx<S>(in, in_plane, out, pixels, channels, scale, zero);
  alignas(64) u8 chunk[4 * W];
  for (int64_t i = 0; i < pixels; i += W) {
    const int64_t n = lesser<int64_t>(W, pixels - i);
    for (int64_t c = 0; c < out_pixel; c += 4) {  // four planes at a time
      const auto plane = [&](int64_t p) TENFOLD_LAMBDA {
        return c + p < channels ? S::load_f(in + (c + p) * in_plane + i, n) : S::zero_f();
      };
      S::store_i(chunk, quantize4<S>(plane(0), plane(1), plane(2), plane(3), scale, zero));
      for (int64_t p = 0; p < lesser<int64_t>(4, out_pixel - c); ++p)
        for (int64_t j = 0; j < n; ++j) out[(i + j) * out_pixel + c + p] = chunk[p * W + j];
    }
  }
}

template <class S>
void dequantize_u8(const u8* in, float* out, int64_t n, float scale, int zero_point) {
  const auto s = S::set_f(scale), zero = S::set_f(float(zero_point));
  for (int64_t i = 0; i < n; i += S::lanes)
    S::store_f(out + i, S::mul(S::sub(S::to_f32(S::load_u8_i32(in + i)), zero), s), n - i);
}

}  // namespace tenfold::kernels
