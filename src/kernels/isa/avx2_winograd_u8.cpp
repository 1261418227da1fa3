#include "kernels/isa/vec_avx2.hpp"
#include "kernels/winograd/winograd_u8_impl.hpp"

namespace tenfold::kernels {

template void winograd_u8<Avx2>(const WinogradU8&);

}  // namespace tenfold::kernels
