#include "kernels/depthwise/depthwise_u8_impl.hpp"
#include "kernels/isa/vec_avx2.hpp"

namespace tenfold::kernels {

template void depthwise_u8<Avx2>(const DepthwiseU8&);

}  // namespace tenfold::kernels
