// What the per-ISA translation units offer: each fills its part of a table.
#pragma once

#include "kernels/kernels.hpp"

namespace tenfold::kernels {

void add_u8_kernels_ref(Kernels& table);
void add_f32_kernels_ref(Kernels& table);
void add_u8_kernels_avx2(Kernels& table);
void add_f32_kernels_avx2(Kernels& table);
void add_u8_kernels_avx_vnni(Kernels& table);
void add_f32_kernels_avx_vnni(Kernels& table);
void add_u8_kernels_avx_vnni_evex(Kernels& table);
void add_f32_kernels_avx_vnni_evex(Kernels& table);
void add_u8_kernels_avx512_vnni(Kernels& table);
void add_f32_kernels_avx512_vnni(Kernels& table);
void add_u8_kernels_amx(Kernels& table);

}  // namespace tenfold::kernels
