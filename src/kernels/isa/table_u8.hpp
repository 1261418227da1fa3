// The INT8 half of an ISA's kernel table.
#pragma once

#include "kernels/elementwise/binary_u8_impl.hpp"
#include "kernels/elementwise/quantize_impl.hpp"
#include "kernels/gemm/gemm_u8_impl.hpp"
#include "kernels/grouped/grouped_u8_impl.hpp"
#include "kernels/norm/group_norm_u8_impl.hpp"
#include "kernels/pool/pool_u8_impl.hpp"
#include "kernels/reduce/reduce_u8_impl.hpp"

namespace tenfold::kernels {

/// Compiled in files of their own (<isa>_<kernel>.cpp), to keep each short to compile.
template <class S>
void depthwise_u8(const DepthwiseU8& d);
template <class S>
void winograd_u8(const WinogradU8& d);

template <class S>
TENFOLD_BASELINE void fill_u8_table(Kernels& table) {
  table.layout = S::layout;
  table.gemm_u8 = &gemm_u8<S>;
  table.winograd_u8 = &winograd_u8<S>;
  table.depthwise_u8 = &depthwise_u8<S>;
  table.grouped_u8 = &grouped_u8<S>;
  table.add_u8 = &add_u8<S>;
  table.mul_u8 = &mul_u8<S>;
  table.lookup_u8 = &lookup_u8<S>;
  table.max_pool_u8 = &max_pool_u8<S>;
  table.average_pool_u8 = &average_pool_u8<S>;
  table.global_average_u8 = &global_average_u8<S>;
  table.reduce_u8 = &reduce_u8<S>;
  table.column_sums_u8 = &column_sums_u8<S>;
  table.affine_u8 = &affine_u8<S>;
  table.quantize_u8 = &quantize_u8<S>;
  table.quantize_divided_u8 = &quantize_divided_u8<S>;
  table.quantize_planar_u8 = &quantize_planar_u8<S>;
  table.dequantize_u8 = &dequantize_u8<S>;
}

}  // namespace tenfold::kernels
