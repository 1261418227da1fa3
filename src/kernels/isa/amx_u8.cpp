// AMX: the u8 x s8 GEMM with tiles; the rest is the code of AVX-512.
#include "kernels/gemm/gemm_u8_impl.hpp"
#include "kernels/isa/declarations.hpp"
#include "kernels/isa/vec_amx.hpp"

namespace tenfold::kernels {

struct Amx : AmxTraits<Amx, TileInstructions> {};

extern template void gemm_u8<Avx512Vnni>(const GemmU8&);

TENFOLD_BASELINE void add_u8_kernels_amx(Kernels& table) {
  add_u8_kernels_avx512_vnni(table);
  table.layout = Amx::layout;
  table.gemm_u8 = &gemm_u8<Amx>;
}

}  // namespace tenfold::kernels
