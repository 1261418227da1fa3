// FP32 kernels with AVX-512.
#include "kernels/isa/declarations.hpp"
#include "kernels/isa/table_f32.hpp"
#include "kernels/isa/vec_avx512_vnni.hpp"

namespace tenfold::kernels {

TENFOLD_BASELINE void add_f32_kernels_avx512_vnni(Kernels& table) {
  fill_f32_table<Avx512Vnni>(table);
  add_f32_depthwise_avx512_vnni(table);
}

}  // namespace tenfold::kernels
