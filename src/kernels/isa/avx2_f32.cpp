// FP32 kernels with AVX2 and FMA.  AVX-VNNI adds nothing for floats, so its tables share them.
#include "kernels/isa/declarations.hpp"
#include "kernels/isa/table_f32.hpp"
#include "kernels/isa/vec_avx2.hpp"

namespace tenfold::kernels {

TENFOLD_BASELINE void add_f32_kernels_avx2(Kernels& table) {
  fill_f32_table<Avx2>(table);
  add_f32_depthwise_avx2(table);
}
TENFOLD_BASELINE void add_f32_kernels_avx_vnni(Kernels& table) { add_f32_kernels_avx2(table); }
TENFOLD_BASELINE void add_f32_kernels_avx_vnni_evex(Kernels& table) { add_f32_kernels_avx2(table); }

}  // namespace tenfold::kernels
