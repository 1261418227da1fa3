// Packing of the INT8 weights of narrow groups for any ISA's layout.  Portable host code.
#include "kernels/pack_channels.hpp"

namespace tenfold::kernels {
namespace {

struct GroupedPacker {
  const PackLayout& layout;
  const PackedGroupedU8& p;
  const s8* weights;  // [channels][width][taps]

  int64_t block_channels() const { return 4 * layout.lanes; }
  int64_t row() const { return p.width * p.taps; }
  /// Bytes of a vector of weights.
  int64_t vector() const { return block_channels() * layout.weight_bytes; }

  /// The weights by which output channel j of every group of a block multiplies a tap.
  void put_tap(int64_t channel, int64_t tap, int64_t j, std::byte* to) const {
    const auto put = layout.weight_bytes == 1 ? put_lanes<1> : put_lanes<2>;
    constexpr int64_t kPart = 16;  // channels of four lanes
    for (int64_t c = channel; c < channel + block_channels(); c += kPart, to += kPart) {
      s8 quads[kPart] = {};
      for (int64_t i = 0; i < std::min(kPart, p.channels - c); ++i) {
        const int64_t in = c + i, out = in / p.width * p.width + j;
        quads[i] = weights[out * row() + in % p.width * p.taps + tap];
      }
      put(layout.lanes, to, load_words(quads));
    }
  }

  /// The channel whose sum lies in a lane of the s-th of four vectors.
  int64_t channel_of(int s, int lane) const {
    const int part = lane / 4 * 16, l = lane % 4;
    return part + (p.width == 4 ? 4 * l + s : l % 2 * 8 + 2 * s + l / 2);
  }
  void put_channel_params(int64_t c, int64_t vector, int lane, int x_zero_point,
                          std::span<const QuantizedChannel> quant, std::byte* params) const {
    put_params(layout, params, vector, lane, initial_accumulator(weights + c * row(), row(), x_zero_point),
               quant[size_t(c)]);
  }
  void put_block_params(int64_t channel, int x_zero_point, std::span<const QuantizedChannel> quant,
                        std::byte* params) const {
    for (int s = 0; s < 4; ++s)
      for (int lane = 0; lane < layout.lanes; ++lane) {
        const int64_t c = channel + channel_of(s, lane);
        if (c < p.channels)
          put_channel_params(c, channel / layout.lanes + s, lane, x_zero_point, quant, params);
      }
  }
};

}  // namespace

PackedGroupedU8 pack_grouped_u8(const PackLayout& layout, const s8* weights, int64_t channels, int64_t width,
                                int64_t taps, int x_zero_point, std::span<const QuantizedChannel> quant) {
  ensure((width == 4 || width == 8) && channels > 0 && channels % width == 0 && taps > 0 &&
             int64_t(quant.size()) == channels,
         "pack_grouped_u8: {} channels in groups of {}, {} taps, {} multipliers", channels, width, taps,
         quant.size());
  PackedGroupedU8 p;
  p.channels = channels, p.width = width, p.taps = taps;
  const GroupedPacker packer{layout, p, weights};
  if (layout.lanes == 1) {  // `ref`: weights as given
    const int64_t bytes = round_up(checked_mul(channels, packer.row()), kAlign);
    std::byte* base = allocate_packed(p.storage, bytes + channels * 12);
    std::memcpy(base, weights, size_t(channels * packer.row()));
    for (int64_t c = 0; c < channels; ++c)
      packer.put_channel_params(c, c, 0, x_zero_point, quant, base + bytes);
    p.weights = base;
    p.params = base + bytes;
    return p;
  }
  const int64_t blocks = ceil_div(channels, packer.block_channels());
  const int64_t extents[] = {blocks, taps, width, packer.vector()};
  const int64_t bytes = checked_product(extents);
  std::byte* base = allocate_packed(p.storage, checked_add(bytes, blocks * packer.block_channels() * 12));
  std::byte* to = base;
  for (int64_t c = 0; c < channels; c += packer.block_channels()) {
    for (int64_t tap = 0; tap < taps; ++tap)
      for (int64_t j = 0; j < width; ++j, to += packer.vector()) packer.put_tap(c, tap, j, to);
    packer.put_block_params(c, x_zero_point, quant, base + bytes);
  }
  p.weights = base;
  p.params = base + bytes;
  return p;
}

}  // namespace tenfold::kernels
