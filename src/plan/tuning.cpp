#include "plan/tuning.hpp"

#include <algorithm>
#include <array>
#include <chrono>
#include <cmath>
#include <limits>

#include "base/huge_memory.hpp"
#include "cpu/features.hpp"
#include "ir/node_error.hpp"
#include "plan/choose.hpp"
#include "plan/strips.hpp"

namespace tenfold::plan {
namespace {

struct Candidate {
  Choice choice;
  std::unique_ptr<Step> step;
  std::shared_ptr<std::byte> state;
  double best = std::numeric_limits<double>::infinity();  ///< least median of a round, microseconds
  bool alive = true;
};

void add(std::vector<Candidate>& all, Choice choice, std::unique_ptr<Step> step) {
  auto state = zeroed_memory(step->state_bytes());
  all.push_back({std::move(choice), std::move(step), std::move(state)});
}

/// Every way to run the node, the default first.
std::vector<Candidate> candidates(const BuildContext& b, ir::NodeId id) {
  std::vector<Candidate> all;
  NamedStep first = default_step(b, id);
  if (!first.step) return all;
  add(all, {first.kernel, b.threads}, std::move(first.step));
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
      if (auto step = maker.make(shared_as(b, way.threads, way.split), id))
        add(all, {maker.kernel, way.threads, way.split}, std::move(step));
  }
  return all;
}

/// The steps of a chain one after the other.
struct Apart final : Step {
  std::vector<std::unique_ptr<Step>> steps;

  void run(const RunContext& context) const override {
    for (const auto& step : steps) step->run(context);
  }
  size_t scratch_bytes() const override {
    size_t most = 0;
    for (const auto& step : steps) most = std::max(most, step->scratch_bytes());
    return most;
  }
};

/// A chain as its nodes' own steps, the best known of them, and in strips of several heights, the default
/// first. Empty where it cannot run in strips.
std::vector<Candidate> candidates(const BuildContext& b, std::span<const ir::NodeId> chain,
                                  const Timings& timings, const std::string& machine) {
  constexpr double kBudgets[] = {1.0 / 2, 1.0 / 4, 1.0 / 8, 1.0 / 16};  // of the second-level cache
  auto apart = std::make_unique<Apart>();
  for (ir::NodeId id : chain) {
    apart->steps.push_back(known_step(b, id, &timings, machine).step);
    if (!apart->steps.back() || apart->steps.back()->state_bytes() > 0) return {};
  }
  std::vector<Candidate> all;
  const bool apart_by_default = !default_strips(b, chain);
  if (apart_by_default) add(all, {kApart, b.threads}, std::move(apart));
  std::vector<int64_t> heights;
  for (double budget : kBudgets)
    if (const int64_t rows =
            strip_rows(b.graph, chain, budget * static_cast<double>(cpu::second_level_cache()));
        std::ranges::find(heights, rows) == heights.end())
      heights.push_back(rows);
  for (int64_t rows : heights) {
    Choice choice{.kernel = strips_kernel(b.graph, chain), .threads = b.threads, .rows = rows};
    if (auto step = chosen_strips(b, chain, choice)) add(all, std::move(choice), std::move(step));
  }
  if (!apart_by_default) add(all, {kApart, b.threads}, std::move(apart));
  return all;
}

/// What the nodes of a chain read and write, and what it takes to run it by itself.
class Bench {
 public:
  Bench(const ir::Graph& g, std::span<const ir::NodeId> chain, std::span<const Candidate> all,
        ThreadPool& pool)
      : pointers_(g.value_count(), nullptr), pool_(pool), others_(size_of_others(g, chain, all)) {
    const auto place = [&](ir::ValueId id, std::vector<Tensor>& buffers) {
      if (id == ir::kNone || pointers_[static_cast<size_t>(id)]) return;
      const ir::Value& v = g.value(id);
      pointers_[static_cast<size_t>(id)] =
          v.is_constant() ? const_cast<void*>(v.constant.raw()) : buffer(v, buffers);
    };
    for (ir::NodeId id : chain) {
      for (ir::ValueId v : g.node(id).inputs) place(v, inputs_);
      for (ir::ValueId v : g.node(id).outputs) place(v, outputs_);
    }
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
  void* buffer(const ir::Value& v, std::vector<Tensor>& buffers) {
    Tensor& t = buffers.emplace_back(v.dtype, *v.shape);
    std::fill_n(static_cast<std::byte*>(t.mutable_raw()), t.bytes(), std::byte{0});
    return t.mutable_raw();
  }
  /// What the other layers read between two runs of this one.  Where kernels differ in the size of their
  /// weights, as much as if all layers chose the largest: Winograd's weights take up to eight times the bytes
  /// (a layer of ResNet-18 was 20 % faster with them in the last-level cache, and half as fast from memory).
  static size_t size_of_others(const ir::Graph& g, std::span<const ir::NodeId> chain,
                               std::span<const Candidate> all) {
    const size_t second = cpu::second_level_cache();
    size_t last = size_t{64} << 20, weights = 0;
    for (const cpu::Cache& cache : cpu::data_caches())
      if (cache.level == 3) last = std::min(last, 2 * cache.bytes);
    for (size_t i = 0; i < g.value_count(); i++)
      weights += g.value(static_cast<ir::ValueId>(i)).constant.bytes();
    const auto differs = [&](const Candidate& c) { return c.choice.kernel != all.front().choice.kernel; };
    if (chain.size() == 1 && std::ranges::any_of(all, differs)) weights *= 8;
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
  constexpr std::chrono::milliseconds kBudget(100);  // of a node; no round begins after it
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

/// What running a candidate costs: its time, and for a single node the memory of its weights, every doubling
/// of which has to save a fifth, as they take time to load, and the cache from other layers.  Without this,
/// ResNet-50 on AVX2 took 105 MB instead of 59 to be 2 % faster.
double cost(const Candidate& c, bool single) {
  constexpr double kPerDoubling = 0.32;  // 1.25 = 2^0.32
  const auto bytes = static_cast<double>(c.step->weights().size());
  return c.best * (single ? std::pow(bytes + 1, kPerDoubling) : 1);
}

/// The best candidate, or the first, which is the default, where none is faster by more than noise.
Choice fastest(const BuildContext& b, std::span<const ir::NodeId> chain, std::vector<Candidate> all,
               ThreadPool& pool) {
  constexpr double kBetter = 0.95, kNoise = 0.5;
  if (all.size() > 1) {
    Bench bench(b.graph, chain, all, pool);
    race(all, bench);
  }
  const bool single = chain.size() == 1;
  const double limit = std::min(kBetter * all.front().best, all.front().best - kNoise);
  Candidate* chosen = &all.front();
  for (Candidate& c : all)
    if (c.best < limit && cost(c, single) < cost(*chosen, single)) chosen = &c;
  chosen->choice.microseconds = all.size() > 1 ? chosen->best : 0;
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  chosen->choice.measured = std::chrono::duration_cast<std::chrono::seconds>(now).count();
  return std::move(chosen->choice);
}

void measure(const BuildContext& b, std::span<const ir::NodeId> chain, const Tuner& tuner, Timings& timings) {
  const std::string key = timing_key(b.graph, chain);
  const auto empty = [&](ir::NodeId id) { return is_empty(b.graph, b.graph.node(id)); };
  if (key.empty() || std::ranges::any_of(chain, empty) || timings.find(tuner.machine, key)) return;
  if (tuner.cancelled && tuner.cancelled()) fail(ErrorCode::cancelled, "tuning was cancelled");
  try {
    auto all = chain.size() > 1 ? candidates(b, chain, timings, tuner.machine) : candidates(b, chain.front());
    if (!all.empty()) timings.put(tuner.machine, key, fastest(b, chain, std::move(all), tuner.pool));
  } catch (...) {
    ir::rethrow_at(b.graph, b.graph.node(chain.back()), ErrorCode::invalid_model);
  }
}

}  // namespace

void measure_choices(const BuildContext& context, std::span<const std::vector<ir::NodeId>> order,
                     const Tuner& tuner, Timings& timings) {
  for (const std::vector<ir::NodeId>& chain : order) {
    const Choice* known =
        chain.size() > 1 ? timings.find(tuner.machine, timing_key(context.graph, chain)) : nullptr;
    if (known && known->kernel != kApart)
      continue;  // in strips, where the choices for its nodes play no part
    for (ir::NodeId id : chain) measure(context, {&id, 1}, tuner, timings);
    if (chain.size() > 1) measure(context, chain, tuner, timings);
  }
}

}  // namespace tenfold::plan
