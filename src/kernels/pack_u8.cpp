// Packing of INT8 weights for any ISA's layout.  Portable host code: a layout is plain data.
#include <algorithm>
#include <cstring>

#include "base/huge_memory.hpp"
#include "kernels/depthwise/depthwise_u8_shape.hpp"
#include "kernels/pack_channels.hpp"

namespace tenfold::kernels {
namespace {

/// Channels [c, c + 4) into lanes [lane, lane + 4) of vector `v` of a panel of `nv` vectors.  `ref` has one
/// lane and takes only the first.
void put_channels(const PackLayout& layout, const PackedU8& p, const s8* const (&rows)[4], std::byte* panel,
                  int nv, int v, int lane) {
  const int64_t vector_bytes = 4 * layout.lanes, step = nv * vector_bytes;
  std::byte* to = panel + v * vector_bytes + 4 * lane;
  for (int64_t t = 0; t < p.taps; ++t, to += p.k_padded / 4 * step) {
    const int64_t at = t * p.k;
    if (layout.lanes < 4) {
      for (int64_t k0 = 0; k0 < p.k; k0 += 4)
        std::memcpy(to + k0 / 4 * step, rows[0] + at + k0, size_t(std::min<int64_t>(4, p.k - k0)));
      continue;
    }
    const s8* const tap[4] = {rows[0] + at, rows[1] + at, rows[2] + at, rows[3] + at};
    put_rows(tap, p.k, to, step);
  }
}

void put_offset(PackedU8& p, int64_t count, int64_t at, QuantizedChannel q) {
  p.offsets.resize(size_t(count));
  p.offsets[size_t(at)] = q.weight_offset;
  p.weight_offsets = p.offsets.data();
}

PackedU8 pack(Order order, const PackLayout& layout, const s8* weights, int64_t n, int64_t taps, int64_t k,
              int x_zero_point, std::span<const QuantizedChannel> channels, int64_t taps_inside) {
  ensure(n > 0 && taps > 0 && k > 0 && int64_t(channels.size()) == n && taps * k % taps_inside == 0,
         "packing u8 weights: {} channels, {} taps, {} deep, {} multipliers", n, taps, k, channels.size());
  PackedU8 p;
  p.k = k;
  // Padding at most doubles K: AMX takes steps of 64, shallower products go to the vector tile.
  p.k_padded = round_up(k, 2 * k < layout.k_multiple ? 4 : layout.k_multiple);
  p.taps = taps;
  p.n = n;
  p.panel_channels = int64_t(layout.panel) * layout.lanes;
  const int64_t depth = checked_mul(taps, k), depth_padded = checked_mul(taps, p.k_padded);
  const int64_t vectors = round_up(ceil_div(n, layout.lanes), layout.panel);
  const int64_t extents[] = {vectors, layout.lanes, depth_padded};
  const int64_t weight_bytes = round_up(checked_product(extents), kAlign);
  const int64_t bytes = checked_add(weight_bytes, vectors * 12 * layout.lanes);
  // What sort_steps copies from must not take a place among packed weights, which stays taken as long as its
  // neighbours live: ResNet-50 took 107 MB instead of 94.
  std::vector<std::byte> unsorted(layout.weight_bytes == 2 ? size_t(bytes) : 0);
  std::byte* base = unsorted.empty() ? allocate_packed(p.storage, bytes) : unsorted.data();
  p.weights = base;
  p.params = base + weight_bytes;

  WeightRows source(order, weights, n, depth, taps_inside);
  const int group = std::min(layout.lanes, 4);  // channels that lie next to each other in a vector
  std::byte* panel = base;
  int64_t vector = 0;
  for (int64_t n0 = 0; n0 < n;) {
    const int nv = int(std::min<int64_t>(layout.panel, ceil_div(n - n0, layout.lanes)));
    p.panel_weight_offset.push_back(panel - base);
    // The order that makes four vectors, packed to bytes inside 128-bit parts, come out as consecutive
    // channels.
    int64_t c = n0;
    for (int lane = 0; lane < layout.lanes; lane += group)
      for (int v = 0; v < nv && c < n; ++v, c += group) {
        const s8* rows[4] = {};
        source.get(c, group, rows);
        put_channels(layout, p, rows, panel, nv, v, lane);
        for (int i = 0; i < group && c + i < n; ++i) {
          const QuantizedChannel q = channels[size_t(c + i)];
          put_params(layout, base + weight_bytes, vector + v, lane + i,
                     initial_accumulator(rows[i], depth, x_zero_point, q.weight_offset), q);
          if (q.weight_offset != 0)
            put_offset(p, vectors * layout.lanes, (vector + v) * layout.lanes + lane + i, q);
          p.wide_range = p.wide_range || !conversion_is_safe(rows[i], depth, x_zero_point, q);
        }
      }
    panel += nv * layout.lanes * depth_padded;
    vector += nv;
    n0 += int64_t(nv) * layout.lanes;
  }
  if (layout.weight_bytes == 2) sort_steps(layout, p);
  return p;
}

}  // namespace

void transpose_s8(const s8* from, int64_t rows, int64_t columns, s8* to) {
  transpose_columns(from, from + rows * columns, rows, columns, columns, to);
}

PackedBytes::PackedBytes(size_t size) : data_(zeroed_memory(size)), size_(size) {}

PackedU8 pack_gemm_u8(const PackLayout& layout, const s8* weights, int64_t n, int64_t taps, int64_t k,
                      int x_zero_point, std::span<const QuantizedChannel> channels) {
  return pack(Order::rows, layout, weights, n, taps, k, x_zero_point, channels, 1);
}

PackedU8 pack_conv_u8(const PackLayout& layout, const s8* weights, int64_t n, int64_t taps, int64_t k,
                      int x_zero_point, std::span<const QuantizedChannel> channels, int64_t taps_inside) {
  const Order order = taps_inside == 1 ? Order::rows : Order::taps_inside;
  return pack(order, layout, weights, n, taps, k, x_zero_point, channels, taps_inside);
}

PackedU8 pack_columns_u8(const PackLayout& layout, const s8* weights, int64_t n, int64_t k, int x_zero_point,
                         std::span<const QuantizedChannel> channels) {
  return pack(Order::columns, layout, weights, n, 1, k, x_zero_point, channels, 1);
}

namespace {

/// Where the taps of an output row sit in a packed depthwise kernel, as (row offset, column) per quad slot.
struct DepthwisePacker {
  const PackLayout& layout;
  const s8* weights;  // [channels][kernel_h][kernel_w]
  PackedDepthwiseU8& p;

  int64_t taps() const { return int64_t(p.kernel_h) * p.kernel_w; }
  int64_t weights_of_channel() const { return taps() * p.planes; }

  /// Quads per vector of channels.
  int64_t steps() const {
    return p.generic ? ceil_div(weights_of_channel(), 4)
                     : int64_t(p.kernel_w) * depthwise_u8_groups(p.kernel_h, p.stride_h, p.rows_per_pass) *
                           p.rows_per_pass;
  }
  /// Which of a channel's weights the four of each step are, weights_of_channel() for none.  Fast form: step
  /// = (kx * groups + group)
  /// * rows + output row; the weights of an output row are shifted down by its distance, so that all rows
  /// share the interleaved input.
  std::vector<int> order() const {
    std::vector<int> order;
    const int rows = p.rows_per_pass, none = int(weights_of_channel());
    const int groups = p.generic ? 1 : depthwise_u8_groups(p.kernel_h, p.stride_h, rows);
    for (int t = 0; t < int(steps()); ++t)
      for (int i = 0; i < 4; ++i) {
        const int row = t % rows, group = t / rows % groups, kx = t / rows / groups;
        const int ky = 4 * group + i - row * p.stride_h;
        const bool inside = ky >= 0 && ky < p.kernel_h;
        order.push_back(p.generic ? std::min(4 * t + i, none) : inside ? ky * p.kernel_w + kx : none);
      }
    return order;
  }
  void put_row(int64_t channel, int offset, s8* to) const {
    std::copy_n(weights + channel * taps(), taps(), to);
    const int shares = p.planes - 1;
    for (int i = 0; i < shares; ++i)
      std::fill_n(to + (i + 1) * taps(), taps(), s8(offset * (i + 1) / shares - offset * i / shares));
  }
  void pack(std::byte* base, std::byte* params, std::span<const QuantizedChannel> quant) const {
    const int W = layout.lanes;
    const int64_t wide = depthwise_u8_wide_blocks(p.channels, W);
    const int rest = depthwise_u8_rest_columns(p.channels, W);
    const int64_t vector_bytes = 4 * W * layout.weight_bytes;
    const auto put = layout.weight_bytes == 1 ? put_lanes<1> : put_lanes<2>;
    const std::vector<int> taps_of = order();
    const auto row = size_t(weights_of_channel()) + 1;  // and a zero
    std::vector<s8> rows(4 * row);
    std::byte* block = base;
    constexpr int nv = 4;
    for (int64_t b = 0, c0 = 0, vector = 0; c0 < p.channels; ++b, vector += nv) {
      // 16 channels in each 128-bit part; where columns share a vector, all of them again for every column
      const int parts = W / 4 / (b < wide ? 1 : rest);
      for (int v = 0; v < nv; ++v)
        for (int lane = 0; lane < W; lane += 4) {  // four channels that follow each other
          const int64_t c = c0 + lane / 4 % parts * 16 + v * 4;
          const int64_t count = std::clamp<int64_t>(p.channels - c, 0, 4);
          for (int64_t i = 0; i < count; ++i) {
            const QuantizedChannel& q = quant[size_t(c + i)];
            put_row(c + i, q.weight_offset, rows.data() + size_t(i) * row);
            put_params(
                layout, params, vector + v, lane + int(i),
                initial_accumulator(weights + (c + i) * taps(), taps(), p.x_zero_point, q.weight_offset), q);
          }
          std::byte* to = block + v * vector_bytes + 4 * lane;
          for (size_t t = 0; t < taps_of.size(); t += 4, to += nv * vector_bytes) {
            s8 quads[16] = {};
            for (size_t i = 0; i < 4 * size_t(count); ++i)
              quads[i] = rows[i / 4 * row + size_t(taps_of[t + i % 4])];
            put(W, to, load_words(quads));
          }
        }
      block += steps() * nv * vector_bytes;
      c0 += parts * 16;
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
  for (const QuantizedChannel& q : quant)
    if (q.weight_offset != 0) p.planes = std::max(p.planes, q.weight_offset > INT8_MAX ? 3 : 2);
  for (size_t c = 0; p.planes > 1 && c < quant.size(); ++c)
    p.weight_offsets.push_back(quant[c].weight_offset);
  // The any-shape kernel clamps the float, and is plain for `ref`.
  p.generic = rows == 0 || !safe || p.planes > 1 || layout.lanes == 1;
  p.rows_per_pass = p.generic ? 1 : rows;

  const DepthwisePacker packer{layout, weights, p};
  if (layout.lanes == 1) {  // `ref`: weights as given
    const int64_t bytes = round_up(checked_mul(channels, taps), kAlign);
    std::byte* base = allocate_packed(p.storage, bytes + channels * 12);
    std::memcpy(base, weights, size_t(channels * taps));
    for (int64_t c = 0; c < channels; ++c) put_params(layout, base + bytes, c, 0, 0, quant[size_t(c)]);
    p.weights = base;
    p.params = base + bytes;
    return p;
  }
  const int64_t vectors = 4 * (depthwise_u8_wide_blocks(channels, layout.lanes) +
                               (depthwise_u8_rest_columns(channels, layout.lanes) > 0));
  const int64_t extents[] = {vectors, packer.steps(), 4 * layout.lanes * layout.weight_bytes};
  const int64_t bytes = checked_product(extents);
  std::byte* base = allocate_packed(p.storage, checked_add(bytes, vectors * 12 * layout.lanes));
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
                  (int64_t(w.kernel_h) * w.kernel_w * w.planes + 4) * int64_t(sizeof(void*)));
  const int64_t columns = int64_t(w.stride_w) * depthwise_u8_scratch_columns(w.kernel_w);
  return size_t(columns * depthwise_u8_groups(w.kernel_h, w.stride_h, w.rows_per_pass) * 4 * vector);
}

}  // namespace tenfold::kernels
