// kernel_bench: every kernel x shape x ISA, checked against `ref` and timed as a share of what this core can
// do.
//
//   kernel_bench [--filter TEXT] [--isa NAME] [--no-check] [--json]
//
// Times are CPU time of this thread, the least of several batches, so that other load on the machine matters
// little.
#include <fmt/format.h>
#include <time.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstring>
#include <string_view>

#include "bench/kernel_bench.hpp"
#include "cpu/features.hpp"

namespace tenfold::bench {
namespace {

using kernels::Isa;
using kernels::Kernels;

double cpu_seconds() {
  timespec t;
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
  return double(t.tv_sec) + double(t.tv_nsec) * 1e-9;
}

/// Seconds of one run: the least of 15 batches of at least 2 ms.
double time_of(const std::function<void()>& run) {
  run();
  int batch = 1;
  double least = 1e9;
  for (int i = 0; i < 15; ++i) {
    const double start = cpu_seconds();
    for (int j = 0; j < batch; ++j) run();
    const double took = cpu_seconds() - start;
    if (took < 0.002 && i < 8 && batch < 1 << 24) {
      batch = std::max(batch + 1, int(double(batch) * 0.0025 / std::max(took, 1e-7)));
      --i;
      continue;
    }
    least = std::min(least, took / batch);
  }
  return least;
}

struct Option {
  std::string_view filter, isa;
  bool check = true, json = false;
};

std::vector<const Kernels*> tables_to_run(std::string_view only) {
  const auto& f = cpu::features();
  std::vector<const Kernels*> all;
  if (cpu::available(Isa::amx)) all.push_back(kernels::table(Isa::amx));
  if (cpu::available(Isa::avx512_vnni)) all.push_back(kernels::table(Isa::avx512_vnni));
  if (f.avx_vnni)
    all.push_back(kernels::table(Isa::avx_vnni));
  else if (cpu::available(Isa::avx_vnni))
    all.push_back(kernels::table_avx_vnni_evex());
  if (cpu::available(Isa::avx2)) all.push_back(kernels::table(Isa::avx2));
  std::erase_if(all, [&](const Kernels* k) { return !only.empty() && only != k->name; });
  return all;
}

#if defined(__x86_64__)
// Ten independent chains hide the latency on every core so far.
#define TENFOLD_TEN(line) line(0) line(1) line(2) line(3) line(4) line(5) line(6) line(7) line(8) line(9)
#define TENFOLD_CLOBBERS "xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5", "xmm6", "xmm7", "xmm8", "xmm9"
#define TENFOLD_PEAK_LOOP(line)                                                          \
  [] {                                                                                   \
    for (int i = 0; i < 20000; ++i) asm volatile(TENFOLD_TEN(line)::: TENFOLD_CLOBBERS); \
  }
#define TENFOLD_DOT512(i) "vpdpbusd %%zmm14, %%zmm15, %%zmm" #i "\n"
#define TENFOLD_DOT256(i) "%{evex%} vpdpbusd %%ymm14, %%ymm15, %%ymm" #i "\n"
#define TENFOLD_DOT256_VEX(i) "%{vex%} vpdpbusd %%ymm14, %%ymm15, %%ymm" #i "\n"
// Exact without a dot product: 16 products of 16 bits and their sum.
#define TENFOLD_MADD(i) "vpmaddwd %%ymm14, %%ymm15, %%ymm13\n vpaddd %%ymm13, %%ymm" #i ", %%ymm" #i "\n"
#define TENFOLD_FMA512(i) "vfmadd231ps %%zmm14, %%zmm15, %%zmm" #i "\n"
#define TENFOLD_FMA256(i) "vfmadd231ps %%ymm14, %%ymm15, %%ymm" #i "\n"

/// Multiply-adds a second in registers.
double peak(Work work, const Kernels& k) {
  constexpr double loops = 20000 * 10;
  const bool amx = k.isa == Isa::amx, wide = amx || k.isa == Isa::avx512_vnni,
             evex = std::string_view(k.name) == "avx_vnni_evex";
  if (work == Work::mac_f32)
    return wide ? loops * 16 / time_of(TENFOLD_PEAK_LOOP(TENFOLD_FMA512))
                : loops * 8 / time_of(TENFOLD_PEAK_LOOP(TENFOLD_FMA256));
  // A tile product makes 1024 multiply-adds a cycle, two ports of vpdpbusd 128.
  if (wide) return (amx ? 8 : 1) * loops * 64 / time_of(TENFOLD_PEAK_LOOP(TENFOLD_DOT512));
  if (evex) return loops * 32 / time_of(TENFOLD_PEAK_LOOP(TENFOLD_DOT256));
  if (k.isa == Isa::avx_vnni) return loops * 32 / time_of(TENFOLD_PEAK_LOOP(TENFOLD_DOT256_VEX));
  return loops * 16 / time_of(TENFOLD_PEAK_LOOP(TENFOLD_MADD));
}
#else
double peak(Work, const Kernels&) { return 0; }
#endif

/// Largest relative difference.
float difference(const std::vector<float>& a, const std::vector<float>& b) {
  float largest = 0, scale = 1e-6f;
  for (size_t i = 0; i < a.size(); ++i) {
    largest = std::max(largest, std::abs(a[i] - b[i]));
    scale = std::max(scale, std::abs(b[i]));
  }
  return largest / scale;
}

int run(const Option& option) {
  std::vector<Row> rows;
  add_u8_rows(rows);
  add_f32_rows(rows);
  const auto tables = tables_to_run(option.isa);
  bool wrong = false;
  const char* separator = "[\n";
  if (!option.json)
    fmt::print("{:<28}{:<22}{:<15}{:>10}{:>12}{:>8}  {}\n", "kernel", "shape", "isa", "us", "rate", "peak",
               "check");
  for (const Row& row : rows) {
    if (!option.filter.empty() && (row.kernel + " " + row.shape).find(option.filter) == std::string::npos)
      continue;
    std::vector<float> expected;
    if (option.check) {
      const Ready reference = row.prepare(*kernels::table(Isa::ref));
      reference.run();
      expected = reference.result();
    }
    for (const Kernels* k : tables) {
      const Ready ready = row.prepare(*k);
      ready.run();
      const bool good = !option.check || difference(ready.result(), expected) <= row.tolerance;
      wrong = wrong || !good;
      const double seconds = time_of(ready.run), rate = row.amount / seconds * 1e-9;
      const double share = row.work == Work::bytes ? 0 : row.amount / seconds / peak(row.work, *k);
      const char* verdict = !option.check ? "-" : good ? "ok" : "WRONG";
      if (option.json) {
        fmt::print(
            R"({}{{"kernel": "{}", "shape": "{}", "isa": "{}", "us": {:.3f}, "rate": {:.2f}, "share": {:.3f}, "check": "{}"}})",
            separator, row.kernel, row.shape, k->name, seconds * 1e6, rate, share, verdict);
        separator = ",\n";
      } else {
        const auto percent =
            row.work == Work::bytes ? std::string("-") : fmt::format("{:.0f} %", share * 100);
        fmt::print("{:<28}{:<22}{:<15}{:>10.2f}{:>7.1f} {:<4}{:>8}  {}\n", row.kernel, row.shape, k->name,
                   seconds * 1e6, rate, row.work == Work::bytes ? "GB/s" : "GMAC", percent, verdict);
      }
      std::fflush(stdout);
    }
  }
  if (option.json) fmt::print("\n]\n");
  return wrong ? 1 : 0;
}

}  // namespace
}  // namespace tenfold::bench

int main(int argc, char** argv) {
  tenfold::bench::Option option;
  for (int i = 1; i < argc; ++i) {
    const std::string_view arg = argv[i];
    const bool more = i + 1 < argc;
    if (arg == "--filter" && more)
      option.filter = argv[++i];
    else if (arg == "--isa" && more)
      option.isa = argv[++i];
    else if (arg == "--no-check")
      option.check = false;
    else if (arg == "--json")
      option.json = true;
    else {
      fmt::print(stderr, "usage: kernel_bench [--filter TEXT] [--isa NAME] [--no-check] [--json]\n");
      return 2;
    }
  }
  return tenfold::bench::run(option);
}
