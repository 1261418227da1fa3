#include "plan/timings.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>
#include <iterator>
#include <nlohmann/json.hpp>

#include "base/error.hpp"
#include "base/mapped_file.hpp"
#include "base/temporary_file.hpp"
#include "cpu/features.hpp"

namespace tenfold::plan {
namespace {

constexpr int kFormat = 1;
/// How the name of a machine ends.
constexpr std::string_view kVersion = "tenfold " TENFOLD_VERSION;
constexpr std::string_view kSplits[] = {"automatic", "rows", "channels"};

/// False where the entry is none that text() wrote.
bool parse_choice(const nlohmann::json& entry, Choice& choice) {
  if (!entry.is_array() || entry.size() != 6) return false;
  if (!entry[0].is_string() || !entry[1].is_number_integer() || !entry[2].is_string() ||
      !entry[3].is_number_integer() || !entry[4].is_number() || !entry[5].is_number_integer())
    return false;
  const auto split = std::find(std::begin(kSplits), std::end(kSplits), entry[2].get<std::string>());
  if (split == std::end(kSplits)) return false;
  choice = {
      entry[0].get<std::string>(), entry[1].get<int>(),    static_cast<Split>(split - std::begin(kSplits)),
      entry[3].get<int64_t>(),     entry[4].get<double>(), entry[5].get<int64_t>()};
  return choice.threads >= 1;
}

}  // namespace

std::string Timings::machine(std::string_view isa, int threads) {
  const cpu::Features& f = cpu::features();
  return fmt::format("{} {}, {} KB, {}, {} threads, {}", f.brand, f.model, cpu::second_level_cache() / 1024,
                     isa, threads, kVersion);
}

Timings Timings::parse(std::string_view text) {
  Timings timings;
  const auto json = nlohmann::json::parse(text, nullptr, /*allow_exceptions=*/false);
  if (!json.is_object() || json.value("tenfold_timings", nlohmann::json()) != kFormat) return timings;
  const auto machines = json.find("machines");
  if (machines == json.end() || !machines->is_object()) return timings;
  for (const auto& [machine, nodes] : machines->items()) {
    if (!nodes.is_object()) continue;
    for (const auto& [node, entry] : nodes.items())
      if (Choice choice; parse_choice(entry, choice)) timings.put(machine, node, std::move(choice));
  }
  return timings;
}

Timings Timings::load(const std::filesystem::path& file) {
  if (file.empty()) return {};
  try {
    const std::shared_ptr<const MappedFile> mapped = MappedFile::open(file);
    const std::span<const std::byte> bytes = mapped->bytes();
    return parse({reinterpret_cast<const char*>(bytes.data()), bytes.size()});
  } catch (const Error&) {
    return {};
  }
}

const Choice* Timings::find(const std::string& machine, const std::string& node) const {
  const auto nodes = machines_.find(machine);
  if (nodes == machines_.end()) return nullptr;
  const auto choice = nodes->second.find(node);
  return choice == nodes->second.end() ? nullptr : &choice->second;
}

void Timings::put(const std::string& machine, const std::string& node, Choice choice) {
  machines_[machine].insert_or_assign(node, std::move(choice));
}

void Timings::merge(const Timings& other) {
  for (const auto& [machine, nodes] : other.machines_)
    for (const auto& [node, choice] : nodes) put(machine, node, choice);
}

std::string Timings::text() const {
  nlohmann::json machines = nlohmann::json::object();
  for (const auto& [machine, nodes] : machines_)
    for (const auto& [node, c] : nodes)
      machines[machine][node] = {c.kernel, c.threads,      kSplits[static_cast<size_t>(c.split)],
                                 c.rows,   c.microseconds, c.measured};
  const nlohmann::json all{{"tenfold_timings", kFormat}, {"machines", std::move(machines)}};
  // A name that is not UTF-8 need not be found again.
  return all.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

void Timings::forget() {
  std::erase_if(machines_, [](const auto& machine) { return !machine.first.ends_with(kVersion); });
  for (auto& [machine, nodes] : machines_) {
    if (nodes.size() <= kMostNodes) continue;
    std::vector<int64_t> times;
    for (const auto& [node, choice] : nodes) times.push_back(choice.measured);
    const auto oldest = times.end() - kMostNodes;
    std::nth_element(times.begin(), oldest, times.end());
    std::erase_if(nodes, [limit = *oldest](const auto& node) { return node.second.measured < limit; });
  }
}

void Timings::save(const std::filesystem::path& file) const {
  const Timings before = load(file);
  Timings all = before;
  all.merge(*this);
  all.forget();
  if (all.machines_ == before.machines_) return;
  std::error_code ignored;  // a folder that is not there is reported with the file
  std::filesystem::create_directories(file.parent_path(), ignored);
  write_file_atomically(file, all.text());
}

std::filesystem::path timings_file() {
  if (const char* file = std::getenv("TENFOLD_TIMINGS")) return file;
  const char* cache = std::getenv("XDG_CACHE_HOME");
  if (cache && *cache) return std::filesystem::path(cache) / "tenfold/timings.json";
  const char* home = std::getenv("HOME");
  if (home && *home) return std::filesystem::path(home) / ".cache/tenfold/timings.json";
  return {};
}

}  // namespace tenfold::plan
