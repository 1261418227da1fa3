// The scalar truth for INT8 kernels: plain loops, no vectors, written for reading.
#include "kernels/isa/declarations.hpp"
#include "kernels/kernels.hpp"

namespace tenfold::kernels {

void add_u8_kernels_ref(Kernels& table) { table.layout = {1, 1, 1, 4}; }

}  // namespace tenfold::kernels
