#include "cpu/features.hpp"

#include <sched.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <string>

#if defined(__x86_64__)
#include <cpuid.h>
#endif

namespace tenfold::cpu {
namespace {

#if defined(__x86_64__)
struct Registers {
  uint32_t a = 0, b = 0, c = 0, d = 0;
};
Registers cpuid(uint32_t leaf, uint32_t sub = 0) {
  Registers r;
  __get_cpuid_count(leaf, sub, &r.a, &r.b, &r.c, &r.d);
  return r;
}
uint64_t xgetbv() {
  uint32_t lo, hi;
  asm volatile("xgetbv" : "=a"(lo), "=d"(hi) : "c"(0));
  return uint64_t{hi} << 32 | lo;
}
constexpr bool bit(uint32_t word, int i) { return word >> i & 1; }

std::string brand_string() {
  std::array<char, 48> brand{};
  for (uint32_t i = 0; i < 3; i++) {
    const Registers r = cpuid(0x80000002 + i);
    std::memcpy(brand.data() + 16 * i, &r, 16);
  }
  std::string text(brand.data(),
                   static_cast<size_t>(std::find(brand.begin(), brand.end(), '\0') - brand.begin()));
  text.erase(text.find_last_not_of(' ') + 1);
  return text;
}

/// Family, model and stepping from leaf 1.
std::string model_string(uint32_t signature) {
  const uint32_t family = (signature >> 8 & 15) + (signature >> 20 & 255),
                 model = (signature >> 4 & 15) | (signature >> 12 & 0xf0);
  return fmt::format("{}.{}.{}", family, model, signature & 15);
}

Features detect() {
  Features f;
  f.brand = brand_string();
  const Registers one = cpuid(1), seven = cpuid(7), seven1 = cpuid(7, 1);
  f.model = model_string(one.a);
  if (!bit(one.c, 27)) return f;  // OSXSAVE
  // XCR0: bits 1-2 SSE and AVX state, 5-7 AVX-512 state, 17-18 AMX tiles.
  const uint64_t os = xgetbv();
  const bool ymm = (os & 0x6) == 0x6, zmm = ymm && (os & 0xe0) == 0xe0, tiles = (os & 0x60000) == 0x60000;
  f.fma = ymm && bit(one.c, 12);
  f.f16c = ymm && bit(one.c, 29);
  f.avx2 = ymm && bit(seven.b, 5);
  f.avx_vnni = ymm && bit(seven1.a, 4);
  f.avx512f = zmm && bit(seven.b, 16);
  f.avx512dq = zmm && bit(seven.b, 17);
  f.avx512bw = zmm && bit(seven.b, 30);
  f.avx512vl = zmm && bit(seven.b, 31);
  f.avx512_vbmi = zmm && bit(seven.c, 1);
  f.avx512_vnni = zmm && bit(seven.c, 11);
  f.amx_tile = tiles && bit(seven.d, 24);
  f.amx_int8 = tiles && bit(seven.d, 25);
  return f;
}
#else
Features detect() { return {}; }
#endif

/// The quota that files in one folder of a control group tell, of version 2 or 1.
double quota_in(const std::filesystem::path& folder) {
  double quota = -1, period = 0;
  if (std::ifstream v2(folder / "cpu.max"); v2) {
    std::string first;
    v2 >> first >> period;
    if (first != "max") quota = std::strtod(first.c_str(), nullptr);
  } else {
    std::ifstream(folder / "cpu.cfs_quota_us") >> quota;
    std::ifstream(folder / "cpu.cfs_period_us") >> period;
  }
  return quota > 0 && period > 0 ? quota / period : INFINITY;
}

/// Asks Linux for the use of AMX tiles, for all threads of this process.  Their 8 KB of state is larger than
/// old signal stacks have room for, so they are off until a program asks (Linux 5.16; older ones say no).
bool tiles_granted() {
#if defined(__x86_64__)
  constexpr int kRequestPermission = 0x1023, kTileData = 18;  // ARCH_REQ_XCOMP_PERM; component of XSAVE
  static const bool granted = syscall(SYS_arch_prctl, kRequestPermission, kTileData) == 0;
  return granted;
#else
  return false;
#endif
}

Isa parse(std::string_view name) {
  for (Isa isa : kAllIsas)
    if (to_string(isa) == name) return isa;
  fail(ErrorCode::invalid_argument,
       "unknown ISA '{}' (TENFOLD_ISA): use ref, avx2, avx_vnni, avx512_vnni or amx", name);
}

}  // namespace

std::string_view to_string(Isa isa) {
  switch (isa) {
    case Isa::ref:
      return "ref";
    case Isa::avx2:
      return "avx2";
    case Isa::avx_vnni:
      return "avx_vnni";
    case Isa::avx512_vnni:
      return "avx512_vnni";
    case Isa::amx:
      return "amx";
  }
  return "?";
}

const Features& features() {
  static const Features f = detect();
  return f;
}

bool available(Isa isa) {
  const Features& f = features();
  const bool avx2 = f.avx2 && f.fma && f.f16c;
  const bool evex_vnni = f.avx512f && f.avx512vl && f.avx512_vnni;
  switch (isa) {
    case Isa::ref:
      return true;
    case Isa::avx2:
      return avx2;
    case Isa::avx_vnni:
      return avx2 && (f.avx_vnni || evex_vnni);
    case Isa::avx512_vnni:
      return avx2 && evex_vnni && f.avx512bw && f.avx512dq && f.avx512_vbmi;
    case Isa::amx:
      return f.amx_tile && f.amx_int8 && available(Isa::avx512_vnni) && tiles_granted();
  }
  return false;
}

Isa select(std::string_view name) {
  if (!name.empty()) {
    const Isa isa = parse(name);
    if (!available(isa))
      fail(ErrorCode::unsupported, "instruction set {}: this CPU ({}) has no such instructions", name,
           features().brand);
    return isa;
  }
  Isa best = Isa::ref;
  for (Isa isa : kAllIsas)
    if (available(isa)) best = isa;
  return best;
}

Isa selected() {
  const char* name = std::getenv("TENFOLD_ISA");
  return select(name ? name : "");
}

std::vector<Cache> data_caches() {
  std::vector<Cache> caches;
  for (int i = 0; i < 8; i++) {
    const std::string folder = fmt::format("/sys/devices/system/cpu/cpu0/cache/index{}/", i);
    std::string type, size;
    int level = 0;
    if (!(std::ifstream(folder + "type") >> type) || type == "Instruction") continue;
    if (!(std::ifstream(folder + "level") >> level) || !(std::ifstream(folder + "size") >> size)) continue;
    const size_t unit = size.back() == 'K' ? 1024 : size.back() == 'M' ? 1024 * 1024 : 1;
    caches.push_back({level, static_cast<size_t>(std::strtoull(size.c_str(), nullptr, 10)) * unit});
  }
  return caches;
}

size_t second_level_cache() {
  static const size_t bytes = [] {
    for (const Cache& cache : data_caches())
      if (cache.level == 2) return cache.bytes;
    return size_t{1} << 20;
  }();
  return bytes;
}

double cgroup_cpus(const std::filesystem::path& root) {
  const std::filesystem::path mounted = root / "sys/fs/cgroup";
  double least = std::min(quota_in(mounted), quota_in(mounted / "cpu"));
  std::ifstream groups(root / "proc/self/cgroup");
  for (std::string line; std::getline(groups, line);) {  // hierarchy:controllers:path
    const size_t controllers = line.find(':'), path = line.find(':', controllers + 1);
    if (controllers == std::string::npos || path == std::string::npos) continue;
    const std::string names =
        fmt::format(",{},", std::string_view(line).substr(controllers + 1, path - controllers - 1));
    const bool v2 = names == ",,";
    if (!v2 && names.find(",cpu,") == std::string::npos) continue;
    const std::filesystem::path top = v2 ? mounted : mounted / "cpu";
    std::filesystem::path below;
    for (const auto& part : std::filesystem::path(line.substr(path + 1)).relative_path())
      least = std::min(least, quota_in(top / (below /= part)));
  }
  return least;
}

int allowed_cpus() {
  cpu_set_t set;
  CPU_ZERO(&set);
  const int affinity = sched_getaffinity(0, sizeof set, &set) == 0 ? CPU_COUNT(&set) : 1;
  const double quota = std::floor(cgroup_cpus());
  return std::max(1, quota < affinity ? static_cast<int>(quota) : affinity);
}

}  // namespace tenfold::cpu
