// The u8 x s8 GEMM of AMX over the software model of its tiles.
#include "kernels/emulated/tile_model.hpp"
#include "kernels/gemm/gemm_u8_impl.hpp"

namespace tenfold::kernels {

struct EmulatedAmx : AmxTraits<EmulatedAmx, TileModel> {};

extern template void gemm_u8<Avx512Vnni>(const GemmU8&);

void add_gemm_u8_emulated_amx(Kernels& table);
void add_gemm_u8_emulated_amx(Kernels& table) {
  table.layout = EmulatedAmx::layout;
  table.gemm_u8 = &gemm_u8<EmulatedAmx>;
}

}  // namespace tenfold::kernels
