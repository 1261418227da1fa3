#include "kernels/depthwise/depthwise_f32_impl.hpp"
#include "kernels/isa/declarations.hpp"
#include "kernels/isa/vec_avx2.hpp"

namespace tenfold::kernels {

void add_f32_depthwise_avx2(Kernels& table);

TENFOLD_BASELINE void add_f32_depthwise_avx2(Kernels& table) {
  table.depthwise_f32 = &f32::depthwise_f32<Avx2>;
}

}  // namespace tenfold::kernels
