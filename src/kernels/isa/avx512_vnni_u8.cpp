#include "kernels/isa/declarations.hpp"
#include "kernels/isa/table_u8.hpp"
#include "kernels/isa/vec_avx512_vnni.hpp"

namespace tenfold::kernels {

TENFOLD_BASELINE void add_u8_kernels_avx512_vnni(Kernels& table) { fill_u8_table<Avx512Vnni>(table); }

}  // namespace tenfold::kernels
