// tenfold doctor: what this machine offers.
#include <unistd.h>

#include <array>
#include <cstdio>
#include <memory>

#include "command.hpp"
#include "cpu/features.hpp"
#include "measure/peaks.hpp"

namespace tenfold::cli {
namespace {

constexpr const char* kPeers[] = {"onnxruntime", "openvino", "torch", "nncf"};

/// Version of a Python package, or "" where Python or the package is missing.
std::string package_version(const std::string& name) {
  const char* python = std::getenv("TENFOLD_PYTHON");
  const std::string command =
      fmt::format("'{}' -c 'import importlib.metadata as m; print(m.version(\"{}\"))' 2>/dev/null",
                  python ? python : "python3", name);
  const std::unique_ptr<FILE, int (*)(FILE*)> pipe(popen(command.c_str(), "r"), pclose);
  std::array<char, 128> line{};
  if (!pipe || !std::fgets(line.data(), line.size(), pipe.get())) return "";
  std::string version(line.data());
  version.erase(version.find_last_not_of('\n') + 1);
  return version;
}

nlohmann::json examine() {
  const measure::Peaks peaks = measure::measure_peaks(exec::kernel_table(""));
  nlohmann::json isas = nlohmann::json::object(), caches = nlohmann::json::array(),
                 backends = nlohmann::json::object();
  for (cpu::Isa isa : cpu::kAllIsas) isas[std::string(to_string(isa))] = cpu::available(isa);
  for (const cpu::Cache& c : cpu::data_caches()) caches.push_back({{"level", c.level}, {"bytes", c.bytes}});
  for (const char* peer : kPeers) backends[peer] = package_version(peer);
  return {{"cpu", cpu::features().brand},
          {"cpus", cpu::allowed_cpus()},
          {"isa", to_string(cpu::selected())},
          {"isas", isas},
          {"caches", caches},
          {"peaks",
           {{"int8_gmacs", peaks.int8_gmacs},
            {"fp32_gmacs", peaks.fp32_gmacs},
            {"memory_gb_per_s", peaks.read_gbytes},
            {"l2_gb_per_s", peaks.cached_gbytes}}},
          {"backends", backends}};
}

void print_text(const nlohmann::json& j) {
  fmt::print("CPU       {}, {} usable\n", j["cpu"].get<std::string>(), j["cpus"].get<int>());
  std::string isas;
  for (const auto& [name, there] : j["isas"].items())
    isas += fmt::format("{}{} ", there.get<bool>() ? "" : "no ", name);
  fmt::print("ISA       {} (runs: {})\n", j["isa"].get<std::string>(), isas.substr(0, isas.size() - 1));
  for (const auto& c : j["caches"])
    fmt::print("Cache     L{} {} KB\n", c["level"].get<int>(), c["bytes"].get<size_t>() / 1024);
  fmt::print("Peaks     INT8 {:.0f} GMAC/s, FP32 {:.0f} GMAC/s, memory {:.1f} GB/s (one core, measured)\n",
             j["peaks"]["int8_gmacs"].get<double>(), j["peaks"]["fp32_gmacs"].get<double>(),
             j["peaks"]["memory_gb_per_s"].get<double>());
  fmt::print("Backends  native\n");
  for (const auto& [name, version] : j["backends"].items()) {
    const std::string v = version.get<std::string>();
    fmt::print("          {} {}\n", name, v.empty() ? fmt::format("not found (pip install {})", name) : v);
  }
}

}  // namespace

void add_doctor(CLI::App& app, const Globals& globals, int& exit_code) {
  auto* c = app.add_subcommand("doctor", "What this machine offers: ISA, caches, measured peaks, backends");
  c->callback([&globals, &exit_code] {
    const nlohmann::json found = examine();
    if (globals.json)
      print_json(found);
    else
      print_text(found);
    exit_code = kMet;
  });
}

}  // namespace tenfold::cli
