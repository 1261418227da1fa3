#include "kernels/isa/declarations.hpp"
#include "kernels/isa/table_u8.hpp"
#include "kernels/isa/vec_avx_vnni.hpp"

namespace tenfold::kernels {

TENFOLD_BASELINE void add_u8_kernels_avx_vnni_evex(Kernels& table) { fill_u8_table<AvxVnniEvex>(table); }

}  // namespace tenfold::kernels
