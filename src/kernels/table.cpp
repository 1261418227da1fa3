// Assembles the kernel tables.  Host code: runs before anybody knows what the CPU can do.
#include "kernels/isa/declarations.hpp"
#include "kernels/kernels.hpp"

namespace tenfold::kernels {
namespace {

using Fill = void (*)(Kernels&);

Kernels make_table(Isa isa, const char* name, Fill u8_part, Fill f32_part) {
  Kernels table{};
  table.isa = isa;
  table.name = name;
  u8_part(table);
  f32_part(table);
  return table;
}

const Kernels* ref_table() {
  static const Kernels table = make_table(Isa::ref, "ref", add_u8_kernels_ref, add_f32_kernels_ref);
  return &table;
}

}  // namespace

#if defined(__x86_64__)
const Kernels* table(Isa isa) {
  static const Kernels avx2 = make_table(Isa::avx2, "avx2", add_u8_kernels_avx2, add_f32_kernels_avx2);
  static const Kernels avx_vnni =
      make_table(Isa::avx_vnni, "avx_vnni", add_u8_kernels_avx_vnni, add_f32_kernels_avx_vnni);
  static const Kernels avx512_vnni =
      make_table(Isa::avx512_vnni, "avx512_vnni", add_u8_kernels_avx512_vnni, add_f32_kernels_avx512_vnni);
  static const Kernels amx = make_table(Isa::amx, "amx", add_u8_kernels_amx, add_f32_kernels_avx512_vnni);
  switch (isa) {
    case Isa::ref:
      return ref_table();
    case Isa::avx2:
      return &avx2;
    case Isa::avx_vnni:
      return &avx_vnni;
    case Isa::avx512_vnni:
      return &avx512_vnni;
    case Isa::amx:
      return &amx;
  }
  return nullptr;
}

const Kernels* table_avx_vnni_evex() {
  static const Kernels evex =
      make_table(Isa::avx_vnni, "avx_vnni_evex", add_u8_kernels_avx_vnni_evex, add_f32_kernels_avx_vnni_evex);
  return &evex;
}
#else
const Kernels* table(Isa isa) { return isa == Isa::ref ? ref_table() : nullptr; }
const Kernels* table_avx_vnni_evex() { return nullptr; }
#endif

}  // namespace tenfold::kernels
