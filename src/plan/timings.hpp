// What was measured to run fastest: the persistent timing cache.
#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <string_view>

#include "plan/step.hpp"

namespace tenfold::plan {

/// One of the ways to run a node, or a chain of nodes.
struct Choice {
  std::string kernel;  ///< a name of steps.inc; of a chain, strips_kernel() or kApart (choose.hpp)
  int threads = 1;     ///< at most as many as the session has
  Split split = Split::automatic;
  int64_t rows = 0;         ///< of a strip, for chains in strips
  double microseconds = 0;  ///< of the node by itself, its weights not in the first caches
  int64_t measured = 0;     ///< when, in seconds since 1970: the oldest are forgotten first

  bool operator==(const Choice&) const = default;
};

/// Choices by machine and node.  A machine is a CPU model, an instruction set, a number of threads and the
/// version of the engine; a node is its operator, shapes and attributes.  What a file or an artifact says is
/// advice: an entry that cannot be followed is as good as none, and none changes an INT8 result.
class Timings {
 public:
  /// Names this machine with `threads` threads and the kernels of `isa`.
  static std::string machine(std::string_view isa, int threads);

  /// Reads what text() wrote; anything else counts as empty, as nothing but speed depends on it.
  static Timings parse(std::string_view text);
  /// Empty where the file cannot be read.
  static Timings load(const std::filesystem::path& file);

  const Choice* find(const std::string& machine, const std::string& node) const;
  void put(const std::string& machine, const std::string& node, Choice choice);
  /// Takes over the entries of `other`, which win.
  void merge(const Timings& other);
  bool empty() const { return machines_.empty(); }

  /// JSON: {"tenfold_timings": 1, "machines": {machine: {node: [kernel, threads, split, rows,
  /// microseconds, measured]}}}.
  std::string text() const;
  /// Merges these entries into the file, which other processes may be doing too: it is replaced as a whole,
  /// and the worst that happens is that an entry is measured again.  What other versions of the engine
  /// measured is dropped, and of every machine the oldest entries beyond kMostNodes.  Throws Error(io).
  void save(const std::filesystem::path& file) const;

  static constexpr size_t kMostNodes = 4096;  ///< about 1 MB

 private:
  void forget();

  std::map<std::string, std::map<std::string, Choice>> machines_;
};

/// TENFOLD_TIMINGS, or timings.json in the folder tenfold of XDG_CACHE_HOME or ~/.cache; empty where there is
/// no such place or the variable is set to nothing.
std::filesystem::path timings_file();

}  // namespace tenfold::plan
