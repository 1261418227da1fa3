#include "kernels/isa/vec_avx512_vnni.hpp"
#include "kernels/winograd/winograd_u8_impl.hpp"

namespace tenfold::kernels {

template void winograd_u8<Avx512Vnni>(const WinogradU8&);

}  // namespace tenfold::kernels
