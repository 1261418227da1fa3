#include "kernels/isa/declarations.hpp"
#include "kernels/isa/table_u8.hpp"
#include "kernels/isa/vec_avx2.hpp"

namespace tenfold::kernels {

TENFOLD_BASELINE void add_u8_kernels_avx2(Kernels& table) { fill_u8_table<Avx2>(table); }

}  // namespace tenfold::kernels
