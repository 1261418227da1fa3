#include "kernels/emulated/tables.hpp"

namespace tenfold::kernels {

// The per-ISA files of src/kernels/isa, under the names that kernels/emulated/avx512.hpp gives them.
void add_u8_kernels_emulated_avx512_vnni(Kernels& table);
void add_f32_kernels_emulated_avx512_vnni(Kernels& table);
void add_u8_kernels_emulated_avx_vnni(Kernels& table);
void add_gemm_u8_emulated_amx(Kernels& table);

namespace test {

std::vector<const Kernels*> emulated_tables() {
  static const Kernels avx512_vnni = [] {
    Kernels k{.isa = Isa::avx512_vnni, .name = "avx512_vnni (emulated)"};
    add_u8_kernels_emulated_avx512_vnni(k);
    add_f32_kernels_emulated_avx512_vnni(k);
    return k;
  }();
  static const Kernels avx_vnni = [] {
    Kernels k = *table(Isa::avx2);  // the floats of AVX-VNNI are those of AVX2
    k.isa = Isa::avx_vnni, k.name = "avx_vnni (emulated)";
    add_u8_kernels_emulated_avx_vnni(k);
    return k;
  }();
  static const Kernels amx = [] {
    Kernels k = avx512_vnni;
    k.isa = Isa::amx, k.name = "amx (emulated)";
    add_gemm_u8_emulated_amx(k);
    return k;
  }();
  return {&avx_vnni, &avx512_vnni, &amx};
}

}  // namespace test
}  // namespace tenfold::kernels
