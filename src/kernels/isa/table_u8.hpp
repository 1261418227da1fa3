// The INT8 half of an ISA's kernel table.
#pragma once

#include "kernels/depthwise/depthwise_u8_impl.hpp"
#include "kernels/gemm/gemm_u8_impl.hpp"

namespace tenfold::kernels {

template <class S>
TENFOLD_BASELINE void fill_u8_table(Kernels& table) {
  table.layout = S::layout;
  table.gemm_u8 = &gemm_u8<S>;
  table.depthwise_u8 = &depthwise_u8<S>;
}

}  // namespace tenfold::kernels
