// The scalar truth for INT8 kernels: plain loops, no vectors, written for reading.
//
// Accumulators wrap modulo 2^32 like the vector ones; floats are never contracted (std::fma is asked for by
// name), and this file is compiled for the baseline, so that the rounding is the one that the contract
// states.
#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>

#include "kernels/isa/declarations.hpp"
#include "kernels/kernels.hpp"

namespace tenfold::kernels {
namespace {

/// Round half to even, add the zero point, clamp.  NaN counts as minus infinity.
u8 to_u8(float x, int zero_point) {
  if (std::isnan(x)) return 0;
  const float limited = std::clamp(x, -65536.0f, 65536.0f);
  return u8(std::clamp(int(std::nearbyint(limited)) + zero_point, 0, 255));
}

int32_t wrap(uint32_t x) { return int32_t(x); }

template <class T>
T param(const std::byte* params, int64_t channel, int field) {  // {init, multiplier, bias} per channel
  T x;
  std::memcpy(&x, params + channel * 12 + field * 4, 4);
  return x;
}

u8 add_residual(const GemmU8& g, u8 q, u8 r) {
  const float x = std::fma(float(q), g.q_scale, std::fma(float(r), g.r_scale, g.offset));
  const u8 y = to_u8(x, g.residual_zero_point);
  return g.residual_table ? g.residual_table[y] : y;
}

void gemm_u8(const GemmU8& g) {
  const PackedU8& w = *g.w;
  for (int64_t m = 0; m < g.m; ++m) {
    for (int64_t n = g.n_begin; n < g.n_end; ++n) {
      uint32_t acc =
          g.init_override ? uint32_t(g.init_override[n]) : uint32_t(param<int32_t>(w.params, n, 0));
      for (int64_t t = 0; t < w.taps; ++t) {
        const u8* a = g.indirect ? g.indirect[t * g.indirect_stride + m] + g.a_offset : g.a + m * g.lda;
        const auto* b = reinterpret_cast<const s8*>(w.weights) + (n * w.taps + t) * w.k_padded;
        const int offset = w.weight_offsets ? w.weight_offsets[n] : 0;
        for (int64_t k = 0; k < w.k; ++k) acc += uint32_t(int(a[k]) * (int(b[k]) + offset));
      }
      const float multiplier = param<float>(w.params, n, 1), bias = param<float>(w.params, n, 2);
      float real = std::fma(float(wrap(acc)), multiplier * g.dynamic_scale, bias);
      const u8* residual = g.residual ? g.residual + m * g.ld_residual + n : nullptr;
      if (g.tail && g.tail->residual) {
        real += std::fma(float(*residual), g.r_scale, g.offset);
        residual = nullptr;
      }
      if (g.tail && g.tail->activation != Activation::none)
        g.tail->unary(&real, &real, 1, g.tail->activation, g.tail->lo, g.tail->hi);
      if (g.tail && g.factors) real *= g.factors[n];
      if (g.c_f32) {
        g.c_f32[m * g.ldc + n] = real;
        continue;
      }
      u8 q;
      if (g.tail)
        g.tail->quantize(&real, &q, 1, g.tail->inverse_scale, g.zero_point);
      else
        q = to_u8(real, g.zero_point);
      if (g.table) q = g.table[q];
      g.c[m * g.ldc + n] = residual ? add_residual(g, q, *residual) : q;
    }
  }
}

void grouped_u8(const GroupedU8& g) {
  const PackedGroupedU8& w = *g.w;
  const auto* weights = reinterpret_cast<const s8*>(w.weights);
  for (int64_t m = 0; m < g.m; ++m)
    for (int64_t c = 0; c < w.channels; ++c) {
      auto acc = uint32_t(param<int32_t>(w.params, c, 0));
      for (int64_t t = 0; t < w.taps; ++t) {
        const u8* x = g.indirect[t * g.indirect_stride + m] + c / w.width * w.width;
        for (int64_t i = 0; i < w.width; ++i)
          acc += uint32_t(int(x[i]) * int(weights[(c * w.width + i) * w.taps + t]));
      }
      const float multiplier = param<float>(w.params, c, 1), bias = param<float>(w.params, c, 2);
      const u8 q = to_u8(std::fma(float(wrap(acc)), multiplier, bias), g.zero_point);
      g.c[m * g.ldc + c] = g.table ? g.table[q] : q;
    }
}

void depthwise_u8(const DepthwiseU8& d) {
  const PackedDepthwiseU8& w = *d.w;
  const auto* weights = reinterpret_cast<const s8*>(w.weights);
  for (int64_t y = d.y_begin; y < d.y_end; ++y) {
    for (int64_t x = 0; x < d.out_w; ++x) {
      for (int64_t c = 0; c < w.channels; ++c) {
        const int offset = w.weight_offsets.empty() ? 0 : w.weight_offsets[size_t(c)];
        uint32_t acc = 0;
        for (int64_t ky = 0; ky < w.kernel_h; ++ky) {
          for (int64_t kx = 0; kx < w.kernel_w; ++kx) {
            const int64_t iy = y * w.stride_h - d.pad_top + ky * w.dilation_h;
            const int64_t ix = x * w.stride_w - d.pad_left + kx * w.dilation_w;
            if (iy < 0 || ix < 0 || iy >= d.in_h || ix >= d.in_w) continue;
            const int value = int(d.in[iy * d.in_row + ix * d.in_pixel + c]) - w.x_zero_point;
            acc += uint32_t(value * (int(weights[(c * w.kernel_h + ky) * w.kernel_w + kx]) + offset));
          }
        }
        const float multiplier = param<float>(w.params, c, 1), bias = param<float>(w.params, c, 2);
        const u8 q = to_u8(std::fma(float(wrap(acc)), multiplier, bias), d.zero_point);
        d.out[y * d.out_row + x * d.out_pixel + c] = d.table ? d.table[q] : q;
      }
    }
  }
}

template <class F>
void binary_u8(const BinaryU8& b, F&& value) {
  for (int64_t i = 0; i < b.outer; ++i) {
    for (int64_t j = 0; j < b.inner; ++j) {
      const u8 x = b.a[i * b.a_outer + j * b.a_inner], y = b.b[i * b.b_outer + j * b.b_inner];
      const u8 q = to_u8(value(x, y), b.zero_point);
      b.c[i * b.c_outer + j] = b.table ? b.table[q] : q;
    }
  }
}
void add_u8(const BinaryU8& b) {
  binary_u8(
      b, [&](u8 x, u8 y) { return std::fma(float(x), b.a_scale, std::fma(float(y), b.b_scale, b.offset)); });
}
void mul_u8(const BinaryU8& b) {
  binary_u8(b, [&](u8 x, u8 y) { return float((int(x) - b.a_zero) * (int(y) - b.b_zero)) * b.a_scale; });
}

void lookup_u8(const u8* in, u8* out, int64_t n, const u8* table) {
  for (int64_t i = 0; i < n; ++i) out[i] = table[in[i]];
}

/// f(value) for every pixel of the window of output (y, x), channel c, that lies inside the image.
template <class F>
void for_window(const Pool<u8>& p, int64_t y, int64_t x, int64_t c, F&& f) {
  for (int64_t ky = 0; ky < p.kernel_h; ++ky) {
    for (int64_t kx = 0; kx < p.kernel_w; ++kx) {
      const int64_t iy = y * p.stride_h - p.pad_top + ky * p.dilation_h;
      const int64_t ix = x * p.stride_w - p.pad_left + kx * p.dilation_w;
      const bool inside = iy >= 0 && ix >= 0 && iy < p.in_h && ix < p.in_w;
      if (inside) f(p.in[iy * p.in_row + ix * p.in_pixel + c]);
    }
  }
}
/// Pixels of the window that lie inside the image or its declared padding.
int64_t padded_count(const Pool<u8>& p, int64_t y, int64_t x) {
  int64_t rows = 0, columns = 0;
  for (int64_t ky = 0; ky < p.kernel_h; ++ky) {
    const int64_t iy = y * p.stride_h - p.pad_top + ky * p.dilation_h;
    rows += iy < p.in_h + p.pad_bottom;
  }
  for (int64_t kx = 0; kx < p.kernel_w; ++kx) {
    const int64_t ix = x * p.stride_w - p.pad_left + kx * p.dilation_w;
    columns += ix < p.in_w + p.pad_right;
  }
  return rows * columns;
}
template <class F>
void for_outputs(const Pool<u8>& p, F&& value) {
  for (int64_t y = p.y_begin; y < p.y_end; ++y)
    for (int64_t x = 0; x < p.out_w; ++x)
      for (int64_t c = 0; c < p.channels; ++c) p.out[y * p.out_row + x * p.out_pixel + c] = value(y, x, c);
}
void max_pool_u8(const Pool<u8>& p) {
  for_outputs(p, [&](int64_t y, int64_t x, int64_t c) {
    u8 largest = 0;
    for_window(p, y, x, c, [&](u8 v) { largest = std::max(largest, v); });
    return largest;
  });
}
void average_pool_u8(const Pool<u8>& p) {
  for_outputs(p, [&](int64_t y, int64_t x, int64_t c) {
    int32_t sum = 0, inside = 0;
    for_window(p, y, x, c, [&](u8 v) { sum += int(v) - p.in_zero, ++inside; });
    const int64_t count = p.count_include_pad ? padded_count(p, y, x) : inside;
    return count == 0 ? to_u8(0, p.out_zero) : to_u8(float(sum) * (p.scale / float(count)), p.out_zero);
  });
}
void global_average_u8(const GlobalAverageU8& g) {
  for (int64_t c = 0; c < g.channels; ++c) {
    int32_t sum = 0;
    for (int64_t i = 0; i < g.pixels; ++i) sum += int(g.in[i * g.in_pixel + c]) - g.in_zero;
    g.out[c] = to_u8(float(sum) * (g.scale / float(g.pixels)), g.out_zero);
  }
}

void reduce_u8(const Reduce<u8>& g) {
  for (int64_t o = 0; o < g.outer; ++o) {
    for (int64_t i = 0; i < g.inner; ++i) {
      const u8* in = g.in + o * g.in_outer + i;
      u8 result = *in;
      for (int64_t k = 1; k < g.count; ++k) {
        const u8 x = in[k * g.in_step];
        result = g.op == Reduction::max ? std::max(result, x) : std::min(result, x);
      }
      g.out[o * g.out_outer + i] = result;
    }
  }
}

void column_sums_u8(const ColumnSumsU8& g) {
  for (int64_t c = 0; c < g.channels; ++c) {
    g.sums[c] = g.squares[c] = 0;
    for (int64_t p = 0; p < g.pixels; ++p) {
      const uint32_t x = g.in[p * g.in_pixel + c];
      g.sums[c] += x, g.squares[c] += x * x;
    }
  }
}
void affine_u8(const AffineU8& g) {
  for (int64_t p = 0; p < g.pixels; ++p)
    for (int64_t c = 0; c < g.channels; ++c)
      g.out[p * g.pixel + c] =
          to_u8(std::fma(float(g.in[p * g.pixel + c]), g.factor[c], g.shift[c]), g.zero_point);
}

/// In single precision and this order, as the vector kernels sum, for the sake of the bytes.
template <class In, class Out>
void blend(const Blend<In, Out>& g) {
  const float in_zero = float(g.in_zero);
  for (int64_t p = 0; p < g.positions; ++p) {
    const int64_t* offset = g.offset + p * g.taps;
    const float* weight = g.weight + p * g.taps;
    for (int64_t i = 0; i < g.block; ++i) {
      float sum = weight[0] * (float(g.in[offset[0] + i]) - in_zero);
      for (int k = 1; k < g.taps; ++k) sum = std::fma(weight[k], float(g.in[offset[k] + i]) - in_zero, sum);
      if constexpr (std::is_same_v<Out, u8>)
        g.out[p * g.block + i] = to_u8(sum * g.scale, g.out_zero);
      else
        g.out[p * g.block + i] = sum;
    }
  }
}

void quantize_u8(const float* in, u8* out, int64_t n, float inverse_scale, int zero_point) {
  for (int64_t i = 0; i < n; ++i) out[i] = to_u8(in[i] * inverse_scale, zero_point);
}
void quantize_divided_u8(const float* in, u8* out, int64_t n, float scale, int zero_point) {
  for (int64_t i = 0; i < n; ++i) out[i] = to_u8(in[i] / scale, zero_point);
}
void quantize_planar_u8(const float* in, ptrdiff_t in_plane, u8* out, ptrdiff_t out_pixel, int64_t pixels,
                        int64_t channels, float inverse_scale, int zero_point) {
  for (int64_t i = 0; i < pixels; ++i)
    for (int64_t c = 0; c < out_pixel; ++c)
      out[i * out_pixel + c] =
          c < channels ? to_u8(in[c * in_plane + i] * inverse_scale, zero_point) : u8(zero_point);
}
void dequantize_u8(const u8* in, float* out, int64_t n, float scale, int zero_point) {
  for (int64_t i = 0; i < n; ++i) out[i] = float(int(in[i]) - zero_point) * scale;
}

}  // namespace

void add_u8_kernels_ref(Kernels& table) {
  table.layout = {.lanes = 1, .weight_bytes = 1, .panel = 1, .k_multiple = 4};
  table.gemm_u8 = gemm_u8;
  table.depthwise_u8 = depthwise_u8;
  table.grouped_u8 = grouped_u8;
  table.add_u8 = add_u8;
  table.mul_u8 = mul_u8;
  table.lookup_u8 = lookup_u8;
  table.max_pool_u8 = max_pool_u8;
  table.average_pool_u8 = average_pool_u8;
  table.global_average_u8 = global_average_u8;
  table.reduce_u8 = reduce_u8;
  table.column_sums_u8 = column_sums_u8;
  table.affine_u8 = affine_u8;
  table.blend_f32 = blend<float, float>;
  table.blend_from_u8 = blend<u8, float>;
  table.blend_to_u8 = blend<float, u8>;
  table.quantize_u8 = quantize_u8;
  table.quantize_divided_u8 = quantize_divided_u8;
  table.quantize_planar_u8 = quantize_planar_u8;
  table.dequantize_u8 = dequantize_u8;
}

}  // namespace tenfold::kernels
