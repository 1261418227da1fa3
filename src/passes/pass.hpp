// Graph passes: what one is, and the runner that wraps all of them.
#pragma once

#include <functional>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <vector>

#include "ir/graph.hpp"
#include "ir/patch.hpp"

namespace tenfold::passes {

/// A rewrite tried at every node until none matches, or a whole-graph transformation.  Exactly one of the two
/// functions is set.  A pass must leave the meaning of the graph unchanged (up to rounding in FP32).
struct Pass {
  const char* name;         ///< kebab-case, what --disable-pass takes
  const char* description;  ///< one line for `tenfold inspect --passes`
  /// Matches the pattern that ends in node `id` (its last node) and returns the rewrite.
  std::optional<ir::Patch> (*rewrite)(const ir::Graph& graph, ir::NodeId id) = nullptr;
  /// Transforms the whole graph; returns how many changes it made.
  size_t (*transform)(ir::Graph& graph) = nullptr;
};

struct PassRecord {
  std::string name;
  size_t changes = 0;
  double milliseconds = 0;
};

enum class Verify { never, at_end, after_each_pass };

struct PassOptions {
  std::set<std::string> disabled;   ///< names of passes to leave out; an unknown name is an error
  std::function<bool()> cancelled;  ///< asked between passes; true throws Error(cancelled)
  /// When ir::verify looks at the graph.  After each pass the error names the one that broke it; at the end
  /// costs a tenth as much, which is what loading a model takes.
  Verify verify = Verify::after_each_pass;
};

/// The ordered pipelines, see pipeline.inc.
enum class Stage {
  canonicalise,  ///< after import: meaning-preserving clean-up and pattern fusion, exportable
  int8,          ///< before planning: DequantizeLinear -> operator -> QuantizeLinear to the INT8 operators
  fuse,          ///< before planning, on concrete shapes: fusions that only the engine knows, not exportable
};
std::span<const Pass* const> pipeline(Stage stage);

/// Runs a pipeline to a fixpoint (at most 10 rounds), timing each pass; one record a pass, in pipeline order.
/// Ids change: the graph is compacted where something changed.  Throws not_found for an unknown name in
/// `options.disabled`, cancelled, and internal where a pass breaks the graph or never settles (naming the
/// pass, see Verify).
std::vector<PassRecord> run(ir::Graph& graph, Stage stage, const PassOptions& options = {});

}  // namespace tenfold::passes
