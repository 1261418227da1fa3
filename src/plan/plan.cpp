#include "plan/plan.hpp"

#include <algorithm>
#include <exception>

#include "base/math.hpp"
#include "ir/node_error.hpp"
#include "ops/op.hpp"
#include "plan/lowering.hpp"
#include "plan/tuning.hpp"

namespace tenfold::plan {
namespace {

constexpr size_t kAlign = 64;

size_t padded(size_t bytes) { return static_cast<size_t>(round_up(static_cast<int64_t>(bytes), kAlign)); }

size_t value_bytes(const ir::Graph& g, ir::ValueId id) {
  const ir::Value& v = g.value(id);
  return static_cast<size_t>(checked_mul(v.shape->elements(), static_cast<int64_t>(size_of(v.dtype))));
}

/// The step that `timings` has for a node, or else the cost models.
PlannedStep make_step(const BuildContext& context, ir::NodeId id, const Timings* timings,
                      const std::string& machine) {
  const ir::Node& n = context.graph.node(id);
  std::string key = timings ? timing_key(context.graph, n) : "";
  if (const Choice* choice = key.empty() ? nullptr : timings->find(machine, key))
    if (NamedStep chosen = chosen_step(context, id, *choice); chosen.step)
      return {id, chosen.kernel, std::move(chosen.step), std::move(key)};
  NamedStep made = default_step(context, id);
  if (!made.step) fail(ErrorCode::unsupported, "no kernel for {} '{}'", n.op, n.name);
  return {id, made.kernel, std::move(made.step), ""};
}

/// The steps of `nodes`, in order.  Packing weights takes most of the time, so the pool shares it out.
std::vector<PlannedStep> make_steps(const BuildContext& context, std::span<const ir::NodeId> nodes,
                                    const PlanOptions& options, const std::string& machine) {
  ThreadPool* pool = options.pool;
  if (options.measure && options.timings && pool)
    measure_choices(context, nodes, *pool, machine, *options.timings);
  std::vector<PlannedStep> steps(nodes.size());
  std::vector<std::exception_ptr> errors(nodes.size());
  const auto make = [&](size_t i) {
    try {
      steps[i] = make_step(context, nodes[i], options.timings, machine);
    } catch (...) {
      errors[i] = std::current_exception();
    }
  };
  constexpr size_t kMaxParts = 4096;
  const size_t parts = std::min(nodes.size(), kMaxParts);
  const auto make_part = [&](int part) {
    for (size_t i = static_cast<size_t>(part); i < nodes.size(); i += parts) make(i);
  };
  if (pool)
    pool->run(static_cast<int>(parts), make_part);
  else
    for (size_t i = 0; i < nodes.size(); i++) make(i);
  for (size_t i = 0; i < nodes.size(); i++)
    if (errors[i]) try {
        std::rethrow_exception(errors[i]);
      } catch (...) {
        ir::rethrow_at(context.graph, context.graph.node(nodes[i]), ErrorCode::invalid_model);
      }
  return steps;
}

/// First and last step that touches each alias root.
struct Lifetimes {
  std::vector<int> first, last;
  Lifetimes(const ir::Graph& g, std::span<const ir::NodeId> order, std::span<const ir::ValueId> roots)
      : first(g.value_count(), -1), last(g.value_count(), -1) {
    for (size_t i = 0; i < order.size(); i++) {
      const ir::Node& n = g.node(order[i]);
      const auto touch = [&](ir::ValueId v) {
        if (v == ir::kNone) return;
        const auto root = static_cast<size_t>(roots[static_cast<size_t>(v)]);
        if (first[root] < 0) first[root] = static_cast<int>(i);
        last[root] = static_cast<int>(i);
      };
      for (ir::ValueId v : n.inputs) touch(v);
      for (ir::ValueId v : n.outputs) touch(v);
    }
  }
};

void place_values(Plan& plan, std::span<const ir::NodeId> order) {
  const ir::Graph& g = plan.graph;
  const std::vector<ir::ValueId> roots = alias_roots(g);
  const Lifetimes life(g, order, roots);
  std::vector<Location>& at = plan.locations;
  at.assign(g.value_count(), {});
  for (size_t i = 0; i < g.value_count(); i++)
    if (g.value(static_cast<ir::ValueId>(i)).is_constant()) at[i].kind = Location::Kind::constant;
  for (size_t i = 0; i < g.inputs.size(); i++)
    at[static_cast<size_t>(g.inputs[i])] = {Location::Kind::input, i};
  // lower() made every output's root a buffer of its own, so the last step writes straight into the caller's
  // memory.
  for (size_t i = 0; i < g.outputs.size(); i++) {
    Location& root = at[static_cast<size_t>(roots[static_cast<size_t>(g.outputs[i])])];
    ensure(root.kind == Location::Kind::none, "output {} shares its buffer", i);
    root = {Location::Kind::output, i};
  }
  std::vector<Buffer> buffers;
  std::vector<size_t> owner;
  for (size_t i = 0; i < g.value_count(); i++) {
    if (at[i].kind != Location::Kind::none || life.first[i] < 0) continue;
    buffers.push_back(
        {padded(value_bytes(g, static_cast<ir::ValueId>(i)) + kTensorSlack), life.first[i], life.last[i]});
    owner.push_back(i);
  }
  plan.arena_bytes = assign_offsets(buffers);
  for (size_t b = 0; b < buffers.size(); b++) at[owner[b]] = {Location::Kind::arena, buffers[b].offset};
  for (size_t i = 0; i < g.value_count(); i++) at[i] = at[static_cast<size_t>(roots[i])];
}

void require_static(const ir::Graph& g) {
  for (ir::NodeId id : g.topological_order())
    for (ir::ValueId v : g.node(id).outputs)
      if (v != ir::kNone && (!g.value(v).shape || !g.value(v).shape->is_static()))
        fail(ErrorCode::unsupported,
             "the shape of '{}' ({} '{}') depends on data, which the engine cannot plan for", g.value(v).name,
             g.node(id).op, g.node(id).name);
}

}  // namespace

std::vector<ir::ValueId> alias_roots(const ir::Graph& graph) {
  static constexpr std::string_view kAliases[] = {"Reshape", "Flatten", "Squeeze", "Unsqueeze"};
  std::vector<ir::ValueId> roots(graph.value_count());
  for (size_t i = 0; i < roots.size(); i++) roots[i] = static_cast<ir::ValueId>(i);
  for (ir::NodeId id : graph.topological_order()) {
    const ir::Node& n = graph.node(id);
    if (std::find(std::begin(kAliases), std::end(kAliases), n.op) == std::end(kAliases)) continue;
    roots[static_cast<size_t>(n.output())] = roots[static_cast<size_t>(n.input(0))];
  }
  return roots;
}

std::shared_ptr<const Plan> make_plan(const ir::Graph& model, std::span<const Shape> input_shapes,
                                      const PlanOptions& options, PackCache& packs) {
  auto plan = std::make_shared<Plan>();
  plan->graph = lower(model, input_shapes, options);
  const ir::Graph& g = plan->graph;
  require_static(g);
  const std::vector<ir::ValueId> roots = alias_roots(g);
  const std::vector<ir::NodeId> order = g.topological_order();
  std::vector<ir::NodeId> executed;
  for (ir::NodeId id : order)
    if (roots[static_cast<size_t>(g.node(id).output())] ==
        g.node(id).output())  // else an alias: nothing to do
      executed.push_back(id);
  const std::string machine = Timings::machine(options.kernels->name, options.threads);
  plan->steps = make_steps({g, *options.kernels, options.threads, packs}, executed, options, machine);
  for (PlannedStep& s : plan->steps) {
    if (!s.timing_key.empty())
      plan->choices.put(machine, s.timing_key, *options.timings->find(machine, s.timing_key));
    s.state_offset = plan->state_bytes;
    plan->scratch_bytes = std::max(plan->scratch_bytes, padded(s.step->scratch_bytes()));
    plan->state_bytes += padded(s.step->state_bytes());
  }
  place_values(*plan, executed);
  return plan;
}

}  // namespace tenfold::plan
