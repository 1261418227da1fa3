// Where things lie in packed FP32 weights and in scratch: shared by the packing code and the kernels.
//
// GEMM weights are panels of 1, 2 or 3 vectors of output channels; a panel is [taps][k][vectors][lanes].
// Pairs are the rule; an odd number of vectors starts with one panel of three, since a lone vector halves the
// use of each element of A.
#pragma once

#include <cstddef>
#include <cstdint>

namespace tenfold::kernels::f32 {

[[gnu::always_inline]] constexpr int64_t divide_up(int64_t a, int64_t b) { return (a + b - 1) / b; }
[[gnu::always_inline]] constexpr int64_t pad_to(int64_t a, int64_t b) { return divide_up(a, b) * b; }

/// Vectors of the next panel when `left` remain.
[[gnu::always_inline]] constexpr int panel_vectors(int64_t left) { return left == 1 ? 1 : left % 2 ? 3 : 2; }

/// A Winograd block: so many output tiles are transformed, multiplied and transformed back at a time.
struct WinogradBlock {
  int64_t points;              // (tile + 2)^2 matrices
  int64_t tiles;               // per block
  int64_t c, n;                // padded to whole vectors
  int64_t v_stride, m_stride;  // floats between the matrices of transformed input and output

  [[gnu::always_inline]] constexpr WinogradBlock(int lanes, int64_t channels, int64_t outputs, int tile)
      : points(int64_t(tile + 2) * (tile + 2)), c(pad_to(channels, lanes)), n(pad_to(outputs, lanes)) {
    // Both transformed blocks should stay in L2; below 28 tiles the weights are re-read too often.
    constexpr int64_t rows = 28, most = 112, l2_floats = 192 * 1024;
    const int64_t fit = l2_floats / (points * (c + n)) / rows * rows;
    tiles = fit < rows ? rows : fit > most ? most : fit;
    v_stride = tiles * c + 16;  // an odd number of cache lines: the matrices do not meet in one cache set
    m_stride = tiles * n + 16;
  }
  [[gnu::always_inline]] constexpr int64_t floats() const { return points * (v_stride + m_stride); }
};

/// Queries whose scores are in scratch at a time.
constexpr int64_t attention_query_tile = 32;

struct AttentionScratch {    // offsets in floats
  int64_t keys, value_head;  // padded to whole vectors
  int64_t k, v, scores, total;
  [[gnu::always_inline]] constexpr AttentionScratch(int lanes, int64_t key_count, int64_t head,
                                                    int64_t value_width)
      : keys(pad_to(key_count, lanes)),
        value_head(pad_to(value_width, lanes)),
        k(0),
        v(k + keys * head),
        scores(v + key_count * value_head),
        total(scores + attention_query_tile * (keys + 16)) {}
};

}  // namespace tenfold::kernels::f32
