#include "plan/tuning.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <iterator>
#include <limits>

#include "base/huge_memory.hpp"
#include "cpu/features.hpp"
#include "ir/node_error.hpp"
#include "ops/op.hpp"

namespace tenfold::plan {
namespace {

/// Kernels and the packing of their weights take at least one element of everything.
bool is_empty(const ir::Graph& g, const ir::Node& n) {
  const auto empty = [&](ir::ValueId v) { return v != ir::kNone && g.value(v).shape->elements() == 0; };
  return empty(n.input(0)) || empty(n.output(0));
}

BuildContext with(const BuildContext& b, int threads, Split split) {
  return {b.graph, b.kernels, threads, b.packs, split, /*by_cost=*/false};
}

struct Candidate {
  Choice choice;
  std::unique_ptr<Step> step;
  std::shared_ptr<std::byte> state;
  double best = std::numeric_limits<double>::infinity();  ///< least median of a round, microseconds
  bool alive = true;
};

/// Every way to run the node, the default first.
std::vector<Candidate> candidates(const BuildContext& b, ir::NodeId id) {
  std::vector<Candidate> all;
  const auto add = [&](const char* kernel, int threads, Split split, std::unique_ptr<Step> step) {
    auto state = zeroed_memory(step->state_bytes());
    all.push_back({{kernel, threads, split, 0}, std::move(step), std::move(state)});
  };
  NamedStep first = default_step(b, id);
  if (!first.step) return all;
  add(first.kernel, b.threads, Split::automatic, std::move(first.step));
  struct Way {
    int threads;
    Split split;
  };
  std::vector<Way> ways{{1, Split::automatic}};
  if (b.threads > 1) ways.insert(ways.end(), {{b.threads, Split::rows}, {b.threads, Split::channels}});
  for (const StepMaker& maker : step_makers()) {
    if (maker.op != b.graph.node(id).op) continue;
    if (b.threads == 1 && std::string_view(maker.kernel) == first.kernel) continue;
    for (const Way& way : ways)
      if (auto step = maker.make(with(b, way.threads, way.split), id))
        add(maker.kernel, way.threads, way.split, std::move(step));
  }
  return all;
}

/// A node's inputs and outputs, and what it takes to run it by itself.
class Bench {
 public:
  Bench(const ir::Graph& g, const ir::Node& n, std::span<const Candidate> all, ThreadPool& pool)
      : pointers_(g.value_count(), nullptr), pool_(pool), others_(size_of_others(g, all)) {
    for (ir::ValueId id : n.inputs) {
      if (id == ir::kNone) continue;
      const ir::Value& v = g.value(id);
      pointers_[static_cast<size_t>(id)] =
          v.is_constant() ? const_cast<void*>(v.constant.raw()) : buffer(v, &inputs_);
    }
    for (ir::ValueId id : n.outputs)
      if (id != ir::kNone) pointers_[static_cast<size_t>(id)] = buffer(g.value(id), &outputs_);
    size_t scratch = 0;
    for (const Candidate& c : all) scratch = std::max(scratch, c.step->scratch_bytes());
    scratch_ = zeroed_memory(scratch + kTensorSlack);
  }

  double microseconds(const Candidate& c) {
    // By all threads, as the layer before would: rows lie in the cache of the core that is likely to read
    // them, and no worker has gone to sleep.
    const int threads = pool_.size();
    pool_.run(threads, [&](int) { read(others_); });
    pool_.run(threads, [&](int part) {
      for (const Tensor& t : inputs_) {
        const Range share = split(static_cast<int64_t>(t.bytes()), part, threads);
        read(std::span(static_cast<const std::byte*>(t.raw()), t.bytes())
                 .subspan(static_cast<size_t>(share.begin), static_cast<size_t>(share.end - share.begin)));
      }
    });
    const auto start = std::chrono::steady_clock::now();
    c.step->run({pointers_.data(), scratch_.get(), c.state.get(), &pool_});
    return std::chrono::duration<double, std::micro>(std::chrono::steady_clock::now() - start).count();
  }

 private:
  void* buffer(const ir::Value& v, std::vector<Tensor>* buffers) {
    Tensor& t = buffers->emplace_back(v.dtype, *v.shape);
    std::fill_n(static_cast<std::byte*>(t.mutable_raw()), t.bytes(), std::byte{0});
    return t.mutable_raw();
  }
  /// What the other layers read between two runs of this one.  Where kernels differ in the size of their
  /// weights, as much as if all layers chose the largest: Winograd's weights take up to eight times the bytes
  /// (a layer of ResNet-18 was 20 % faster with them in the last-level cache, and half as fast from memory).
  static size_t size_of_others(const ir::Graph& g, std::span<const Candidate> all) {
    size_t second = size_t{1} << 20, last = size_t{64} << 20, weights = 0;
    for (const cpu::Cache& cache : cpu::data_caches()) {
      if (cache.level == 2) second = cache.bytes;
      if (cache.level == 3) last = std::min(last, 2 * cache.bytes);
    }
    for (size_t i = 0; i < g.value_count(); i++)
      weights += g.value(static_cast<ir::ValueId>(i)).constant.bytes();
    const auto differs = [&](const Candidate& c) { return c.choice.kernel != all.front().choice.kernel; };
    if (std::ranges::any_of(all, differs)) weights *= 8;
    return std::clamp(weights, 2 * second, std::max(2 * second, last));
  }
  static void read(std::span<const std::byte> bytes) {
    constexpr size_t kLine = 64;
    for (size_t i = 0; i < bytes.size(); i += kLine)
      static_cast<void>(*const_cast<const volatile std::byte*>(&bytes[i]));
  }

  std::vector<void*> pointers_;
  std::vector<Tensor> inputs_, outputs_;
  ThreadPool& pool_;
  std::vector<std::byte> others_;
  std::shared_ptr<std::byte> scratch_;
};

/// Runs the candidates in turn until one is left, all rounds are over or the node has had its time.
void race(std::vector<Candidate>& all, Bench& bench) {
  constexpr int kRounds = 6, kRuns = 3;
  constexpr double kHopeless = 1.2;
  constexpr std::chrono::milliseconds kBudget(100);  // 50 different layers take at most 5 s
  const auto end = std::chrono::steady_clock::now() + kBudget;
  for (int round = 0; round < kRounds && std::chrono::steady_clock::now() < end; round++) {
    std::vector<std::array<double, kRuns>> times(all.size());
    for (size_t run = 0; run < kRuns; run++)
      for (size_t i = 0; i < all.size(); i++)
        if (const size_t at = (i + run) % all.size(); all[at].alive)
          times[at][run] = bench.microseconds(all[at]);
    double least = std::numeric_limits<double>::infinity();
    for (size_t i = 0; i < all.size(); i++) {
      if (!all[i].alive) continue;
      std::ranges::sort(times[i]);
      all[i].best = std::min(all[i].best, times[i][kRuns / 2]);
      least = std::min(least, all[i].best);
    }
    for (Candidate& c : all) c.alive = c.alive && c.best <= kHopeless * least;
    if (std::ranges::count_if(all, &Candidate::alive) == 1) return;
  }
}

Choice fastest(const BuildContext& b, ir::NodeId id, ThreadPool& pool) {
  constexpr double kBetter = 0.95, kNoise = 0.5;
  std::vector<Candidate> all = candidates(b, id);
  if (all.empty()) return {};
  if (all.size() > 1) {
    Bench bench(b.graph, b.graph.node(id), all, pool);
    race(all, bench);
  }
  const auto best = std::ranges::min_element(all, {}, &Candidate::best);
  const double limit = std::min(kBetter * all.front().best, all.front().best - kNoise);
  Candidate& chosen = best->best < limit ? *best : all.front();
  chosen.choice.microseconds = all.size() > 1 ? chosen.best : 0;
  return std::move(chosen.choice);
}

/// What does not change the time of a node, or hardly: values, not sizes.
bool is_value(std::string_view name, const ir::Attribute& value) {
  return name.ends_with("zero_point") || std::holds_alternative<float>(value) ||
         std::holds_alternative<std::vector<float>>(value);
}

void append(std::string& key, const ir::Attribute& value) {
  const auto to = std::back_inserter(key);
  if (const auto* i = std::get_if<int64_t>(&value)) fmt::format_to(to, "={}", *i);
  if (const auto* s = std::get_if<std::string>(&value)) fmt::format_to(to, "={}", *s);
  if (const auto* list = std::get_if<std::vector<int64_t>>(&value))
    for (size_t i = 0; i < list->size(); i++) fmt::format_to(to, "{}{}", i ? ',' : '=', (*list)[i]);
}

}  // namespace

NamedStep default_step(const BuildContext& context, ir::NodeId id) {
  const ir::Node& n = context.graph.node(id);
  std::span<const StepMaker> makers = step_makers();
  if (const ops::OpDef* op = ops::find(n.op); op && op->eval && is_empty(context.graph, n))
    makers = makers.last(1);  // the reference evaluation
  for (const StepMaker& maker : makers) {
    if (std::string_view(maker.op) != "*" && maker.op != n.op) continue;
    if (auto step = maker.make(context, id)) return {std::move(step), maker.kernel};
  }
  return {};
}

NamedStep chosen_step(const BuildContext& context, ir::NodeId id, const Choice& choice) {
  const ir::Node& n = context.graph.node(id);
  if (choice.threads > context.threads || is_empty(context.graph, n)) return {};
  for (const StepMaker& maker : step_makers())
    if (maker.op == n.op && maker.kernel == choice.kernel)
      return {maker.make(with(context, choice.threads, choice.split), id), maker.kernel};
  return {};
}

std::string timing_key(const ir::Graph& graph, const ir::Node& node) {
  static constexpr std::string_view kOps[] = {"QConv", "QMatMul", "Conv", "MatMul"};
  if (std::ranges::find(kOps, node.op) == std::end(kOps) || !graph.constant(node.input(1))) return {};
  std::string key = node.op;
  for (ir::ValueId id : node.inputs) {
    key += ' ';
    key += id == ir::kNone ? "-" : to_string(*graph.value(id).shape);
  }
  for (const auto& [name, value] : node.attrs) {
    if (is_value(name, value)) continue;
    key += ' ';
    key += name;
    append(key, value);
  }
  return key;
}

void measure_choices(const BuildContext& context, std::span<const ir::NodeId> nodes, ThreadPool& pool,
                     const std::string& machine, Timings& timings) {
  for (ir::NodeId id : nodes) {
    const ir::Node& n = context.graph.node(id);
    const std::string key = timing_key(context.graph, n);
    if (key.empty() || is_empty(context.graph, n) || timings.find(machine, key)) continue;
    try {
      timings.put(machine, key, fastest(context, id, pool));
    } catch (...) {
      ir::rethrow_at(context.graph, n, ErrorCode::invalid_model);
    }
  }
}

}  // namespace tenfold::plan
