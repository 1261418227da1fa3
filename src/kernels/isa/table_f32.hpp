// The FP32 half of an ISA's kernel table.  Depthwise convolution, half of the compile time, has a file of its
// own.
#pragma once

#include "kernels/attention/attention_f32_impl.hpp"
#include "kernels/elementwise/activation_f32_impl.hpp"
#include "kernels/elementwise/binary_f32_impl.hpp"
#include "kernels/elementwise/blend_impl.hpp"
#include "kernels/elementwise/transpose_f32_impl.hpp"
#include "kernels/gemm/gemm_dynamic_f32_impl.hpp"
#include "kernels/gemm/gemm_f32_impl.hpp"
#include "kernels/norm/group_norm_f32_impl.hpp"
#include "kernels/norm/layer_norm_f32_impl.hpp"
#include "kernels/norm/softmax_f32_impl.hpp"
#include "kernels/pool/pool_f32_impl.hpp"
#include "kernels/reduce/reduce_f32_impl.hpp"
#include "kernels/winograd/winograd_f32_impl.hpp"

namespace tenfold::kernels {

void add_f32_depthwise_avx2(Kernels& table);
void add_f32_depthwise_avx512_vnni(Kernels& table);

template <class S>
TENFOLD_BASELINE void fill_f32_table(Kernels& table) {
  table.gemm_f32 = &f32::gemm_f32<S>;
  table.gemm_dynamic_f32 = &f32::gemm_dynamic_f32<S>;
  table.winograd_f32 = &f32::winograd_f32<S>;
  table.max_pool_f32 = &f32::max_pool_f32<S>;
  table.average_pool_f32 = &f32::average_pool_f32<S>;
  table.reduce_f32 = &f32::reduce_f32<S>;
  table.binary_f32 = &f32::binary_f32<S>;
  table.blend_f32 = &blend<S, float, float>;
  table.blend_from_u8 = &blend<S, u8, float>;
  table.blend_to_u8 = &blend<S, float, u8>;
  table.unary_f32 = &f32::unary_f32<S>;
  table.softmax_f32 = &f32::softmax_f32<S>;
  table.layer_norm_f32 = &f32::layer_norm_f32<S>;
  table.group_norm_f32 = &f32::group_norm_f32<S>;
  table.range_f32 = &f32::range_f32<S>;
  table.attention_f32 = &f32::attention_f32<S>;
  table.transpose_32 = &f32::transpose_32<S>;
  table.transpose_8 = &f32::transpose_8<S>;
}

}  // namespace tenfold::kernels
