// The kernel table: what the planner may call.  Pure functions on pointers, one table per ISA.
//
// Conventions
//   * NHWC, row-major, batch handled by the caller.  `ld*` and strides count elements, not bytes.
//   * A kernel works on the whole range it is given, on the calling thread; the caller splits ranges over
//   threads.
//   * u8 inputs have kTensorSlack (64) readable bytes behind the last element.  Nothing is stored out of
//   range.
//   * No allocation, no global state, noexcept in effect.  Scratch comes from the caller.
//   * INT8 results are bit-identical on every ISA and for every split; FP32 may differ in rounding between
//   ISAs.
//   * A null entry means that this ISA has no such kernel and the planner uses the operator's reference
//   evaluation; only `ref` may have null entries (and entries that no operator reaches).
#pragma once

#include <cstddef>
#include <cstdint>

#include "cpu/isa.hpp"
#include "kernels/activation.hpp"
#include "kernels/packed.hpp"

namespace tenfold::kernels {

using cpu::Isa;

/// Where an INT8 product goes and what happens on the way: row m of n channels at c + m * ldc.
struct OutputU8 {
  // Exactly one of the two.
  u8* c = nullptr;
  float* c_f32 = nullptr;
  ptrdiff_t ldc = 0;
  int zero_point = 0;         ///< of c
  const u8* table = nullptr;  ///< 256 entries applied to the requantized byte, or null
  // Residual, added to the byte q that results from all of the above (u8 output and no FloatTail::residual):
  //   c = clamp_u8( rne( fma(float(q), q_scale, fma(float(r), r_scale, offset)) ) + residual_zero_point )
  // then `residual_table` if not null.
  const u8* residual = nullptr;
  ptrdiff_t ld_residual = 0;
  float q_scale = 0, r_scale = 0, offset = 0;
  int residual_zero_point = 0;
  const u8* residual_table = nullptr;
  float dynamic_scale = 1.0f;       ///< dynamic quantization (f32 output only): multiplies multiplier[n]
  const FloatTail* tail = nullptr;  ///< what the float goes through before c or c_f32, or null
  const float* factors = nullptr;   ///< with a tail: one for each channel, or null
};

/// C[m][n] for rows [0, m) and channels [n_begin, n_end).
struct GemmU8 : OutputU8 {
  const PackedU8* w = nullptr;
  // A: row m of tap t starts at indirect ? indirect[t * indirect_stride + m] + a_offset : a + m * lda   (then
  // taps == 1).
  const u8* a = nullptr;
  ptrdiff_t lda = 0;
  const u8* const* indirect = nullptr;
  ptrdiff_t indirect_stride = 0;
  ptrdiff_t a_offset = 0;
  int64_t m = 0;
  int64_t n_begin = 0, n_end = 0;  ///< n_begin a multiple of panel_channels; n_end too, or w->n
  /// Dynamic quantization (f32 output only): replaces the initial accumulators, n values in channel order.
  const int32_t* init_override = nullptr;
  /// Bytes that follow in execution order, to be brought into L2 meanwhile; may be null.
  const void* prefetch = nullptr;
  size_t prefetch_bytes = 0;
};

/// INT8 3x3 convolution of one image by Winograd's minimal filtering, exact and bit for bit what GemmU8
/// gives. Output tiles [tile_begin, tile_end) of ceil(out_h / tile) * ceil(out_w / tile), row-major; the row
/// of C is the pixel.
struct WinogradU8 : OutputU8 {
  const PackedWinogradU8* w = nullptr;
  const u8* in = nullptr;
  int64_t in_h = 0, in_w = 0;
  ptrdiff_t in_row = 0, in_pixel = 0;
  const u8* outside = nullptr;  ///< a pixel of zero points, for the padding
  int64_t out_h = 0, out_w = 0;
  int64_t pad_top = 0, pad_left = 0;
  int64_t tile_begin = 0, tile_end = 0;
  int64_t n_begin = 0, n_end = 0;  ///< n_begin a multiple of panel_channels; n_end too, or w->n
  std::byte* scratch = nullptr;    ///< winograd_u8_scratch() bytes
};

/// One image, output rows [y_begin, y_end); outside pixels count as x_zero_point.
struct DepthwiseU8 {
  const PackedDepthwiseU8* w = nullptr;
  const u8* in = nullptr;  ///< pixel (0, 0)
  int64_t in_h = 0, in_w = 0;
  ptrdiff_t in_row = 0, in_pixel = 0;
  u8* out = nullptr;
  int64_t out_w = 0;
  ptrdiff_t out_row = 0, out_pixel = 0;
  int64_t y_begin = 0, y_end = 0;  ///< `out` points at row 0
  int64_t pad_top = 0, pad_left = 0;
  int zero_point = 0;
  const u8* table = nullptr;
  std::byte* scratch = nullptr;  ///< depthwise_u8_scratch() bytes, 64-byte aligned
};

/// INT8 convolution in narrow groups: all channels of pixels [0, m).
struct GroupedU8 {
  const PackedGroupedU8* w = nullptr;
  const u8* const* indirect = nullptr;  ///< as GemmU8, at channel 0
  ptrdiff_t indirect_stride = 0;
  int64_t m = 0;
  u8* c = nullptr;
  ptrdiff_t ldc = 0;
  int zero_point = 0;
  const u8* table = nullptr;  ///< as in OutputU8
};

/// C = activation(A * B + bias + residual), rows [0, m), channels [n_begin, n_end) (panel boundaries).
struct GemmF32 {
  const PackedF32* w = nullptr;
  const float* a = nullptr;
  ptrdiff_t lda = 0;
  const float* const* indirect = nullptr;  ///< as GemmU8
  ptrdiff_t indirect_stride = 0;
  ptrdiff_t a_offset = 0;
  int64_t m = 0;
  int64_t n_begin = 0, n_end = 0;
  float* c = nullptr;
  ptrdiff_t ldc = 0;
  const float* residual = nullptr;
  ptrdiff_t ld_residual = 0;
  Activation activation = Activation::none;
  float lo = 0, hi = 0;
};

/// C = alpha * A * B (+ C if accumulate) where B is not constant: attention scores and context, batched
/// MatMul. B is [k][n] with row stride ldb, or [n][k] if b_transposed.  scratch: gemm_dynamic_f32_scratch(n,
/// k) bytes.
struct GemmDynamicF32 {
  const float* a = nullptr;
  ptrdiff_t lda = 0;
  const float* b = nullptr;
  ptrdiff_t ldb = 0;
  bool b_transposed = false;
  float* c = nullptr;
  ptrdiff_t ldc = 0;
  int64_t m = 0, n = 0, k = 0;
  float alpha = 1;
  std::byte* scratch = nullptr;
};

struct DepthwiseF32 {
  const PackedDepthwiseF32* w = nullptr;
  const float* in = nullptr;
  int64_t in_h = 0, in_w = 0;
  ptrdiff_t in_row = 0, in_pixel = 0;
  float* out = nullptr;
  int64_t out_w = 0;
  ptrdiff_t out_row = 0, out_pixel = 0;
  int64_t y_begin = 0, y_end = 0;
  int64_t pad_top = 0, pad_left = 0;
  Activation activation = Activation::none;
  float lo = 0, hi = 0;
};

/// One image, tiles [tile_begin, tile_end) of ceil(out_h / tile) * ceil(out_w / tile), row-major, and
/// channels [n_begin, n_end) (panel boundaries).
struct WinogradF32 {
  const PackedWinogradF32* w = nullptr;
  const float* in = nullptr;
  int64_t in_h = 0, in_w = 0;
  ptrdiff_t in_row = 0, in_pixel = 0;
  float* out = nullptr;
  int64_t out_h = 0, out_w = 0;
  ptrdiff_t out_row = 0, out_pixel = 0;
  int64_t pad_top = 0, pad_left = 0;
  int64_t tile_begin = 0, tile_end = 0;
  int64_t n_begin = 0, n_end = 0;
  const float* residual = nullptr;  ///< laid out as out
  Activation activation = Activation::none;
  float lo = 0, hi = 0;
  std::byte* scratch = nullptr;  ///< winograd_f32_scratch() bytes
};

enum class Binary : uint8_t { add, sub, mul, div, min, max, pow, prelu };  ///< prelu: a < 0 ? a * b : a
/// c[i][j] = activation(a op b) over an outer x inner rectangle; a stride of 0 repeats (broadcasts): *_outer
/// between rows, *_inner (0 or 1) between elements.
struct BinaryF32 {
  Binary op = Binary::add;
  const float *a = nullptr, *b = nullptr;
  float* c = nullptr;
  int64_t outer = 0, inner = 0;
  ptrdiff_t a_outer = 0, b_outer = 0, c_outer = 0;
  int a_inner = 1, b_inner = 1;
  Activation activation = Activation::none;
  float lo = 0, hi = 0;
};
/// u8 add: c = clamp_u8(rne(fma(a, a_scale, fma(b, b_scale, offset))) + zero_point)
/// u8 mul: c = clamp_u8(rne(float((a - a_zero) * (b - b_zero)) * a_scale) + zero_point); then `table` if not
/// null.
struct BinaryU8 {
  const u8 *a = nullptr, *b = nullptr;
  u8* c = nullptr;
  int64_t outer = 0, inner = 0;
  ptrdiff_t a_outer = 0, b_outer = 0, c_outer = 0;
  int a_inner = 1, b_inner = 1;
  float a_scale = 0, b_scale = 0, offset = 0;
  int a_zero = 0, b_zero = 0, zero_point = 0;
  const u8* table = nullptr;
};

/// Weighted sums of blocks: out[p * block + i] = sum over k of weight[p * taps + k] * in[offset[p * taps + k]
/// + i] for every p < positions; what interpolation along one axis comes down to.  Bytes count from in_zero,
/// and go out as clamp_u8(rne(sum * scale) + out_zero).
template <class In, class Out>
struct Blend {
  const In* in = nullptr;
  const int64_t* offset = nullptr;
  const float* weight = nullptr;
  int taps = 2;  ///< 2 or 4
  int64_t positions = 0, block = 0;
  Out* out = nullptr;
  int in_zero = 0, out_zero = 0;
  float scale = 1;
};

enum class Reduction : uint8_t { sum, squares, absolutes, max, min };
/// out[o * out_outer + i] = op over k < count of in[o * in_outer + k * in_step + i]; for float times `scale`,
/// then its square root where `root`.  Bytes know max and min.  `inner` is 1 where in_step is 1; count is not
/// 0.
template <class T>
struct Reduce {
  Reduction op = Reduction::sum;
  const T* in = nullptr;
  int64_t outer = 1, count = 0, inner = 1;
  ptrdiff_t in_outer = 0, in_step = 1;
  T* out = nullptr;
  ptrdiff_t out_outer = 1;
  float scale = 1;
  bool root = false;
};

/// Pooling windows over one NHWC image, output rows [y_begin, y_end).
template <class T>
struct Pool {
  const T* in = nullptr;
  int64_t in_h = 0, in_w = 0, channels = 0;
  ptrdiff_t in_row = 0, in_pixel = 0;
  T* out = nullptr;
  int64_t out_w = 0;
  ptrdiff_t out_row = 0, out_pixel = 0;
  int64_t y_begin = 0, y_end = 0;
  int kernel_h = 1, kernel_w = 1, stride_h = 1, stride_w = 1, dilation_h = 1, dilation_w = 1;
  int64_t pad_top = 0, pad_left = 0;
  bool count_include_pad = false;         ///< average only
  int64_t pad_bottom = 0, pad_right = 0;  ///< needed by count_include_pad
  // u8 average only: out = clamp_u8(rne(float(sum - count * in_zero) * (scale / count)) + out_zero), count:
  // pixels averaged over
  float scale = 1;
  int in_zero = 0, out_zero = 0;
};
/// Mean over `pixels` rows of `channels` values.
struct GlobalAverageU8 {
  const u8* in = nullptr;
  int64_t pixels = 0, channels = 0;
  ptrdiff_t in_pixel = 0;
  u8* out = nullptr;
  float scale = 1;  ///< in_scale / out_scale; out = clamp_u8(rne(float(sum - pixels * in_zero) * (scale /
                    ///< pixels)) + out_zero)
  int in_zero = 0, out_zero = 0;
};

/// Every group of `per_group` neighbouring channels of one NHWC image normalized together:
/// out = activation((x - mean) / sqrt(var + epsilon) * scale[c] + bias[c]).
struct GroupNormF32 {
  const float* in = nullptr;
  float* out = nullptr;
  ptrdiff_t pixel = 0;  ///< floats from one pixel to the next, in `in` and in `out`
  int64_t pixels = 0, channels = 0, per_group = 1;
  const float *scale = nullptr, *bias = nullptr;
  float epsilon = 0;
  Activation activation = Activation::none;
  float lo = 0, hi = 0;
  float* scratch = nullptr;  ///< 2 * channels
};

/// Of every channel of NHWC pixels the sum of its bytes and of their squares; at most kMostSquares pixels.
struct ColumnSumsU8 {
  static constexpr int64_t kMostSquares = UINT32_MAX / (255 * 255);
  const u8* in = nullptr;
  int64_t pixels = 0, channels = 0;
  ptrdiff_t in_pixel = 0;
  uint32_t *sums = nullptr, *squares = nullptr;
};
/// out = clamp_u8(rne(fma(in, factor[c], shift[c])) + zero_point) for every channel of NHWC pixels.
struct AffineU8 {
  const u8* in = nullptr;
  u8* out = nullptr;
  int64_t pixels = 0, channels = 0;
  ptrdiff_t pixel = 0;  ///< bytes from one pixel to the next, in `in` and in `out`
  const float *factor = nullptr, *shift = nullptr;
  int zero_point = 0;
};

/// One attention head: out = softmax(scale * q k^T + mask) v.  q, k, v: [rows][head] with row strides.
struct AttentionF32 {
  const float *q = nullptr, *k = nullptr, *v = nullptr;
  ptrdiff_t ldq = 0, ldk = 0, ldv = 0;
  const float* mask =
      nullptr;  ///< added to the scores, row stride ld_mask (0: one row for all queries), or null
  ptrdiff_t ld_mask = 0;
  float* out = nullptr;
  ptrdiff_t ldo = 0;
  int64_t queries = 0, keys = 0, head = 0, value_head = 0;
  float scale = 1;
  std::byte* scratch = nullptr;  ///< attention_f32_scratch() bytes
};

struct Kernels {
  Isa isa;
  const char* name;
  PackLayout layout;

  void (*gemm_u8)(const GemmU8&);
  void (*winograd_u8)(const WinogradU8&);
  void (*depthwise_u8)(const DepthwiseU8&);
  void (*grouped_u8)(const GroupedU8&);
  void (*add_u8)(const BinaryU8&);
  void (*mul_u8)(const BinaryU8&);
  void (*lookup_u8)(const u8* in, u8* out, int64_t n, const u8* table);
  void (*max_pool_u8)(const Pool<u8>&);
  void (*average_pool_u8)(const Pool<u8>&);
  void (*global_average_u8)(const GlobalAverageU8&);
  void (*reduce_u8)(const Reduce<u8>&);
  void (*column_sums_u8)(const ColumnSumsU8&);
  void (*affine_u8)(const AffineU8&);
  /// out = clamp_u8(rne(x * inverse_scale) + zero_point)
  void (*quantize_u8)(const float* in, u8* out, int64_t n, float inverse_scale, int zero_point);
  /// out = clamp_u8(rne(x / scale) + zero_point), as DynamicQuantizeLinear divides
  void (*quantize_divided_u8)(const float* in, u8* out, int64_t n, float scale, int zero_point);
  /// quantize_u8 from planar [channels][pixels] to interleaved [pixels][out_pixel]; bytes channels..out_pixel
  /// are zero_point.
  void (*quantize_planar_u8)(const float* in, ptrdiff_t in_plane, u8* out, ptrdiff_t out_pixel,
                             int64_t pixels, int64_t channels, float inverse_scale, int zero_point);
  /// out = (x - zero_point) * scale
  void (*dequantize_u8)(const u8* in, float* out, int64_t n, float scale, int zero_point);

  void (*gemm_f32)(const GemmF32&);
  void (*gemm_dynamic_f32)(const GemmDynamicF32&);
  void (*depthwise_f32)(const DepthwiseF32&);
  void (*winograd_f32)(const WinogradF32&);
  void (*max_pool_f32)(const Pool<float>&);
  void (*average_pool_f32)(const Pool<float>&);
  void (*reduce_f32)(const Reduce<float>&);
  void (*binary_f32)(const BinaryF32&);
  void (*blend_f32)(const Blend<float, float>&);
  void (*blend_from_u8)(const Blend<u8, float>&);
  void (*blend_to_u8)(const Blend<float, u8>&);
  void (*unary_f32)(const float* in, float* out, int64_t n, Activation f, float lo, float hi);
  void (*softmax_f32)(const float* in, float* out, int64_t rows, int64_t columns);  ///< contiguous rows
  /// out = (x + residual - mean) / sqrt(var + epsilon) * gamma + beta over rows; residual, gamma, beta may be
  /// null; if `sum` is not null, x + residual is stored there too.
  void (*layer_norm_f32)(const float* in, const float* residual, float* sum, float* out, int64_t rows,
                         int64_t columns, const float* gamma, const float* beta, float epsilon);
  void (*group_norm_f32)(const GroupNormF32&);
  /// min and max of n values (NaN ignored), for dynamic quantization.
  void (*range_f32)(const float* in, int64_t n, float* lo, float* hi);
  void (*attention_f32)(const AttentionF32&);
  /// [rows][columns] -> [columns][rows] of 4-byte or 1-byte elements.
  void (*transpose_32)(const void* in, ptrdiff_t ld_in, void* out, ptrdiff_t ld_out, int64_t rows,
                       int64_t columns);
  void (*transpose_8)(const void* in, ptrdiff_t ld_in, void* out, ptrdiff_t ld_out, int64_t rows,
                      int64_t columns);
};

/// The table of an ISA that this binary was built with, or nullptr.  Whether the CPU can run it:
/// cpu/features.hpp.
const Kernels* table(Isa isa);
/// On CPUs with AVX512-VNNI but without AVX-VNNI, `avx_vnni` is the same 256-bit code in EVEX encoding.
const Kernels* table_avx_vnni_evex();

/// True if an INT8 product of this table gives, on this machine, the bytes that `ref` gives (0.2 ms).
bool agrees_with_reference(const Kernels& kernels);

}  // namespace tenfold::kernels
