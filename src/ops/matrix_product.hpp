// Matrix products shared by MatMul, MatMulInteger and their quantized forms.
#pragma once

#include <algorithm>
#include <array>

#include "ops/checks.hpp"

namespace tenfold::ops {

/// The extents of one NumPy matmul: batches of [m, k] x [k, n].  A vector operand counts as a row (a) or
/// column (b).
struct MatMul {
  int64_t m = 0, k = 0, n = 0;
  Walk<3> batches;  ///< element offsets of a, b and the result
};

MatMul resolve_matmul(const ir::Node& node, const Shape& a, const Shape& b);
/// The shape of a x b, extents may be symbols; throws invalid_model where they contradict.
std::optional<Shape> matmul_shape(InferContext& ctx, const Shape* a, const Shape* b);
/// Multiply-accumulates of a node with operands in inputs 0 and 1; 0 while shapes are unknown.
double matmul_macs(const ir::Graph& graph, const ir::Node& node);

/// Sums of neighbouring elements of one row of the result.
inline constexpr int64_t kMatMulTile = 64;

/// Calls store(sums, count, row, column) for every tile of one [m, k] x [k, n] product.  Operands have row
/// and column steps, so transposed ones work too; multiply(a, b, row, column) gives one product.
template <class Sum, class A, class B, class Multiply, class Store>
void multiply_matrices(const MatMul& p, const A* a, int64_t a_row, int64_t a_column, const B* b,
                       int64_t b_row, int64_t b_column, Multiply&& multiply, Store&& store) {
  for (int64_t row = 0; row < p.m; row++)
    for (int64_t column = 0; column < p.n; column += kMatMulTile) {
      const int64_t count = std::min(kMatMulTile, p.n - column);
      std::array<Sum, kMatMulTile> sums{};
      for (int64_t k = 0; k < p.k; k++) {
        const A left = a[row * a_row + k * a_column];
        const B* right = b + k * b_row + column * b_column;
        if (b_column == 1)
          for (int64_t i = 0; i < count; i++)
            sums[static_cast<size_t>(i)] += multiply(left, right[i], row, column + i);
        else
          for (int64_t i = 0; i < count; i++)
            sums[static_cast<size_t>(i)] += multiply(left, right[i * b_column], row, column + i);
      }
      store(sums, count, row, column);
    }
}

/// The product of two floats for a sum in double.
inline constexpr auto kMultiplyF32 = [](float a, float b, int64_t, int64_t) {
  return static_cast<double>(a) * static_cast<double>(b);
};

}  // namespace tenfold::ops
