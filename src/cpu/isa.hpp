// The instruction-set families that the engine has kernels for.  Includes nothing: kernel files read it too.
#pragma once

namespace tenfold::cpu {

/// In rising order of preference.
enum class Isa : unsigned char { ref, avx2, avx_vnni, avx512_vnni, amx };
inline constexpr Isa kAllIsas[] = {Isa::ref, Isa::avx2, Isa::avx_vnni, Isa::avx512_vnni, Isa::amx};

}  // namespace tenfold::cpu
