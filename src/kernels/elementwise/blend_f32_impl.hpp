// FP32 weighted sums of blocks: interpolation along one axis, of whole rows or of pixels of many channels.
#pragma once

#include "kernels/isa/vec.hpp"

namespace tenfold::kernels::f32 {

template <class S, int Taps>
[[gnu::noinline]] void blend_positions(const BlendF32& g) {
  using F = typename S::Float;
  const int64_t* offset = g.offset;
  const float* weight = g.weight;
  float* out = g.out;
  for (int64_t p = 0; p < g.positions; p++, offset += Taps, weight += Taps, out += g.block) {
    const float* from[Taps];
    F w[Taps];
    unroll<Taps>([&](auto k) TENFOLD_LAMBDA {
      from[k] = g.in + offset[k];
      w[k] = S::set_f(weight[k]);
    });
    const auto sum = [&](int64_t i, auto&&... count) TENFOLD_LAMBDA {
      F x = S::mul(w[0], S::load_f(from[0] + i, count...));
      unroll<Taps - 1>([&](auto k)
                           TENFOLD_LAMBDA { x = S::fma(w[k + 1], S::load_f(from[k + 1] + i, count...), x); });
      return x;
    };
    int64_t i = 0;
    for (; i + S::lanes <= g.block; i += S::lanes) S::store_f(out + i, sum(i));
    if (i < g.block) S::store_f(out + i, sum(i, g.block - i), g.block - i);
  }
}

template <class S>
void blend_f32(const BlendF32& g) {
  g.taps == 2 ? blend_positions<S, 2>(g) : blend_positions<S, 4>(g);
}

}  // namespace tenfold::kernels::f32
