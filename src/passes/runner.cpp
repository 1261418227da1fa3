// The one loop around every pass: order, fixpoint, timing, verification.
#include <algorithm>
#include <chrono>

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

/// Tries a rewrite at every node, producers first, then at the nodes that rewrites added, until all were
/// tried.
size_t rewrite_all(ir::Graph& graph, const Pass& pass) {
  // Each change should leave less to do; a pass that undoes itself would otherwise run for ever.
  const size_t limit = 16 * graph.node_count() + 64;
  size_t changes = 0;
  const auto visit = [&](ir::NodeId id) {
    if (!graph.node(id).alive) return;
    const std::optional<ir::Patch> patch = pass.rewrite(graph, id);
    if (!patch) return;
    patch->apply(graph, ops::infer);
    if (++changes > limit) fail(ErrorCode::internal, "pass '{}' does not settle", pass.name);
  };
  const auto first_new = static_cast<ir::NodeId>(graph.node_count());
  for (ir::NodeId id : graph.topological_order()) visit(id);
  for (ir::NodeId id = first_new; id < static_cast<ir::NodeId>(graph.node_count()); id++) visit(id);
  return changes;
}

size_t run_one(ir::Graph& graph, const Pass& pass, bool verify) {
  const size_t changes = pass.rewrite ? rewrite_all(graph, pass) : pass.transform(graph);
  if (changes && verify) {
    try {
      ir::verify(graph);
    } catch (const Error& e) {
      fail(ErrorCode::internal, "pass '{}' broke the graph: {}", pass.name, e.what());
    }
  }
  return changes;
}

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
  bool changed_ever = false;
  for (int round = 0; round < kMaxRounds; round++) {
    bool changed = false;
    for (size_t i = 0; i < passes.size(); i++) {
      if (options.cancelled && options.cancelled())
        fail(ErrorCode::cancelled, "cancelled before pass '{}'", passes[i]->name);
      const auto start = std::chrono::steady_clock::now();
      const size_t changes = run_one(graph, *passes[i], options.verify);
      records[i].milliseconds +=
          std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - start).count();
      records[i].changes += changes;
      changed |= changes != 0;
    }
    if (!changed) break;
    changed_ever = true;
    ops::infer_all(graph);  // what became constant may make shapes behind it known
  }
  if (changed_ever) graph = graph.compact();
  return records;
}

}  // namespace tenfold::passes
