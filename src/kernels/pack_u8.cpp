// Packing of INT8 weights for any ISA's layout.  Portable host code: a layout is plain data.
#include <algorithm>
#include <cmath>
#include <cstring>

#include "base/math.hpp"
#include "kernels/depthwise/depthwise_u8_shape.hpp"
#include "kernels/kernels.hpp"

namespace tenfold::kernels {
namespace {

constexpr int64_t kAlign = 64;
constexpr int64_t kSlack = 128;  // vector loads and prefetches may look past the end

/// Allocates and returns the aligned start.
std::byte* allocate(std::vector<std::byte>& storage, int64_t bytes) {
  storage.assign(size_t(checked_add(bytes, kAlign + kSlack)), std::byte{0});
  const auto address = reinterpret_cast<uintptr_t>(storage.data());
  return storage.data() + (kAlign - address % kAlign) % kAlign;
}

/// One lane of a weight vector: four taps.  s8 quads as they are; s16 as even pairs, then odd pairs one
/// vector on.
void put_quad(const PackLayout& layout, std::byte* vector, int lane, const s8 (&quad)[4]) {
  if (layout.weight_bytes == 1) {
    std::memcpy(vector + 4 * lane, quad, 4);
    return;
  }
  for (int i = 0; i < 4; ++i) {
    const int16_t wide = quad[i];
    std::memcpy(vector + ((i & 1) * 2 * layout.lanes + 2 * lane + i / 2) * 2, &wide, 2);
  }
}

void put_params(const PackLayout& layout, std::byte* params, int64_t vector, int lane, int32_t init,
                QuantizedChannel q) {
  std::byte* at = params + (vector * 3 * layout.lanes + lane) * 4;
  std::memcpy(at, &init, 4);
  std::memcpy(at + 4 * layout.lanes, &q.multiplier, 4);
  std::memcpy(at + 8 * layout.lanes, &q.bias, 4);
}

/// -x_zero_point * sum(weights), modulo 2^32 like the accumulators.
int32_t initial_accumulator(const s8* weights, int64_t count, int x_zero_point) {
  uint32_t sum = 0;
  for (int64_t i = 0; i < count; ++i) sum += uint32_t(int32_t(weights[i]));
  return int32_t(0u - uint32_t(x_zero_point) * sum);
}

/// Whether |acc * multiplier + bias| stays below 2^31 for every input, so that the conversion to s32 is
/// exact.
bool conversion_is_safe(const s8* weights, int64_t count, int x_zero_point, QuantizedChannel q) {
  int64_t sum = 0;
  for (int64_t i = 0; i < count; ++i) sum += std::abs(int(weights[i]));
  const double acc = std::min(double(sum) * std::max(x_zero_point, 255 - x_zero_point), 2147483648.0);
  return acc * std::abs(double(q.multiplier)) + std::abs(double(q.bias)) < 2147480000.0;
}

/// Vectors of the next panel when `left` remain: whole panels, then 1, 2 or 4 (kernels have no 3).
int panel_vectors(const PackLayout& layout, int64_t left) {
  return left >= layout.panel ? layout.panel : left == 3 ? 4 : int(left);
}

}  // namespace

PackedU8 pack_gemm_u8(const PackLayout& layout, const s8* weights, int64_t n, int64_t taps, int64_t k,
                      int x_zero_point, std::span<const QuantizedChannel> channels) {
  ensure(n > 0 && taps > 0 && k > 0 && int64_t(channels.size()) == n,
         "pack_gemm_u8: {} channels, {} taps, {} deep, {} multipliers", n, taps, k, channels.size());
  PackedU8 p;
  p.k = k;
  // Padding at most doubles K: AMX takes steps of 64, shallower products go to the vector tile.
  p.k_padded = round_up(k, 2 * k < layout.k_multiple ? 4 : layout.k_multiple);
  p.taps = taps;
  p.n = n;
  p.panel_channels = int64_t(layout.panel) * layout.lanes;
  const int64_t depth = checked_mul(taps, k), depth_padded = checked_mul(taps, p.k_padded);
  const int64_t vectors = round_up(ceil_div(n, layout.lanes), 4);  // upper bound
  const int64_t extents[] = {vectors, layout.lanes, depth_padded, layout.weight_bytes};
  const int64_t weight_bytes = round_up(checked_product(extents), kAlign);
  std::byte* base = allocate(p.storage, checked_add(weight_bytes, vectors * 12 * layout.lanes));
  p.weights = base;
  p.params = base + weight_bytes;

  const int64_t vector_bytes = 4 * layout.lanes * layout.weight_bytes;
  std::byte* w = base;
  int64_t vector = 0;
  for (int64_t n0 = 0; n0 < n;) {
    const int nv = panel_vectors(layout, ceil_div(n - n0, layout.lanes));
    p.panel_weight_offset.push_back(w - base);
    p.panel_param_offset.push_back(vector * 12 * layout.lanes);
    // The order that makes four vectors, packed to bytes inside 128-bit parts, come out as consecutive
    // channels.
    const auto channel = [&](int v, int lane) { return n0 + lane / 4 * 4 * nv + v * 4 + lane % 4; };
    for (int64_t t = 0; t < taps; ++t)
      for (int64_t k0 = 0; k0 < p.k_padded; k0 += 4)
        for (int v = 0; v < nv; ++v, w += vector_bytes)
          for (int lane = 0; lane < layout.lanes; ++lane) {
            const int64_t c = channel(v, lane);
            s8 quad[4] = {};
            if (c < n && k0 < k)
              std::memcpy(quad, weights + c * depth + t * k + k0, size_t(std::min<int64_t>(4, k - k0)));
            put_quad(layout, w, lane, quad);
          }
    for (int v = 0; v < nv; ++v)
      for (int lane = 0; lane < layout.lanes; ++lane) {
        const int64_t c = channel(v, lane);
        if (c >= n) continue;
        const int32_t init = initial_accumulator(weights + c * depth, depth, x_zero_point);
        put_params(layout, base + weight_bytes, vector + v, lane, init, channels[size_t(c)]);
        p.wide_range = p.wide_range ||
                       !conversion_is_safe(weights + c * depth, depth, x_zero_point, channels[size_t(c)]);
      }
    vector += nv;
    n0 += int64_t(nv) * layout.lanes;
  }
  return p;
}

namespace {

/// Where the taps of an output row sit in a packed depthwise kernel, as (row offset, column) per quad slot.
struct DepthwisePacker {
  const PackLayout& layout;
  const s8* weights;  // [channels][kernel_h][kernel_w]
  PackedDepthwiseU8& p;

  int64_t taps() const { return int64_t(p.kernel_h) * p.kernel_w; }

  /// Quads per vector of channels.
  int64_t steps() const {
    return p.generic ? ceil_div(taps(), 4)
                     : int64_t(p.kernel_w) * depthwise_u8_groups(p.kernel_h, p.stride_h, p.rows_per_pass) *
                           p.rows_per_pass;
  }
  /// The four weights of step t for channel c.  Fast form: step = (kx * groups + group) * rows + output row;
  /// the weights of an output row are shifted down by its distance, so that all rows share the interleaved
  /// input.
  void quad(int64_t c, int64_t t, s8 (&out)[4]) const {
    const s8* w = weights + c * taps();
    if (p.generic) {
      for (int i = 0; i < 4; ++i) out[i] = 4 * t + i < taps() ? w[4 * t + i] : s8(0);
      return;
    }
    const int rows = p.rows_per_pass, groups = depthwise_u8_groups(p.kernel_h, p.stride_h, rows);
    const int row = int(t % rows), group = int(t / rows % groups), kx = int(t / rows / groups);
    for (int i = 0; i < 4; ++i) {
      const int ky = 4 * group + i - row * p.stride_h;
      out[i] = ky >= 0 && ky < p.kernel_h ? w[ky * p.kernel_w + kx] : s8(0);
    }
  }
  void pack(std::byte* base, std::byte* params, std::span<const QuantizedChannel> quant) const {
    const int W = layout.lanes;
    const int64_t wide = depthwise_u8_wide_blocks(p.channels, W),
                  narrow = depthwise_u8_narrow_blocks(p.channels, W);
    const int64_t vector_bytes = 4 * W * layout.weight_bytes;
    std::byte* block = base;
    int64_t vector = 0, c0 = 0;
    for (int64_t b = 0; b < wide + narrow; ++b) {
      const int nv = b < wide ? 4 : 1;
      const auto channel = [&](int v, int lane) {
        return nv == 1 ? c0 + lane : c0 + lane / 4 * 16 + v * 4 + lane % 4;
      };
      for (int v = 0; v < nv; ++v)
        for (int lane = 0; lane < W; ++lane) {
          const int64_t c = channel(v, lane);
          if (c >= p.channels) continue;
          for (int64_t t = 0; t < steps(); ++t) {
            s8 x[4];
            quad(c, t, x);
            put_quad(layout, block + (t * nv + v) * vector_bytes, lane, x);
          }
          put_params(layout, params, vector + v, lane,
                     initial_accumulator(weights + c * taps(), taps(), p.x_zero_point), quant[size_t(c)]);
        }
      block += steps() * nv * vector_bytes;
      vector += nv;
      c0 += int64_t(nv) * W;
    }
  }
};

}  // namespace

PackedDepthwiseU8 pack_depthwise_u8(const PackLayout& layout, const s8* weights, int64_t channels,
                                    int kernel_h, int kernel_w, int stride_h, int stride_w, int dilation_h,
                                    int dilation_w, int x_zero_point,
                                    std::span<const QuantizedChannel> quant) {
  ensure(channels > 0 && kernel_h > 0 && kernel_w > 0 && int64_t(quant.size()) == channels,
         "pack_depthwise_u8: {} channels, kernel {}x{}, {} multipliers", channels, kernel_h, kernel_w,
         quant.size());
  PackedDepthwiseU8 p;
  p.channels = channels;
  p.kernel_h = kernel_h, p.kernel_w = kernel_w;
  p.stride_h = stride_h, p.stride_w = stride_w;
  p.dilation_h = dilation_h, p.dilation_w = dilation_w;
  p.x_zero_point = x_zero_point;
  const int64_t taps = checked_mul(kernel_h, kernel_w);
  bool safe = true;
  for (int64_t c = 0; c < channels; ++c)
    safe = safe && conversion_is_safe(weights + c * taps, taps, x_zero_point, quant[size_t(c)]);
  const bool square = kernel_h == kernel_w && stride_h == stride_w && dilation_h == 1 && dilation_w == 1;
  const int rows = square ? depthwise_u8_rows(kernel_h, stride_h) : 0;
  p.generic = rows == 0 || !safe ||
              layout.lanes == 1;  // the any-shape kernel clamps the float, and is plain for `ref`
  p.rows_per_pass = p.generic ? 1 : rows;

  const DepthwisePacker packer{layout, weights, p};
  if (layout.lanes == 1) {  // `ref`: weights as given
    const int64_t bytes = round_up(checked_mul(channels, taps), kAlign);
    std::byte* base = allocate(p.storage, bytes + channels * 12);
    std::memcpy(base, weights, size_t(channels * taps));
    for (int64_t c = 0; c < channels; ++c) put_params(layout, base + bytes, c, 0, 0, quant[size_t(c)]);
    p.weights = base;
    p.params = base + bytes;
    return p;
  }
  const int64_t vectors = depthwise_u8_wide_blocks(channels, layout.lanes) * 4 +
                          depthwise_u8_narrow_blocks(channels, layout.lanes);
  const int64_t extents[] = {vectors, packer.steps(), 4 * layout.lanes * layout.weight_bytes};
  const int64_t bytes = checked_product(extents);
  std::byte* base = allocate(p.storage, checked_add(bytes, vectors * 12 * layout.lanes));
  packer.pack(base, base + bytes, quant);
  p.weights = base;
  p.params = base + bytes;
  return p;
}

size_t depthwise_u8_scratch(const PackLayout& layout, const PackedDepthwiseU8& w) {
  if (layout.lanes == 1) return 0;
  const int64_t vector = 4 * layout.lanes;
  if (w.generic)
    return size_t(round_up(w.channels + kAlign, kAlign) +
                  (int64_t(w.kernel_h) * w.kernel_w + 4) * int64_t(sizeof(void*)));
  const int64_t columns = (kDepthwiseU8Columns + 4) * int64_t(w.stride_w) + w.kernel_w;
  return size_t(columns * depthwise_u8_groups(w.kernel_h, w.stride_h, w.rows_per_pass) * 4 * vector);
}

}  // namespace tenfold::kernels
