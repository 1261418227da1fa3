// The FP32 half of an ISA's kernel table.
#pragma once

#include "kernels/elementwise/activation_f32_impl.hpp"
#include "kernels/gemm/gemm_dynamic_f32_impl.hpp"
#include "kernels/gemm/gemm_f32_impl.hpp"

namespace tenfold::kernels {

template <class S>
TENFOLD_BASELINE void fill_f32_table(Kernels& table) {
  table.gemm_f32 = &f32::gemm_f32<S>;
  table.gemm_dynamic_f32 = &f32::gemm_dynamic_f32<S>;
  table.unary_f32 = &f32::unary_f32<S>;
}

}  // namespace tenfold::kernels
