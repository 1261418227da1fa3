#include "kernels/depthwise/depthwise_u8_impl.hpp"
#include "kernels/isa/vec_avx_vnni.hpp"

namespace tenfold::kernels {

template void depthwise_u8<AvxVnniEvex>(const DepthwiseU8&);

}  // namespace tenfold::kernels
