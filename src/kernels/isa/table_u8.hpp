// The INT8 half of an ISA's kernel table.
#pragma once

#include "kernels/isa/vec.hpp"

namespace tenfold::kernels {

template <class S>
TENFOLD_BASELINE void fill_u8_table(Kernels& table) {
  table.layout = S::layout;
}

}  // namespace tenfold::kernels
