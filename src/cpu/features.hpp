// What this CPU and operating system offer, and which ISA to use.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"
#include "cpu/isa.hpp"

namespace tenfold::cpu {

std::string_view to_string(Isa isa);

/// CPUID flags; one counts only if the operating system saves the registers it needs (XGETBV).
struct Features {
  std::string brand;
  std::string
      model;  ///< family.model.stepping as CPUID has them: virtual machines may name no model in `brand`
  bool avx2 = false, fma = false, f16c = false, avx_vnni = false;
  bool avx512f = false, avx512bw = false, avx512vl = false, avx512dq = false, avx512_vnni = false,
       avx512_vbmi = false;
  bool amx_tile = false, amx_int8 = false;
};
const Features& features();

/// True if this machine can run the kernels of `isa`.  avx_vnni counts as available also on CPUs that have
/// its 256-bit instructions in EVEX encoding only (AVX512-VNNI with VL).  amx needs a grant of the operating
/// system too, which the first call asks for.
bool available(Isa isa);
/// The best available ISA, or the one that TENFOLD_ISA names.  Throws invalid_argument on an unknown name and
/// unsupported where the machine lacks it: never a silent fallback.
Isa selected();
/// As selected(), but for an explicit name; empty means the best available.
Isa select(std::string_view name);

struct Cache {
  int level;
  size_t bytes;
};
std::vector<Cache> data_caches();  ///< of CPU 0, smallest first; empty where the system does not tell
size_t second_level_cache();       ///< bytes of it for each core, or 1 MB where the system does not tell

/// The least quota, in CPUs, of the control groups that this process is in, from its own to the root of what
/// is mounted; infinity where there is none.  `root` holds proc and sys.
double cgroup_cpus(const std::filesystem::path& root = "/");
/// CPUs this process may use: affinity mask and cgroup quota, at least 1.
int allowed_cpus();

}  // namespace tenfold::cpu
