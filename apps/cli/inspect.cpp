// tenfold inspect: what a model is made of, before and after optimisation.
#include <algorithm>
#include <map>

#include "api/model.hpp"
#include "command.hpp"
#include "cpu/features.hpp"
#include "onnx/onnx.hpp"
#include "ops/op.hpp"
#include "passes/pass.hpp"
#include "report/table.hpp"

namespace tenfold::cli {
namespace {

struct Arguments {
  std::string model;
  std::vector<std::string> extents;
  bool passes = false, plan = false, text = false;
};

using OpCounts = std::map<std::string, size_t>;

OpCounts count_ops(const ir::Graph& g) {
  OpCounts counts;
  for (ir::NodeId id : g.topological_order()) counts[g.node(id).op]++;
  return counts;
}

std::string signature(const ir::Graph& g, ir::ValueId id) {
  const ir::Value& v = g.value(id);
  std::string text;
  if (v.shape)
    for (int64_t d : *v.shape)
      text += (text.empty() ? "" : " x ") + (is_symbol(d) ? g.symbol_name(d) : std::to_string(d));
  return fmt::format("{} {}[{}]", v.name, to_string(v.dtype), text);
}

/// FP32 steps that bytes flow into and out of: what the engine has no INT8 kernel for.
std::vector<const plan::PlannedStep*> fp32_islands(const plan::Plan& plan) {
  const ir::Graph& g = plan.graph;
  std::vector<bool> behind_bytes(g.value_count()), before_bytes(g.value_count());
  const auto marked = [](const std::vector<bool>& marks, const std::vector<ir::ValueId>& values) {
    return std::ranges::any_of(values, [&](ir::ValueId v) { return v != ir::kNone && marks[size_t(v)]; });
  };
  const auto mark = [&](std::vector<bool>& marks, const std::vector<ir::ValueId>& from,
                        const std::vector<ir::ValueId>& to) {
    const bool bytes = std::ranges::any_of(from, [&](ir::ValueId v) {
      return v != ir::kNone && !g.value(v).is_constant() && g.value(v).dtype == DType::u8;
    });
    for (ir::ValueId v : to)
      if (v != ir::kNone && (bytes || marked(marks, from))) marks[size_t(v)] = true;
  };
  for (auto it = plan.steps.begin(); it != plan.steps.end(); ++it)
    for (ir::NodeId id : it->nodes) mark(behind_bytes, g.node(id).inputs, g.node(id).outputs);
  for (auto it = plan.steps.rbegin(); it != plan.steps.rend(); ++it)
    for (auto id = it->nodes.rbegin(); id != it->nodes.rend(); ++id)
      mark(before_bytes, g.node(*id).outputs, g.node(*id).inputs);
  std::vector<const plan::PlannedStep*> islands;
  for (const plan::PlannedStep& s : plan.steps) {
    const ir::Node& n = g.node(s.node());
    if (g.value(n.output()).dtype == DType::f32 && n.op != "DequantizeLinear" &&
        marked(behind_bytes, n.outputs) && marked(before_bytes, n.outputs))
      islands.push_back(&s);
  }
  return islands;
}

std::string fp32_islands_text(const plan::Plan& plan) {
  std::string text;
  for (const plan::PlannedStep* s : fp32_islands(plan)) {
    const ir::Node& n = plan.graph.node(s->node());
    const ops::Cost cost = plan::cost(plan.graph, *s);
    text += fmt::format("  {} '{}' {} ({:.2f} MMAC, {:.1f} KB)\n", plan::operators(plan.graph, *s), n.name,
                        to_string(*plan.graph.value(n.output()).shape), cost.macs / 1e6, cost.bytes / 1e3);
  }
  return text.empty() ? "" : "FP32 inside the INT8 network:\n" + text;
}

void print_text(const Arguments& a, const ir::Graph& before, const ir::Graph& after,
                const std::vector<passes::PassRecord>& records) {
  for (ir::ValueId id : after.inputs) fmt::print("input  {}\n", signature(after, id));
  for (ir::ValueId id : after.outputs) fmt::print("output {}\n", signature(after, id));
  report::Table table({"operator", "before", "after"});
  OpCounts all = count_ops(before);
  const OpCounts was = all, now = count_ops(after);
  all.insert(now.begin(), now.end());
  const auto count = [](const OpCounts& c, const std::string& op) {
    return std::to_string(c.contains(op) ? c.at(op) : 0);
  };
  for (const auto& [op, n] : all) table.add({op, count(was, op), count(now, op)});
  table.add({"total", std::to_string(before.alive_nodes()), std::to_string(after.alive_nodes())});
  fmt::print("\n{}", table.text());
  if (a.passes) {
    report::Table passes({"pass", "changes", "ms"});
    for (const auto& r : records)
      passes.add({r.name, std::to_string(r.changes), fmt::format("{:.2f}", r.milliseconds)});
    fmt::print("\n{}", passes.text());
  }
}

/// A step as it is shown: name, operators, kernel, output, multiply-adds in millions.
struct StepRow {
  std::string name, operators, kernel, output;
  double mmac;
};
std::vector<StepRow> step_rows(const plan::Plan& plan) {
  std::vector<StepRow> rows;
  for (const plan::PlannedStep& s : plan.steps) {
    const ir::Node& n = plan.graph.node(s.node());
    const ir::Value& out = plan.graph.value(n.output());
    rows.push_back({n.name.empty() ? out.name : n.name, operators(plan.graph, s), s.kernel,
                    fmt::format("{}{}", to_string(out.dtype), to_string(*out.shape)),
                    plan::cost(plan.graph, s).macs / 1e6});
  }
  return rows;
}

void print_plan(const plan::Plan& plan, const exec::Session& session) {
  report::Table table({"step", "operator", "kernel", "output", "MMAC"});
  for (const StepRow& r : step_rows(plan))
    table.add({r.name, r.operators, r.kernel, r.output, fmt::format("{:.2f}", r.mmac)});
  fmt::print("\nPlan for {} ({:.2f} MB of activations)\n{}{}", session.isa_name(),
             static_cast<double>(plan.arena_bytes) / 1e6, table.text(), fp32_islands_text(plan));
}

nlohmann::json plan_json(const plan::Plan& plan, const exec::Session& session) {
  nlohmann::json steps = nlohmann::json::array();
  for (const StepRow& r : step_rows(plan))
    steps.push_back({{"step", r.name},
                     {"operators", r.operators},
                     {"kernel", r.kernel},
                     {"output", r.output},
                     {"mmac", r.mmac}});
  nlohmann::json islands = nlohmann::json::array();
  for (const plan::PlannedStep* s : fp32_islands(plan)) islands.push_back(plan.graph.node(s->node()).op);
  return {{"isa", session.isa_name()},
          {"activation_bytes", plan.arena_bytes},
          {"steps", steps},
          {"fp32_islands", islands}};
}

nlohmann::json to_json(const ir::Graph& before, const ir::Graph& after,
                       const std::vector<passes::PassRecord>& records) {
  nlohmann::json inputs = nlohmann::json::array(), outputs = nlohmann::json::array(),
                 passes = nlohmann::json::array();
  for (ir::ValueId id : after.inputs) inputs.push_back(signature(after, id));
  for (ir::ValueId id : after.outputs) outputs.push_back(signature(after, id));
  for (const auto& r : records)
    passes.push_back({{"name", r.name}, {"changes", r.changes}, {"ms", r.milliseconds}});
  return {{"inputs", inputs},          {"outputs", outputs}, {"before", count_ops(before)},
          {"after", count_ops(after)}, {"passes", passes},   {"metadata_keys", after.metadata.size()}};
}

Exit run(const Arguments& a, const Globals& globals) {
  const ir::Graph before = onnx::load(std::filesystem::path(a.model));
  const Extents extents = extents_of(before, a.extents);  // a mistake is one without --plan too
  ir::Graph after = before;
  const auto records = passes::run(after, passes::Stage::canonicalise);
  nlohmann::json document = globals.json ? to_json(before, after, records) : nlohmann::json();
  if (!globals.json) print_text(a, before, after, records);
  if (a.text && globals.json) document["text"] = ir::to_text(after);
  if (a.text && !globals.json) fmt::print("\n{}", ir::to_text(after));
  if (a.plan) {
    exec::Session session(after, {.threads = 1});
    const auto plan = session.plan_for(input_shapes(after, extents));
    if (globals.json)
      document["plan"] = plan_json(*plan, session);
    else
      print_plan(*plan, session);
  }
  if (globals.json) print_json(document);
  return kMet;
}

}  // namespace

void add_inspect(CLI::App& app, const Globals& globals, int& exit_code) {
  auto* c = app.add_subcommand(
      "inspect", "Show a model's operators before and after optimisation, and how the engine runs it");
  auto a = std::make_shared<Arguments>();
  c->add_option("model", a->model, "ONNX model")->required();
  c->add_flag("--passes", a->passes, "What each pass changed");
  c->add_flag("--plan", a->plan, "Every step, its kernel, and what stays FP32 in an INT8 network");
  c->add_flag("--text", a->text, "The whole optimised graph");
  add_extents(*c, a->extents);
  c->callback([a, &globals, &exit_code] { exit_code = run(*a, globals); });
}

}  // namespace tenfold::cli
