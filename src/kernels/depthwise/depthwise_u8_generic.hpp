// Depthwise convolution of any kernel size, stride and dilation, of weights with offsets, and of multipliers
// beyond the fast kernels' range: vectorised over channels, four taps per dot product, wherever those taps
// lie.
#pragma once

#include "kernels/depthwise/depthwise_u8_shape.hpp"
#include "kernels/isa/requantize.hpp"

namespace tenfold::kernels {

/// 4 * lanes channels of one pixel; taps are pointers to channel 0, padded to a multiple of four.
template <class S>
[[gnu::noinline]] void generic_block(const u8* const* taps, int64_t quads, int64_t channel,
                                     const std::byte* w, const VectorParams<S>* params, int zero_point,
                                     u8* out, int64_t n) {
  using I = typename S::Int;
  constexpr int B = 4 * S::lanes * S::layout.weight_bytes;
  I acc[4];
  unroll<4>([&](auto s) TENFOLD_LAMBDA { acc[s] = S::load_i(params[s].init); });
  for (int64_t t = 0; t < quads; ++t, taps += 4, w += 4 * B) {
    I r[4];
    unroll<4>([&](auto i) TENFOLD_LAMBDA { r[i] = S::load_i(taps[i] + channel); });
    const I abl = S::lo8(r[0], r[1]), abh = S::hi8(r[0], r[1]);
    const I cdl = S::lo8(r[2], r[3]), cdh = S::hi8(r[2], r[3]);
    S::dot4(acc[0], S::split(S::lo16(abl, cdl)), S::weights(w));
    S::dot4(acc[1], S::split(S::hi16(abl, cdl)), S::weights(w + B));
    S::dot4(acc[2], S::split(S::lo16(abh, cdh)), S::weights(w + 2 * B));
    S::dot4(acc[3], S::split(S::hi16(abh, cdh)), S::weights(w + 3 * B));
  }
  I q[4];
  unroll<4>([&](auto s) TENFOLD_LAMBDA {
    q[s] = round_to_i32<S, true>(
        S::fma(S::to_f32(acc[s]), S::load_f(params[s].multiplier), S::load_f(params[s].bias)));
  });
  store_bytes<S>(out, pack4<S>(q[0], q[1], q[2], q[3], S::set_i16(zero_point)), n);
}

template <class S>
void depthwise_generic(const DepthwiseU8& d) {
  const PackedDepthwiseU8& w = *d.w;
  constexpr int64_t B = 4 * S::lanes * S::layout.weight_bytes;
  const int64_t C = w.channels, quads = (int64_t(w.kernel_h) * w.kernel_w * w.planes + 3) / 4;
  auto* outside = reinterpret_cast<u8*>(d.scratch);  // a pixel of zero points
  const int64_t outside_bytes = (C + 127) / 64 * 64;
  for (int64_t i = 0; i < outside_bytes; i += 4 * S::lanes)
    S::store_i(outside + i, S::set_i8(w.x_zero_point));
  auto** taps = reinterpret_cast<const u8**>(d.scratch + outside_bytes);
  for (int64_t y = d.y_begin; y < d.y_end; ++y) {
    for (int64_t x = 0; x < d.out_w; ++x) {
      int64_t count = 0;
      for (int64_t ky = 0; ky < w.kernel_h; ++ky) {
        const int64_t iy = y * w.stride_h - d.pad_top + ky * w.dilation_h;
        for (int64_t kx = 0; kx < w.kernel_w; ++kx) {
          const int64_t ix = x * w.stride_w - d.pad_left + kx * w.dilation_w;
          const bool inside = iy >= 0 && ix >= 0 && iy < d.in_h && ix < d.in_w;
          taps[count++] = inside ? d.in + iy * d.in_row + ix * d.in_pixel : outside;
        }
      }
      const int64_t all = count * w.planes;
      for (int64_t i = 0; count < all; ++i, ++count) taps[count] = taps[i];
      for (; count % 4 != 0; ++count) taps[count] = outside;
      u8* out = d.out + y * d.out_row + x * d.out_pixel;
      const std::byte* weights = w.weights;
      const auto* params = reinterpret_cast<const VectorParams<S>*>(w.params);
      for (int64_t c = 0; c < C; c += 4 * S::lanes, weights += quads * 4 * B, params += 4)
        generic_block<S>(taps, quads, c, weights, params, d.zero_point, out + c, C - c);
    }
  }
}

}  // namespace tenfold::kernels
