// The one loop around every pass: order, fixpoint, timing, verification.
#include <algorithm>
#include <chrono>

#include "ir/node_error.hpp"
#include "ops/op.hpp"
#include "passes/pass.hpp"

namespace tenfold::passes {

#define TENFOLD_PASS(stage, symbol) extern const Pass pass_##symbol;
#include "passes/pipeline.inc"
#undef TENFOLD_PASS

namespace {

struct Row {
  Stage stage;
  const Pass* pass;
};

const Row kRows[] = {
#define TENFOLD_PASS(stage, symbol) {Stage::stage, &pass_##symbol},
#include "passes/pipeline.inc"
#undef TENFOLD_PASS
};

constexpr int kMaxRounds = 10;

std::vector<const Pass*> rows_of(Stage stage) {
  std::vector<const Pass*> rows;
  for (const Row& row : kRows)
    if (row.stage == stage) rows.push_back(row.pass);
  return rows;
}

void verify(const ir::Graph& graph, std::string_view who) {
  try {
    ir::verify(graph);
  } catch (const Error& e) {
    fail(ErrorCode::internal, "{} broke the graph: {}", who, e.what());
  }
}

/// A graph under rewriting and its topological order, which outlives passes that change nothing: most of
/// them.
class Rewriter {
 public:
  Rewriter(ir::Graph& graph, bool verify) : graph_(graph), verify_(verify) {}

  /// Runs one pass; returns how many changes it made.
  size_t run(const Pass& pass) {
    const size_t changes = pass.rewrite ? rewrite_all(pass) : pass.transform(graph_);
    if (changes == 0) return 0;
    order_.clear();
    if (verify_) verify(graph_, fmt::format("pass '{}'", pass.name));
    return changes;
  }

 private:
  /// Tries a rewrite at every node, producers first, then at the nodes that rewrites added, until all were
  /// tried.
  size_t rewrite_all(const Pass& pass) {
    // Each change should leave less to do; a pass that undoes itself would otherwise run for ever.
    const size_t limit = 16 * graph_.node_count() + 64;
    size_t changes = 0;
    const auto visit = [&](ir::NodeId id) {
      if (!graph_.node(id).alive) return;
      const std::optional<ir::Patch> patch = rewritten(pass, id);
      if (!patch) return;
      patch->apply(graph_, ops::infer);
      if (++changes > limit) fail(ErrorCode::internal, "pass '{}' does not settle", pass.name);
    };
    const auto first_new = static_cast<ir::NodeId>(graph_.node_count());
    if (order_.empty()) order_ = graph_.topological_order();
    for (ir::NodeId id : order_) visit(id);
    for (ir::NodeId id = first_new; id < static_cast<ir::NodeId>(graph_.node_count()); id++) visit(id);
    return changes;
  }

  std::optional<ir::Patch> rewritten(const Pass& pass, ir::NodeId id) const {
    try {
      return pass.rewrite(graph_, id);
    } catch (...) {
      ir::rethrow_at(graph_, graph_.node(id), ErrorCode::invalid_model);
    }
  }

  ir::Graph& graph_;
  const bool verify_;
  std::vector<ir::NodeId> order_;
};

void check_names(const std::set<std::string>& names) {
  for (const std::string& name : names)
    if (std::none_of(std::begin(kRows), std::end(kRows),
                     [&](const Row& row) { return name == row.pass->name; }))
      fail(ErrorCode::not_found, "there is no pass '{}' to disable", name);
}

}  // namespace

std::span<const Pass* const> pipeline(Stage stage) {
  static const std::vector<const Pass*> stages[] = {rows_of(Stage::canonicalise), rows_of(Stage::int8),
                                                    rows_of(Stage::fuse)};
  return stages[static_cast<size_t>(stage)];
}

std::vector<PassRecord> run(ir::Graph& graph, Stage stage, const PassOptions& options) {
  check_names(options.disabled);
  std::vector<const Pass*> passes;
  std::vector<PassRecord> records;
  for (const Pass* pass : pipeline(stage)) {
    if (options.disabled.contains(pass->name)) continue;
    passes.push_back(pass);
    records.push_back({pass->name});
  }
  Rewriter rewriter(graph, options.verify == Verify::after_each_pass);
  bool changed_ever = false;
  for (int round = 0; round < kMaxRounds; round++) {
    bool changed = false;
    for (size_t i = 0; i < passes.size(); i++) {
      if (options.cancelled && options.cancelled())
        fail(ErrorCode::cancelled, "cancelled before pass '{}'", passes[i]->name);
      const auto start = std::chrono::steady_clock::now();
      const size_t changes = rewriter.run(*passes[i]);
      records[i].milliseconds +=
          std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - start).count();
      records[i].changes += changes;
      changed |= changes != 0;
    }
    if (!changed) break;
    changed_ever = true;
    ops::infer_all(graph);  // what became constant may make shapes behind it known
  }
  if (!changed_ever) return records;
  if (options.verify == Verify::at_end) verify(graph, "a pass");
  graph = std::move(graph).compact();
  return records;
}

}  // namespace tenfold::passes
