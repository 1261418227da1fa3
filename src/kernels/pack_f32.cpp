// Packing of FP32 weights and sizes of FP32 scratch memory.  Portable host code: a layout is plain data.
#include <algorithm>
#include <cstring>

#include "base/error.hpp"
#include "base/math.hpp"
#include "kernels/gemm/layout_f32.hpp"
#include "kernels/kernels.hpp"

namespace tenfold::kernels {
namespace {

constexpr int64_t kAlignment = 64;

/// Room for `weights` and then `bias` floats (zeros), both 64-byte aligned.
struct Storage {
  float* weights;
  float* bias;
};
Storage allocate(PackedBytes& storage, int64_t weights, int64_t bias) {
  const int64_t weight_bytes = round_up(checked_mul(weights, sizeof(float)), kAlignment);
  storage = PackedBytes(size_t(checked_add(weight_bytes, checked_mul(bias, sizeof(float)) + kAlignment)));
  return {reinterpret_cast<float*>(storage.data()), reinterpret_cast<float*>(storage.data() + weight_bytes)};
}

void require_positive(std::initializer_list<int64_t> sizes, const char* what) {
  for (int64_t s : sizes)
    if (s <= 0) fail(ErrorCode::invalid_argument, "packing {}: a size is {}, expected at least 1", what, s);
}

/// One matrix of [n][taps][k] weights, `at(channel, tap)` giving a row of k floats, into panels at `out`.
template <class At>
void pack_panels(int lanes, int64_t n, int64_t taps, int64_t k, At at, float* out) {
  constexpr int64_t block = 16;  // of k: keeps both the rows read and the lines written in L1
  for (int64_t first = 0; first < n;) {
    const int vectors = f32::panel_vectors(ceil_div(n - first, lanes));
    const int64_t width = int64_t(vectors) * lanes, used = std::min(width, n - first);
    for (int64_t tap = 0; tap < taps; tap++)
      for (int64_t k0 = 0; k0 < k; k0 += block)
        for (int64_t c = 0; c < used; c++) {
          const float* row = at(first + c, tap);
          for (int64_t i = k0; i < std::min(k, k0 + block); i++) out[(tap * k + i) * width + c] = row[i];
        }
    out += taps * k * width;
    first += width;
  }
}

/// The weight transform G w G^T of one 3x3 kernel: points x points values.
void winograd_transform(const float* w, int tile, double* u) {
  static constexpr double g2[4][3] = {{1, 0, 0}, {0.5, 0.5, 0.5}, {0.5, -0.5, 0.5}, {0, 0, 1}};
  static constexpr double g4[6][3] = {{1. / 4, 0, 0},
                                      {-1. / 6, -1. / 6, -1. / 6},
                                      {-1. / 6, 1. / 6, -1. / 6},
                                      {1. / 24, 1. / 12, 1. / 6},
                                      {1. / 24, -1. / 12, 1. / 6},
                                      {0, 0, 1}};
  const int points = tile + 2;
  const double(*g)[3] = tile == 2 ? g2 : g4;
  double half[6][3];
  for (int i = 0; i < points; i++)
    for (int x = 0; x < 3; x++) half[i][x] = g[i][0] * w[x] + g[i][1] * w[3 + x] + g[i][2] * w[6 + x];
  for (int i = 0; i < points; i++)
    for (int j = 0; j < points; j++)
      u[i * points + j] = half[i][0] * g[j][0] + half[i][1] * g[j][1] + half[i][2] * g[j][2];
}

}  // namespace

PackedF32 pack_gemm_f32(const PackLayout& layout, const float* weights, int64_t n, int64_t taps, int64_t k,
                        const float* bias) {
  require_positive({n, taps, k}, "FP32 GEMM weights");
  PackedF32 p;
  p.lanes = layout.lanes;
  p.k = k, p.taps = taps, p.n = n;
  p.panel_channels = 2 * layout.lanes;
  const int64_t padded = round_up(n, layout.lanes), depth = checked_mul(taps, k);
  const Storage s = allocate(p.storage, checked_mul(padded, depth), padded);
  p.weights = s.weights, p.bias = s.bias;
  for (int64_t first = 0; first < n;
       first += f32::panel_vectors(ceil_div(n - first, layout.lanes)) * layout.lanes)
    p.panel_channel.push_back(first);
  pack_panels(
      layout.lanes, n, taps, k, [&](int64_t c, int64_t tap) { return weights + (c * taps + tap) * k; },
      s.weights);
  if (bias) std::copy_n(bias, n, s.bias);
  return p;
}

PackedDepthwiseF32 pack_depthwise_f32(const PackLayout& layout, const float* weights, int64_t channels,
                                      int kernel_h, int kernel_w, int stride_h, int stride_w, int dilation_h,
                                      int dilation_w, const float* bias) {
  require_positive({channels, kernel_h, kernel_w, stride_h, stride_w, dilation_h, dilation_w},
                   "FP32 depthwise weights");
  PackedDepthwiseF32 p;
  p.lanes = layout.lanes;
  p.channels = channels;
  p.kernel_h = kernel_h, p.kernel_w = kernel_w;
  p.stride_h = stride_h, p.stride_w = stride_w;
  p.dilation_h = dilation_h, p.dilation_w = dilation_w;
  const int64_t lanes = layout.lanes, padded = round_up(channels, lanes), taps = int64_t(kernel_h) * kernel_w;
  const Storage s = allocate(p.storage, checked_mul(padded, taps), padded);
  for (int64_t c = 0; c < channels; c++)  // [channels / lanes][taps][lanes]
    for (int64_t t = 0; t < taps; t++)
      s.weights[(c / lanes * taps + t) * lanes + c % lanes] = weights[c * taps + t];
  if (bias) std::copy_n(bias, channels, s.bias);
  p.weights = s.weights, p.bias = s.bias;
  return p;
}

PackedWinogradF32 pack_winograd_f32(const PackLayout& layout, const float* weights, int64_t n, int64_t c,
                                    int tile, const float* bias) {
  require_positive({n, c}, "FP32 Winograd weights");
  if (tile != 2 && tile != 4)
    fail(ErrorCode::invalid_argument, "packing FP32 Winograd weights: tile {} is neither 2 nor 4", tile);
  PackedWinogradF32 p;
  p.lanes = layout.lanes;
  p.c = c, p.n = n, p.tile = tile;
  const int64_t points = int64_t(tile + 2) * (tile + 2), padded = round_up(n, layout.lanes);
  const int64_t matrix = checked_mul(c, padded);  // each point is one packed [c x n] matrix
  const Storage s = allocate(p.storage, checked_mul(points, matrix), padded);
  for (int64_t first = 0; first < n;) {
    const int64_t width = int64_t(f32::panel_vectors(ceil_div(n - first, layout.lanes))) * layout.lanes;
    p.panel_channel.push_back(first);
    for (int64_t o = first; o < std::min(n, first + width); o++)
      for (int64_t i = 0; i < c; i++) {
        double u[36];
        winograd_transform(weights + (o * c + i) * 9, tile, u);
        float* out = s.weights + first * c + i * width + (o - first);
        for (int64_t j = 0; j < points; j++) out[j * matrix] = float(u[j]);
      }
    first += width;
  }
  if (bias) std::copy_n(bias, n, s.bias);
  p.weights = s.weights, p.bias = s.bias;
  return p;
}

size_t gemm_dynamic_f32_scratch(const PackLayout& layout, int64_t n, int64_t k) {
  return size_t(
      checked_add(checked_mul(checked_mul(round_up(n, layout.lanes), k), sizeof(float)), kAlignment));
}

size_t winograd_f32_scratch(const PackLayout& layout, const PackedWinogradF32& w) {
  return size_t(f32::WinogradBlock(layout.lanes, w.c, w.n, w.tile).floats()) * sizeof(float) + kAlignment;
}

size_t attention_f32_scratch(const PackLayout& layout, int64_t keys, int64_t head, int64_t value_head) {
  return size_t(f32::AttentionScratch(layout.lanes, keys, head, value_head).total) * sizeof(float) +
         kAlignment;
}

}  // namespace tenfold::kernels
