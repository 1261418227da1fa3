// Reductions over neighbouring axes, and global pools.
#include "base/math.hpp"
#include "passes/match.hpp"
#include "plan/steps/steps.hpp"

namespace tenfold::plan {
namespace {

using kernels::Reduction;

/// What an operator comes down to.
struct Reducer {
  std::string_view op;
  Reduction kind;
  bool mean = false, root = false;
};
constexpr Reducer kReducers[] = {{"GlobalAveragePool", Reduction::sum, true},
                                 {"GlobalMaxPool", Reduction::max},
                                 {"ReduceMean", Reduction::sum, true},
                                 {"ReduceSum", Reduction::sum},
                                 {"ReduceMax", Reduction::max},
                                 {"ReduceMin", Reduction::min},
                                 {"ReduceL1", Reduction::absolutes},
                                 {"ReduceL2", Reduction::squares, false, true},
                                 {"ReduceSumSquare", Reduction::squares}};

/// Which axes of the input go; empty where that is not known before the run.
std::optional<std::vector<bool>> reduced_axes(const BuildContext& b, const ir::Node& n) {
  const Shape& x = b.shape(n.input(0));
  std::vector<bool> reduced(static_cast<size_t>(x.rank()));
  if (n.op.starts_with("Global")) {
    const bool last = n.attrs.get_int("channels_last", 0) != 0;
    for (int i = 1; i < x.rank(); i++) reduced[static_cast<size_t>(i)] = last ? i < x.rank() - 1 : i > 1;
    return reduced;
  }
  const auto axes = passes::reduced_axes(b.graph, n);
  if (!axes) return std::nullopt;
  for (int axis : *axes) reduced[static_cast<size_t>(axis)] = true;
  return reduced;
}

/// [outer][count][inner], the middle of which goes.
struct Extents {
  int64_t outer = 1, count = 1, inner = 1;
};
std::optional<Extents> merged(const Shape& x, const std::vector<bool>& reduced) {
  Extents e;
  bool behind = false;  // in front of the first axis from the back that goes, others stay
  for (int i = x.rank() - 1; i >= 0; i--) {
    if (x[i] == 1) continue;
    const bool goes = reduced[static_cast<size_t>(i)];
    if (goes && behind) return std::nullopt;
    if (goes)
      e.count *= x[i];
    else if (e.count == 1)
      e.inner *= x[i];
    else
      behind = true, e.outer *= x[i];
  }
  return e;
}

template <class T>
class ReduceStep final : public Step {
 public:
  ReduceStep(const BuildContext& b, const ir::Node& n, const Extents& e, const kernels::Reduce<T>& args,
             void (*kernel)(const kernels::Reduce<T>&))
      : x_(n.input(0)), y_(n.output()), args_(args), kernel_(kernel) {
    constexpr int64_t kForkElements = 16 * 1024;
    by_outer_ = e.outer >= b.threads;
    const int64_t most = by_outer_ ? e.outer : ceil_div(e.inner, kColumns);
    parts_ =
        b.shape(x_).elements() < kForkElements ? 1 : static_cast<int>(std::min<int64_t>(b.threads, most));
  }
  void run(const RunContext& c) const override {
    c.pool->run(parts_, [&](int part) {
      kernels::Reduce<T> g = args_;
      const Range outer = by_outer_ ? split(g.outer, part, parts_) : Range{0, g.outer};
      const Range inner = by_outer_ ? Range{0, g.inner} : split(g.inner, part, parts_, kColumns);
      if (outer.begin >= outer.end || inner.begin >= inner.end) return;
      g.in = c.at<const T>(x_) + outer.begin * g.in_outer + inner.begin;
      g.out = c.at<T>(y_) + outer.begin * g.out_outer + inner.begin;
      g.outer = outer.end - outer.begin, g.inner = inner.end - inner.begin;
      kernel_(g);
    });
  }

 private:
  static constexpr int64_t kColumns = 64;  ///< cache lines of bytes
  const ir::ValueId x_, y_;
  const kernels::Reduce<T> args_;
  void (*const kernel_)(const kernels::Reduce<T>&);
  bool by_outer_;
  int parts_;
};

template <class T>
std::unique_ptr<Step> make_reduce(const BuildContext& b, ir::NodeId id,
                                  void (*kernel)(const kernels::Reduce<T>&)) {
  const ir::Node& n = b.graph.node(id);
  const auto* reducer = std::ranges::find(kReducers, n.op, &Reducer::op);
  if (reducer == std::end(kReducers) || !kernel || b.graph.value(n.input(0)).dtype != dtype_of<T> ||
      n.attrs.has("activation"))
    return nullptr;
  if (sizeof(T) == 1 && reducer->kind != Reduction::max && reducer->kind != Reduction::min) return nullptr;
  const auto axes = reduced_axes(b, n);
  const auto e = axes ? merged(b.shape(n.input(0)), *axes) : std::nullopt;
  if (!e || b.shape(n.input(0)).elements() == 0) return nullptr;
  const kernels::Reduce<T> args{.op = reducer->kind,
                                .outer = e->outer,
                                .count = e->count,
                                .inner = e->inner,
                                .in_outer = e->count * e->inner,
                                .in_step = e->inner,
                                .out_outer = e->inner,
                                .scale = reducer->mean ? 1 / static_cast<float>(e->count) : 1,
                                .root = reducer->root};
  return std::make_unique<ReduceStep<T>>(b, n, *e, args, kernel);
}

}  // namespace

std::unique_ptr<Step> make_reduce_f32(const BuildContext& b, ir::NodeId id) {
  return make_reduce<float>(b, id, b.kernels.reduce_f32);
}
std::unique_ptr<Step> make_reduce_u8(const BuildContext& b, ir::NodeId id) {
  return make_reduce<uint8_t>(b, id, b.kernels.reduce_u8);
}

}  // namespace tenfold::plan
