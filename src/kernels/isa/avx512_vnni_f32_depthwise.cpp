#include "kernels/depthwise/depthwise_f32_impl.hpp"
#include "kernels/isa/declarations.hpp"
#include "kernels/isa/vec_avx512_vnni.hpp"

namespace tenfold::kernels {

void add_f32_depthwise_avx512_vnni(Kernels& table);

TENFOLD_BASELINE void add_f32_depthwise_avx512_vnni(Kernels& table) {
  table.depthwise_f32 = &f32::depthwise_f32<Avx512Vnni>;
}

}  // namespace tenfold::kernels
