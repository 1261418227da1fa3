#include "exec/session.hpp"

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <list>
#include <mutex>

#include "base/huge_memory.hpp"
#include "cpu/features.hpp"
#include "ir/node_error.hpp"
#include "tensor/shape_fit.hpp"

namespace tenfold::exec {

const kernels::Kernels& kernel_table(const std::string& name) {
  const cpu::Isa isa = name.empty() ? cpu::selected() : cpu::select(name);
  if (isa == cpu::Isa::amx) {
    // Written without such a machine at hand: one that computes something else must not be believed.
    static const bool trusted = kernels::agrees_with_reference(*kernels::table(isa));
    const char* variable = std::getenv("TENFOLD_ISA");
    const bool forced = !name.empty() || (variable && *variable);
    if (!trusted && forced)
      fail(ErrorCode::unsupported, "the AMX kernels give wrong results on this machine; use avx512_vnni");
    if (!trusted) return *kernels::table(cpu::Isa::avx512_vnni);
  }
  const bool evex = isa == cpu::Isa::avx_vnni && !cpu::features().avx_vnni;
  const kernels::Kernels* table = evex ? kernels::table_avx_vnni_evex() : kernels::table(isa);
  if (!table) fail(ErrorCode::unsupported, "this build has no kernels for {}", cpu::to_string(isa));
  return *table;
}

namespace {

/// Memory that the steps share; where it does not suffice, the node that needs most of it is to blame.
template <class Need>
std::shared_ptr<std::byte> memory_for(const plan::Plan& plan, size_t bytes, const Need& need) {
  try {
    return zeroed_memory(bytes);
  } catch (const std::bad_alloc&) {
    const auto most = std::ranges::max_element(plan.steps, {}, need);
    if (most == plan.steps.end()) throw;
    ir::rethrow_at(plan.graph, plan.graph.node(most->node()), ErrorCode::unsupported);
  }
}

/// For the tensors between steps.
std::shared_ptr<std::byte> arena_memory(const plan::Plan& plan) {
  return memory_for(plan, plan.arena_bytes + kTensorSlack, [&](const plan::PlannedStep& s) {
    double most = 0;
    for (ir::ValueId id : plan.graph.node(s.node()).outputs) {
      if (id == ir::kNone) continue;
      const ir::Value& v = plan.graph.value(id);
      most = std::max(most, static_cast<double>(v.shape->elements()) * static_cast<double>(size_of(v.dtype)));
    }
    return most;
  });
}

std::shared_ptr<std::byte> scratch_memory(const plan::Plan& plan) {
  return memory_for(plan, plan.scratch_bytes + kTensorSlack,
                    [](const plan::PlannedStep& s) { return s.step->scratch_bytes(); });
}

std::shared_ptr<std::byte> state_memory(const plan::Plan& plan) {
  return memory_for(plan, plan.state_bytes, [](const plan::PlannedStep& s) { return s.step->state_bytes(); });
}

}  // namespace

/// One plan with the memory it runs in.
struct Session::Context {
  Context(std::vector<Shape> shapes, std::shared_ptr<const plan::Plan> p)
      : input_shapes(std::move(shapes)),
        plan(std::move(p)),
        arena(arena_memory(*plan)),
        scratch(scratch_memory(*plan)),
        state(state_memory(*plan)),
        pointers(plan->graph.value_count(), nullptr) {
    const ir::Graph& g = plan->graph;
    for (size_t i = 0; i < pointers.size(); i++) {
      const plan::Location& at = plan->locations[i];
      if (at.kind == plan::Location::Kind::arena)
        pointers[i] = arena.get() + at.offset;
      else if (at.kind == plan::Location::Kind::input || at.kind == plan::Location::Kind::output)
        bound.push_back(i);
    }
    for (size_t i = 0; i < g.inputs.size(); i++) {
      const DType type = g.value(g.inputs[i]).dtype;
      padded_inputs.push_back(size_of(type) == 1 ? Tensor(type, input_shapes[i]) : Tensor());
    }
    // Constants, and values that alias one: these have none of their own.
    const std::vector<ir::ValueId> roots = plan::alias_roots(g);
    for (size_t i = 0; i < pointers.size(); i++) {
      const ir::Value& root = g.value(roots[i]);
      if (root.is_constant()) pointers[i] = const_cast<void*>(root.constant.raw());
    }
  }

  void run(std::span<const TensorView> feeds, std::span<const TensorView> outputs, ThreadPool& pool,
           std::vector<StepTime>* times) {
    for (size_t i = 0; i < feeds.size(); i++)
      if (Tensor& copy = padded_inputs[i]; !copy.empty() && copy.bytes() > 0)
        std::memcpy(copy.mutable_raw(), feeds[i].data, copy.bytes());
    for (size_t i : bound) {
      const plan::Location& at = plan->locations[i];
      const bool input = at.kind == plan::Location::Kind::input;
      pointers[i] = input ? feeds[at.offset].data : outputs[at.offset].data;
      if (input && !padded_inputs[at.offset].empty()) pointers[i] = padded_inputs[at.offset].mutable_raw();
    }
    const plan::PlannedStep* at = nullptr;
    try {
      for (const plan::PlannedStep& s : plan->steps) run_step(*(at = &s), pool, times);
    } catch (...) {
      ir::rethrow_at(plan->graph, plan->graph.node(at->node()), ErrorCode::data);
    }
  }

  void run_step(const plan::PlannedStep& s, ThreadPool& pool, std::vector<StepTime>* times) {
    const plan::RunContext context{pointers.data(), scratch.get(), state.get() + s.state_offset, &pool};
    if (!times) return s.step->run(context);
    const auto start = std::chrono::steady_clock::now();
    s.step->run(context);
    times->push_back(
        {&s, std::chrono::duration<double, std::micro>(std::chrono::steady_clock::now() - start).count()});
  }

  std::vector<Shape> input_shapes;
  std::shared_ptr<const plan::Plan> plan;
  std::shared_ptr<std::byte> arena, scratch, state;
  std::vector<void*> pointers;
  std::vector<size_t> bound;  ///< values at inputs and outputs, set at every run
  /// Copies of inputs of bytes: INT8 kernels read a little beyond what the caller's arrays hold.
  std::vector<Tensor> padded_inputs;
};

struct Session::State {
  State(const SessionOptions& o, const kernels::Kernels& k)
      : options(o), kernels(k), pool(o.threads > 0 ? o.threads : cpu::allowed_cpus()) {}
  SessionOptions options;
  const kernels::Kernels& kernels;
  ThreadPool pool;
  plan::Timings timings;  ///< to follow
  plan::PackCache packs;
  std::mutex mutex;
  std::list<Context> contexts;  ///< most recently used first
};

namespace {

/// What is known before anything is measured.  A model's own choices win: an artifact runs as it was proven.
/// A session that measures trusts what was measured here.
plan::Timings known_timings(const ir::Graph& model, Tuning tuning) {
  if (tuning == Tuning::off) return {};
  plan::Timings timings = plan::Timings::load(plan::timings_file());
  const auto own = model.metadata.find(kTimingsMetadata);
  if (tuning == Tuning::cached && own != model.metadata.end())
    timings.merge(plan::Timings::parse(own->second));
  return timings;
}

/// Enters measured choices into the user's cache.  One that cannot be written only costs time later.
void keep(const plan::Timings& choices) {
  const std::filesystem::path file = plan::timings_file();
  if (file.empty() || choices.empty()) return;
  try {
    choices.save(file);
  } catch (const Error&) {
  }
}

}  // namespace

Session::Session(ir::Graph model, const SessionOptions& options) : model_(std::move(model)) {
  if (options.threads < 0 || options.threads > 1024)
    fail(ErrorCode::invalid_argument, "threads must be 0 to 1024, not {}", options.threads);
  if (options.max_plans == 0) fail(ErrorCode::invalid_argument, "max_plans must be at least 1");
  state_ = std::make_unique<State>(options, kernel_table(options.isa));
  state_->timings = known_timings(model_, options.tuning);
  std::vector<Shape> shapes;
  for (ir::ValueId id : model_.inputs) {
    const ir::Value& v = model_.value(id);
    if (!v.shape) fail(ErrorCode::unsupported, "the rank of input '{}' is unknown", v.name);
    if (!v.shape->is_static()) return;  // planned at the first run
    shapes.push_back(*v.shape);
  }
  context_for(shapes);
}

Session::~Session() = default;

int Session::threads() const { return state_->pool.size(); }
const char* Session::isa_name() const { return state_->kernels.name; }

Session::Context& Session::context_for(std::span<const Shape> shapes) {
  auto& contexts = state_->contexts;
  for (auto it = contexts.begin(); it != contexts.end(); ++it)
    if (std::equal(shapes.begin(), shapes.end(), it->input_shapes.begin(), it->input_shapes.end())) {
      contexts.splice(contexts.begin(), contexts, it);
      return contexts.front();
    }
  const bool measure = state_->options.tuning == Tuning::measure;
  const plan::PlanOptions options{
      threads(),        &state_->kernels, state_->options.disabled_passes, &state_->pool,
      &state_->timings, measure,          state_->options.cancelled};
  auto plan = plan::make_plan(model_, shapes, options, state_->packs);
  if (measure) keep(plan->choices);
  contexts.emplace_front(std::vector<Shape>(shapes.begin(), shapes.end()), std::move(plan));
  if (contexts.size() > state_->options.max_plans) contexts.pop_back();
  return contexts.front();
}

plan::Timings Session::choices() const {
  const std::lock_guard lock(state_->mutex);
  plan::Timings all;
  for (const Context& context : state_->contexts) all.merge(context.plan->choices);
  return all;
}

void Session::check_feeds(std::span<const TensorView> feeds) const {
  if (feeds.size() != model_.inputs.size())
    fail(ErrorCode::invalid_argument, "the model takes {} inputs, {} were given", model_.inputs.size(),
         feeds.size());
  for (size_t i = 0; i < feeds.size(); i++) {
    const ir::Value& v = model_.value(model_.inputs[i]);
    if (feeds[i].dtype != v.dtype || !fits(*feeds[i].shape, *v.shape))
      fail(ErrorCode::invalid_argument, "input '{}' must be {}{}, not {}{}", v.name, to_string(v.dtype),
           ir::to_text(model_, *v.shape), to_string(feeds[i].dtype), to_string(*feeds[i].shape));
  }
}

namespace {
std::vector<Shape> shapes_of(std::span<const TensorView> views) {
  std::vector<Shape> shapes;
  for (const TensorView& v : views) shapes.push_back(*v.shape);
  return shapes;
}
std::vector<TensorView> views_of(std::span<const Tensor> tensors) {
  std::vector<TensorView> views;
  for (const Tensor& t : tensors) views.push_back(t.view());
  return views;
}
std::vector<Tensor> allocate_outputs(const plan::Plan& plan) {
  std::vector<Tensor> outputs;
  for (ir::ValueId id : plan.graph.outputs) {
    const ir::Value& v = plan.graph.value(id);
    try {
      outputs.emplace_back(v.dtype, *v.shape);
    } catch (const std::bad_alloc&) {
      fail(ErrorCode::unsupported, "output '{}' {}{}: there is not enough memory for it", v.name,
           to_string(v.dtype), to_string(*v.shape));
    }
  }
  return outputs;
}
}  // namespace

std::vector<Tensor> Session::run(std::span<const Tensor> feeds) {
  const std::vector<TensorView> views = views_of(feeds);
  check_feeds(views);
  const std::lock_guard lock(state_->mutex);
  Context& context = context_for(shapes_of(views));
  std::vector<Tensor> outputs = allocate_outputs(*context.plan);
  context.run(views, views_of(outputs), state_->pool, nullptr);
  return outputs;
}

void Session::run(std::span<const TensorView> feeds, std::span<const TensorView> outputs) {
  check_feeds(feeds);
  const std::lock_guard lock(state_->mutex);
  Context* context = nullptr;
  if (!state_->contexts.empty()) {  // the common case compares shapes in place: nothing is allocated
    const std::vector<Shape>& last = state_->contexts.front().input_shapes;
    const bool same = std::equal(feeds.begin(), feeds.end(), last.begin(), last.end(),
                                 [](const TensorView& f, const Shape& s) { return *f.shape == s; });
    if (same) context = &state_->contexts.front();
  }
  if (!context) context = &context_for(shapes_of(feeds));
  const ir::Graph& g = context->plan->graph;
  if (outputs.size() != g.outputs.size())
    fail(ErrorCode::invalid_argument, "the model has {} outputs, {} were given", g.outputs.size(),
         outputs.size());
  for (size_t i = 0; i < outputs.size(); i++) {
    const ir::Value& v = g.value(g.outputs[i]);
    if (outputs[i].dtype != v.dtype || !(*outputs[i].shape == *v.shape))
      fail(ErrorCode::invalid_argument, "output '{}' is {}{}, not {}{}", v.name, to_string(v.dtype),
           to_string(*v.shape), to_string(outputs[i].dtype), to_string(*outputs[i].shape));
  }
  context->run(feeds, outputs, state_->pool, nullptr);
}

std::vector<Shape> Session::output_shapes(std::span<const Shape> input_shapes) {
  const auto plan = plan_for(input_shapes);
  std::vector<Shape> shapes;
  for (ir::ValueId id : plan->graph.outputs) shapes.push_back(*plan->graph.value(id).shape);
  return shapes;
}

std::shared_ptr<const plan::Plan> Session::plan_for(std::span<const Shape> input_shapes) {
  const std::lock_guard lock(state_->mutex);
  return context_for(input_shapes).plan;
}

std::vector<StepTime> Session::profile(std::span<const Tensor> feeds) {
  const std::vector<TensorView> views = views_of(feeds);
  check_feeds(views);
  const std::lock_guard lock(state_->mutex);
  Context& context = context_for(shapes_of(views));
  const std::vector<Tensor> outputs = allocate_outputs(*context.plan);
  std::vector<StepTime> times;
  times.reserve(context.plan->steps.size());
  context.run(views, views_of(outputs), state_->pool, &times);
  return times;
}

}  // namespace tenfold::exec
