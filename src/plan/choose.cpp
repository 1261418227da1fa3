#include "plan/choose.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>

#include "cpu/features.hpp"
#include "ops/op.hpp"
#include "plan/strips.hpp"

namespace tenfold::plan {
namespace {

/// What the time of a node depends on: sizes and what the kernel computes.  Scales and zero points hardly
/// change it, and what other tools annotate nodes with does not.
constexpr std::string_view kTimedAttributes[] = {
    "activation",     "auto_pad", "channels_last", "dilations", "factors",
    "float_residual", "group",    "kernel_shape",  "output",    "pads",
    "residual_table", "strides",  "table",         "transB",    "y_scale"};

void append(std::string& key, const ir::Attribute& value) {
  const auto to = std::back_inserter(key);
  if (const auto* i = std::get_if<int64_t>(&value)) fmt::format_to(to, "={}", *i);
  if (const auto* s = std::get_if<std::string>(&value)) fmt::format_to(to, "={}", *s);
  if (const auto* list = std::get_if<std::vector<int64_t>>(&value))
    for (size_t i = 0; i < list->size(); i++) fmt::format_to(to, "{}{}", i ? ',' : '=', (*list)[i]);
}

/// Empty for operators without a choice.
std::string node_key(const ir::Graph& graph, const ir::Node& node) {
  static constexpr std::string_view kOps[] = {"QConv", "QMatMul", "Conv", "MatMul"};
  if (std::ranges::find(kOps, node.op) == std::end(kOps) || !graph.constant(node.input(1))) return {};
  // The weights' type, as u8 ones are widened where s8 ones may be multiplied as bytes.
  std::string key = fmt::format("{} {}", node.op, to_string(graph.value(node.input(1)).dtype));
  for (ir::ValueId id : node.inputs) {
    key += ' ';
    key += id == ir::kNone ? "-" : to_string(*graph.value(id).shape);
  }
  for (const auto& [name, value] : node.attrs) {
    if (std::ranges::find(kTimedAttributes, name) == std::end(kTimedAttributes)) continue;
    key += ' ';
    key += name;
    append(key, value);
  }
  return key;
}

}  // namespace

bool is_empty(const ir::Graph& g, const ir::Node& n) {
  const auto empty = [&](ir::ValueId v) { return v != ir::kNone && g.value(v).shape->elements() == 0; };
  // Of a Concat the first input may be empty as any other.
  return (n.op != "Concat" && empty(n.input(0))) || empty(n.output(0));
}

BuildContext shared_as(const BuildContext& b, int threads, Split split) {
  return {b.graph, b.kernels, threads, b.packs, split, /*by_cost=*/false};
}

NamedStep default_step(const BuildContext& context, ir::NodeId id) {
  const ir::Node& n = context.graph.node(id);
  std::span<const StepMaker> makers = step_makers();
  if (const ops::OpDef* op = ops::find(n.op); op && op->eval && is_empty(context.graph, n))
    makers = makers.last(1);  // the reference evaluation
  for (const StepMaker& maker : makers) {
    if (std::string_view(maker.op) != "*" && maker.op != n.op) continue;
    if (auto step = maker.make(context, id)) return {.step = std::move(step), .kernel = maker.kernel};
  }
  return {};
}

NamedStep chosen_step(const BuildContext& context, ir::NodeId id, const Choice& choice) {
  const ir::Node& n = context.graph.node(id);
  if (choice.threads > context.threads || is_empty(context.graph, n)) return {};
  for (const StepMaker& maker : step_makers())
    if (maker.op == n.op && maker.kernel == choice.kernel)
      return {.step = maker.make(shared_as(context, choice.threads, choice.split), id),
              .kernel = maker.kernel};
  return {};
}

NamedStep known_step(const BuildContext& context, ir::NodeId id, const Timings* timings,
                     const std::string& machine) {
  std::string key = timings ? timing_key(context.graph, {&id, 1}) : "";
  if (const Choice* choice = key.empty() ? nullptr : timings->find(machine, key))
    if (NamedStep chosen = chosen_step(context, id, *choice); chosen.step) {
      chosen.timing_key = std::move(key);
      return chosen;
    }
  return default_step(context, id);
}

std::string timing_key(const ir::Graph& graph, std::span<const ir::NodeId> chain) {
  std::string key;
  for (ir::NodeId id : chain) {
    const std::string node = node_key(graph, graph.node(id));
    if (node.empty()) return {};
    key += key.empty() ? node : " > " + node;
  }
  return key;
}

const char* strips_kernel(const ir::Graph& graph, std::span<const ir::NodeId> chain) {
  return graph.node(chain.back()).op == "QConv" ? "strips_u8" : "strips_f32";
}

std::unique_ptr<Step> default_strips(const BuildContext& context, std::span<const ir::NodeId> chain) {
  // INT8 networks lose nothing by it and PP-OCR detection gains 2 %, FP32 ones lose up to 8 %: docs/adr/0011.
  const auto cache = static_cast<double>(cpu::second_level_cache());
  if (context.graph.node(chain.back()).op != "QConv" || bytes_between(context.graph, chain) < cache)
    return nullptr;
  return make_strips(context, chain, strip_rows(context.graph, chain, cache / 2));
}

std::unique_ptr<Step> chosen_strips(const BuildContext& context, std::span<const ir::NodeId> chain,
                                    const Choice& choice) {
  if (choice.kernel != strips_kernel(context.graph, chain) || choice.rows < 1 ||
      choice.threads > context.threads)
    return nullptr;
  return make_strips(shared_as(context, choice.threads, choice.split), chain, choice.rows);
}

}  // namespace tenfold::plan
