// Packed weights: how each kernel wants them, and the host code that makes them.  Packing is portable: a
// layout is plain data.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "kernels/packed_bytes.hpp"

namespace tenfold::kernels {

using u8 = uint8_t;
using s8 = int8_t;

/// How packed weights of an ISA look; packing itself is portable host code (pack_u8.cpp).
struct PackLayout {
  int lanes;         ///< 32-bit lanes per vector
  int weight_bytes;  ///< bytes per int8 weight: 1 (s8 quads) or 2 (s16 even / odd pairs, for ISAs without an
                     ///< exact u8*s8 dot product; their GEMM has both, see sort_steps)
  int panel;         ///< vectors per u8 panel
  int k_multiple;    ///< K per tap is padded to a multiple of this, or of 4 where it is below half of this
};

/// Ways to make two pairs of four bytes.
inline constexpr int kBytePairings = 3;

/// For ISAs whose u8*s8 product saturates: a vector of a GEMM's step (four values of K) is plain where no
/// activations can make it saturate, that is where neither the positive nor the negative weights of a pair
/// sum to more than 128, and has s8 weights; the others are exact, with s16 weights.  Four bytes make pairs
/// in three ways: as they are, with the second exchanged for the third, or for the fourth.  The steps of a
/// panel are sorted by the way that leaves fewest vectors exact, and then by which these are, bit v for
/// vector v.  Two plain steps paired alike whose weights stay within 128 together are a couple: their
/// products are added as 16 bits.  Couples come last.
struct SortedSteps {
  SortedSteps() = default;
  SortedSteps(SortedSteps&&) = default;  // not to be copied: it points into itself
  SortedSteps& operator=(SortedSteps&&) = default;

  std::vector<uint32_t> offsets;    ///< a panel and tap: number of steps of each of kBytePairings * 2^panel
                                    ///< kinds, of couples of each pairing, then their offsets in K
  std::vector<int64_t> panels;      ///< byte offset of every panel in the weights, and the end
  const uint32_t* first = nullptr;  ///< of `offsets`
  const int64_t* panel_offset = nullptr;  ///< of `panels`
  int64_t panel_stride = 0;               ///< in `offsets`
};

/// Packed weights of an INT8 GEMM / convolution: for every output channel n
///   y = table[ clamp_u8( rne( fma(float(acc), multiplier[n], bias[n]) ) + zero_point ) ],  acc = sum (x -
///   x_zero_point) * (w + weight_offset[n])
/// and for f32 output  y = fma(float(acc), multiplier[n], bias[n]).
/// The x zero point is folded into the initial accumulator.  Weight offsets, which asymmetric weights need,
/// cost a detour: sum x * offset is added to the accumulators in memory.  Owns its bytes.
struct PackedU8 {
  int64_t k = 0;  ///< input channels per tap as given
  int64_t k_padded = 0;
  int64_t taps =
      1;  ///< 1 for a GEMM; kernel height x width, or kernel height where a row of taps is contiguous
  int64_t n = 0;
  int64_t panel_channels = 0;  ///< split points over n must be multiples of this
  bool wide_range = false;     ///< |fma| may reach 2^31: the float is clamped before it is converted (slower)
  const std::byte* weights = nullptr;
  const std::byte* params = nullptr;         ///< per vector: init s32, multiplier f32, bias f32
  PackedBytes storage;                       ///< 64-byte aligned from `weights` on
  std::vector<int64_t> panel_weight_offset;  ///< bytes, of every panel
  SortedSteps sorted;                        ///< where the layout's weight_bytes is 2
  std::vector<int32_t> offsets;              ///< of all channels in the order of `params`, or empty
  const int32_t* weight_offsets =
      nullptr;  ///< of `offsets`; null: every QuantizedChannel::weight_offset is 0
};

/// Weights of an INT8 depthwise convolution, multiplier 1, square or rectangular kernels, any stride and
/// dilation.
struct PackedDepthwiseU8 {
  int64_t channels = 0;
  int kernel_h = 0, kernel_w = 0, stride_h = 1, stride_w = 1, dilation_h = 1, dilation_w = 1;
  int x_zero_point = 0;
  int rows_per_pass = 1;  ///< output rows that one pass of the packed form computes
  bool generic = false;   ///< packed for the any-shape kernel
  /// Weights with offsets (any-shape kernel): every tap is there again for the offset of its channel, as two
  /// weights where one byte does not hold it.
  int planes = 1;
  std::vector<int32_t> weight_offsets;  ///< by channel; empty where planes is 1
  const std::byte* weights = nullptr;
  const std::byte* params = nullptr;
  PackedBytes storage;
};

/// Weights of an INT8 convolution with as many output as input channels in every group, 4 or 8.  Owns its
/// bytes.
struct PackedGroupedU8 {
  int64_t channels = 0, width = 0, taps = 0;  ///< width: channels of a group
  const std::byte* weights = nullptr;         ///< [4 * lanes channels][tap][output channel of its group]
  const std::byte* params = nullptr;          ///< as in PackedU8
  PackedBytes storage;
};

/// FP32 GEMM / convolution weights, panels of vectors.
struct PackedF32 {
  int lanes = 1;                   ///< of the layout it was packed for
  int64_t k = 0, taps = 1, n = 0;  ///< k: input channels per tap
  int64_t panel_channels = 0;
  const float* weights = nullptr;
  const float* bias = nullptr;  ///< padded to whole vectors, zeros where the model has none
  PackedBytes storage;
  std::vector<int64_t> panel_channel;  ///< first channel of every panel; split points over n
};

struct PackedDepthwiseF32 {
  int lanes = 1;  ///< of the layout it was packed for
  int64_t channels = 0;
  int kernel_h = 0, kernel_w = 0, stride_h = 1, stride_w = 1, dilation_h = 1, dilation_w = 1;
  const float* weights = nullptr;
  const float* bias = nullptr;
  PackedBytes storage;
};

/// Winograd weights for 3x3, stride 1, dilation 1: F(4x4) or F(2x2).
struct PackedWinogradF32 {
  int lanes = 1;  ///< of the layout it was packed for
  int64_t c = 0, n = 0;
  int tile = 4;  ///< 2 or 4 output pixels a side
  const float* weights = nullptr;
  const float* bias = nullptr;
  std::vector<int64_t> panel_channel;  ///< first channel of every panel; split points over n
  PackedBytes storage;
};

/// INT8 3x3 convolution, stride and dilation 1, by F(4x4) or F(2x2) in integers: the transformed weights are
/// multiples of the fractions in the FP32 transform, so that nothing is rounded, and fit 16 bits.
struct PackedWinogradU8 {
  int64_t c = 0, n = 0;
  int tile = 4;                        ///< 2 or 4 output pixels a side
  int64_t panel_channels = 0;          ///< split points over n must be multiples of this
  bool wide_range = false;             ///< as in PackedU8
  const std::byte* weights = nullptr;  ///< [panel][point][c / 2][vectors][lanes] pairs of s16
  const std::byte* params = nullptr;   ///< as in PackedU8
  PackedBytes storage;
};

// Packing (portable host code).  Weights are row-major as named.
struct QuantizedChannel {
  float multiplier, bias;
  int weight_offset = 0;  ///< the weights are this much more than the s8 that are given; at most 128
};
/// [rows][columns] -> [columns][rows], 16 x 16 at a time; for the layouts of weights.
void transpose_s8(const s8* from, int64_t rows, int64_t columns, s8* to);
/// weights: [n][taps][k].
PackedU8 pack_gemm_u8(const PackLayout& layout, const s8* weights, int64_t n, int64_t taps, int64_t k,
                      int x_zero_point, std::span<const QuantizedChannel> channels);
/// The same from [n][taps * k / taps_inside][taps_inside]: convolution weights as a model has them.
PackedU8 pack_conv_u8(const PackLayout& layout, const s8* weights, int64_t n, int64_t taps, int64_t k,
                      int x_zero_point, std::span<const QuantizedChannel> channels, int64_t taps_inside);
/// The same from [k][n], as a matrix product has them.
PackedU8 pack_columns_u8(const PackLayout& layout, const s8* weights, int64_t n, int64_t k, int x_zero_point,
                         std::span<const QuantizedChannel> channels);
/// weights: [n][c][3][3].  winograd_u8_is_exact() must hold.
PackedWinogradU8 pack_winograd_u8(const PackLayout& layout, const s8* weights, int64_t n, int64_t c, int tile,
                                  int x_zero_point, std::span<const QuantizedChannel> channels);
/// Whether 16 bits hold the transformed weights, and 32-bit accumulators every sum of them scaled as the
/// transform leaves it.
bool winograd_u8_is_exact(const s8* weights, int64_t n, int64_t c, int tile,
                          std::span<const QuantizedChannel> channels);
/// weights: [channels][kernel_h][kernel_w].
PackedDepthwiseU8 pack_depthwise_u8(const PackLayout& layout, const s8* weights, int64_t channels,
                                    int kernel_h, int kernel_w, int stride_h, int stride_w, int dilation_h,
                                    int dilation_w, int x_zero_point,
                                    std::span<const QuantizedChannel> quant);
/// weights: [channels][width][taps], as a model has them; width 4 or 8, without weight offsets.
PackedGroupedU8 pack_grouped_u8(const PackLayout& layout, const s8* weights, int64_t channels, int64_t width,
                                int64_t taps, int x_zero_point, std::span<const QuantizedChannel> quant);
PackedF32 pack_gemm_f32(const PackLayout& layout, const float* weights, int64_t n, int64_t taps, int64_t k,
                        const float* bias);
PackedDepthwiseF32 pack_depthwise_f32(const PackLayout& layout, const float* weights, int64_t channels,
                                      int kernel_h, int kernel_w, int stride_h, int stride_w, int dilation_h,
                                      int dilation_w, const float* bias);
/// weights: [n][c][3][3].
PackedWinogradF32 pack_winograd_f32(const PackLayout& layout, const float* weights, int64_t n, int64_t c,
                                    int tile, const float* bias);

/// Sorts the steps of weights packed as s8 quads and widens those that must be exact.
void sort_steps(const PackLayout& layout, PackedU8& packed);

size_t depthwise_u8_scratch(const PackLayout& layout, const PackedDepthwiseU8& w);
size_t gemm_dynamic_f32_scratch(const PackLayout& layout, int64_t n, int64_t k);
size_t winograd_f32_scratch(const PackLayout& layout, const PackedWinogradF32& w);
size_t winograd_u8_scratch(const PackLayout& layout, const PackedWinogradU8& w);
size_t attention_f32_scratch(const PackLayout& layout, int64_t keys, int64_t head, int64_t value_head);

}  // namespace tenfold::kernels
