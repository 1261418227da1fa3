#include "plan/plan.hpp"

#include <algorithm>
#include <exception>
#include <iterator>
#include <ranges>

#include "base/math.hpp"
#include "ir/node_error.hpp"
#include "ops/op.hpp"
#include "plan/choose.hpp"
#include "plan/lowering.hpp"
#include "plan/strips.hpp"
#include "plan/tuning.hpp"

namespace tenfold::plan {
namespace {

constexpr size_t kAlign = 64;

size_t padded(size_t bytes) { return static_cast<size_t>(round_up(static_cast<int64_t>(bytes), kAlign)); }

size_t value_bytes(const ir::Graph& g, ir::ValueId id) {
  const ir::Value& v = g.value(id);
  return static_cast<size_t>(checked_mul(v.shape->elements(), static_cast<int64_t>(size_of(v.dtype))));
}

using Chain = std::vector<ir::NodeId>;

/// What steps are made from.
struct StepSource {
  const BuildContext& context;
  const Timings* timings;
  const std::string& machine;

  PlannedStep step(ir::NodeId id) const {
    NamedStep made = known_step(context, id, timings, machine);
    const ir::Node& n = context.graph.node(id);
    if (!made.step) fail(ErrorCode::unsupported, "no kernel for {} '{}'", n.op, n.name);
    PlannedStep planned{{id}, made.kernel, std::move(made.step), {}};
    if (!made.timing_key.empty()) planned.timing_keys.push_back(std::move(made.timing_key));
    return planned;
  }

  /// The steps of a chain: one in strips, or one for every node.
  std::vector<PlannedStep> steps(const Chain& chain) const {
    std::vector<PlannedStep> all;
    if (chain.size() == 1) {
      all.push_back(step(chain.front()));
      return all;
    }
    std::string key = timings ? timing_key(context.graph, chain) : "";
    const Choice* choice = key.empty() ? nullptr : timings->find(machine, key);
    auto strips = choice ? chosen_strips(context, chain, *choice) : nullptr;
    const bool followed = strips || (choice && choice->kernel == kApart);
    if (!followed) strips = default_strips(context, chain);
    if (strips)
      all.push_back({chain, strips_kernel(context.graph, chain), std::move(strips), {}});
    else
      for (ir::NodeId id : chain) all.push_back(step(id));
    if (followed) all.back().timing_keys.push_back(std::move(key));
    return all;
  }
};

/// The nodes in the order of execution, chains that may run in strips at the place of their last node.
std::vector<Chain> with_chains(const ir::Graph& g, std::span<const ir::NodeId> order) {
  std::vector<Chain> chains = find_chains(g, order), all;
  std::vector<Chain*> of(g.node_count(), nullptr);
  for (Chain& chain : chains)
    for (ir::NodeId id : chain) of[static_cast<size_t>(id)] = &chain;
  for (ir::NodeId id : order) {
    Chain* chain = of[static_cast<size_t>(id)];
    if (!chain)
      all.push_back({id});
    else if (chain->back() == id)
      all.push_back(std::move(*chain));
  }
  return all;
}

/// The steps of `order`.  Packing weights takes most of the time, so the pool shares it out.
std::vector<PlannedStep> make_steps(const BuildContext& context, std::span<const Chain> order,
                                    const PlanOptions& options, const std::string& machine) {
  ThreadPool* pool = options.pool;
  if (options.measure && options.timings && pool)
    measure_choices(context, order, {*pool, machine, options.cancelled}, *options.timings);
  const StepSource source{context, options.timings, machine};
  std::vector<std::vector<PlannedStep>> steps(order.size());
  std::vector<std::exception_ptr> errors(order.size());
  const auto make = [&](size_t i) {
    try {
      steps[i] = source.steps(order[i]);
    } catch (...) {
      errors[i] = std::current_exception();
    }
  };
  constexpr size_t kMaxParts = 4096;
  const size_t parts = std::min(order.size(), kMaxParts);
  const auto make_part = [&](int part) {
    for (size_t i = static_cast<size_t>(part); i < order.size(); i += parts) make(i);
  };
  if (pool)
    pool->run(static_cast<int>(parts), make_part);
  else
    for (size_t i = 0; i < order.size(); i++) make(i);
  std::vector<PlannedStep> all;
  for (size_t i = 0; i < order.size(); i++) {
    if (errors[i]) try {
        std::rethrow_exception(errors[i]);
      } catch (...) {
        ir::rethrow_at(context.graph, context.graph.node(order[i].back()), ErrorCode::invalid_model);
      }
    std::ranges::move(steps[i], std::back_inserter(all));
  }
  return all;
}

/// First and last step that touches each alias root.
struct Lifetimes {
  std::vector<int> first, last;
  Lifetimes(const ir::Graph& g, std::span<const PlannedStep> steps, std::span<const ir::ValueId> roots)
      : first(g.value_count(), -1), last(g.value_count(), -1) {
    for (size_t i = 0; i < steps.size(); i++) {
      const auto touch = [&](ir::ValueId v) {
        if (v == ir::kNone) return;
        const auto root = static_cast<size_t>(roots[static_cast<size_t>(v)]);
        if (first[root] < 0) first[root] = static_cast<int>(i);
        last[root] = static_cast<int>(i);
      };
      ir::ValueId within = ir::kNone;  // between two nodes of a chain: never in memory as a whole
      for (ir::NodeId id : steps[i].nodes) {
        for (ir::ValueId v : g.node(id).inputs)
          if (v != within) touch(v);
        within = g.node(id).output();
        if (id == steps[i].node())
          for (ir::ValueId v : g.node(id).outputs) touch(v);
      }
    }
  }
};

void place_values(Plan& plan) {
  const ir::Graph& g = plan.graph;
  const std::vector<ir::ValueId> roots = alias_roots(g);
  const Lifetimes life(g, plan.steps, roots);
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

ops::Cost cost(const ir::Graph& graph, const PlannedStep& step) {
  ops::Cost total;
  for (ir::NodeId id : step.nodes) {
    const ops::Cost one = ops::cost(graph, id);
    total.macs += one.macs, total.ops += one.ops, total.bytes += one.bytes;
  }
  total.bytes -= 2 * bytes_between(graph, step.nodes);
  return total;
}

std::string operators(const ir::Graph& graph, const PlannedStep& step) {
  std::string names;
  for (ir::NodeId id : step.nodes) names += (names.empty() ? "" : " > ") + graph.node(id).op;
  return names;
}

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
  plan->steps =
      make_steps({g, *options.kernels, options.threads, packs}, with_chains(g, executed), options, machine);
  std::span<const std::byte> next;
  for (PlannedStep& s : std::views::reverse(plan->steps)) {
    s.step->fetch_ahead(next);
    if (const auto weights = s.step->weights(); !weights.empty()) next = weights;
  }
  for (PlannedStep& s : plan->steps) {
    for (const std::string& key : s.timing_keys)
      plan->choices.put(machine, key, *options.timings->find(machine, key));
    s.state_offset = plan->state_bytes;
    plan->scratch_bytes = std::max(plan->scratch_bytes, padded(s.step->scratch_bytes()));
    plan->state_bytes += padded(s.step->state_bytes());
  }
  place_values(*plan);
  return plan;
}

}  // namespace tenfold::plan
