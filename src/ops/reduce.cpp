// Reductions over `axes` (an optional input; all axes by default) {keepdims, noop_with_empty_axes}.
#include "ops/helpers.hpp"

namespace tenfold::ops {
namespace {

/// Which axes are reduced, or nothing while they are unknown.
std::optional<std::vector<bool>> reduced_axes(const InferContext& c, int rank) {
  std::vector<bool> mask(static_cast<size_t>(rank));
  const auto axes = positions(c, 1);
  if (c.has_input(1) && !axes) {
    const Shape* s = c.shape(1);
    if (!s || !(*s == Shape{0})) return std::nullopt;
  }
  if (!axes || axes->empty()) {
    if (c.attrs().get_int("noop_with_empty_axes", 0) == 0) mask.assign(mask.size(), true);
    return mask;
  }
  for (int64_t a : *axes) mask[static_cast<size_t>(c.axis(a, rank))] = true;
  return mask;
}

void set_shape(InferContext& c) {
  const Shape* in = c.shape(0);
  if (!in) return c.set(0, c.dtype(0), std::nullopt);
  const bool keep = c.attrs().get_int("keepdims", 1) != 0;
  const auto mask = reduced_axes(c, in->rank());
  if (!mask && !keep) return c.set(0, c.dtype(0), std::nullopt);
  Shape out;
  for (int i = 0; i < in->rank(); i++) {
    if (!mask)
      out.push_back(c.data_dependent(0, i));
    else if (!(*mask)[static_cast<size_t>(i)])
      out.push_back((*in)[i]);
    else if (keep)
      out.push_back(1);
  }
  c.set(0, c.dtype(0), std::move(out));
}

/// Shape arithmetic reduces vectors to one element.
void propagate(InferContext& c, DimFunction fold) {
  const Shape* in = c.shape(0);
  const auto values = c.content(0);
  if (!in || in->rank() != 1 || !values || values->empty() || c.dtype(0) != DType::i64) return;
  const auto mask = reduced_axes(c, 1);
  if (!mask || !(*mask)[0]) return;
  int64_t r = (*values)[0];
  try {
    for (size_t i = 1; i < values->size(); i++) r = fold(c, r, (*values)[i]);
  } catch (const Error&) {
    return;  // overflow
  }
  c.set_content(0, {r});
}

// A reducer: start() of an accumulator, step(), and finish() to the element.  Floats accumulate in double.
template <class T>
using Wide = std::conditional_t<std::is_floating_point_v<T>, double, T>;

template <class T>
T lowest() {
  return std::is_floating_point_v<T> ? -std::numeric_limits<T>::infinity() : std::numeric_limits<T>::lowest();
}
template <class T>
T highest() {
  return std::is_floating_point_v<T> ? std::numeric_limits<T>::infinity() : std::numeric_limits<T>::max();
}

struct Sum {
  static constexpr TypeSet types = kNumbers;
  static constexpr bool folds = true;  ///< over extents, by:
  static constexpr DimFunction dim = dim_add;
  template <class T>
  static Wide<T> start() {
    return 0;
  }
  template <class T>
  static void step(Wide<T>& a, T x) {
    a = wrap_add(a, static_cast<Wide<T>>(x));
  }
  template <class T>
  static T finish(Wide<T> a, int64_t) {
    return static_cast<T>(a);
  }
};
struct Mean : Sum {
  static constexpr bool folds = false;
  template <class T>
  static T finish(Wide<T> a, int64_t n) {
    if constexpr (std::is_integral_v<T>) {
      if (n == 0) fail(ErrorCode::invalid_argument, "ReduceMean over no elements");
      return convert<T>(static_cast<double>(a) / static_cast<double>(n));
    } else
      return static_cast<T>(a / static_cast<double>(n));
  }
};
struct Prod {
  static constexpr TypeSet types = kNumbers;
  static constexpr bool folds = true;  ///< over extents, by:
  static constexpr DimFunction dim = dim_mul;
  template <class T>
  static Wide<T> start() {
    return 1;
  }
  template <class T>
  static void step(Wide<T>& a, T x) {
    a = wrap_mul(a, static_cast<Wide<T>>(x));
  }
  template <class T>
  static T finish(Wide<T> a, int64_t) {
    return static_cast<T>(a);
  }
};
struct Max {
  static constexpr TypeSet types = kNumbers | kBool;
  static constexpr bool folds = true;  ///< over extents, by:
  static constexpr DimFunction dim = dim_max;
  template <class T>
  static Wide<T> start() {
    return lowest<T>();
  }
  template <class T>
  static void step(Wide<T>& a, T x) {
    if (x > a || x != x) a = x;
  }
  template <class T>
  static T finish(Wide<T> a, int64_t) {
    return static_cast<T>(a);
  }
};
struct Min {
  static constexpr TypeSet types = kNumbers | kBool;
  static constexpr bool folds = true;  ///< over extents, by:
  static constexpr DimFunction dim = dim_min;
  template <class T>
  static Wide<T> start() {
    return highest<T>();
  }
  template <class T>
  static void step(Wide<T>& a, T x) {
    if (x < a || x != x) a = x;
  }
  template <class T>
  static T finish(Wide<T> a, int64_t) {
    return static_cast<T>(a);
  }
};
struct L1 : Sum {
  static constexpr bool folds = false;
  template <class T>
  static void step(Wide<T>& a, T x) {
    Sum::step<T>(a, x < T(0) ? wrap_sub(T(0), x) : x);
  }
};
struct SumSquare : Sum {
  static constexpr bool folds = false;
  template <class T>
  static void step(Wide<T>& a, T x) {
    const auto w = static_cast<Wide<T>>(x);
    a = wrap_add(a, wrap_mul(w, w));
  }
};
struct L2 : SumSquare {
  template <class T>
  static T finish(Wide<T> a, int64_t) {
    return convert<T>(std::sqrt(static_cast<double>(a)));
  }
};
struct LogSum : Sum {
  static constexpr bool folds = false;
  template <class T>
  static T finish(Wide<T> a, int64_t) {
    return convert<T>(std::log(static_cast<double>(a)));
  }
};

template <class F>
void infer(InferContext& c) {
  check_type(c, 0, F::types);
  if (c.has_input(1)) check_type(c, 1, {DType::i64});
  set_shape(c);
  if constexpr (F::folds) propagate(c, F::dim);
}

/// A walk over the kept axes (output, input) and one over the reduced ones (input).
struct Walks {
  Walk<2> kept;
  Walk<1> reduced;
  int64_t count = 1;  ///< elements per output element

  explicit Walks(const EvalContext& e) {
    const Extents in(*e.in(0).shape);
    std::array<bool, kMaxRank> mask{};
    const int64_t n = e.has_input(1) ? e.in(1).elements() : 0;
    if (n == 0 && e.attrs().get_int("noop_with_empty_axes", 0) == 0) mask.fill(true);
    for (int64_t i = 0; i < n; i++)
      mask[static_cast<size_t>(resolve_axis(index_at(e.in(1), i), in.rank))] = true;
    Extents to;
    to.rank = in.rank;
    int64_t step = 1;
    for (int i = in.rank - 1; i >= 0; i--) {
      to[i] = step;
      if (!mask[static_cast<size_t>(i)])
        step *= in[i];
      else
        count *= in[i];
    }
    ensure(step == e.out().elements(), "reduction into {} elements, {} planned", step, e.out().elements());
    const Extents from = in.strides();
    for (int i = 0; i < in.rank; i++) {
      if (mask[static_cast<size_t>(i)])
        reduced.push(in[i], {from[i]});
      else
        kept.push(in[i], {to[i], from[i]});
    }
  }
};

template <class F>
void eval(const EvalContext& e) {
  const Walks walks(e);
  const auto run = [&](auto tag) {
    using T = decltype(tag);
    walks.kept.each([&](const auto& at) {
      Wide<T> a = F::template start<T>();
      const T* x = e.in(0).as<T>() + at[1];
      walks.reduced.each([&](const auto& in) { F::template step<T>(a, x[in[0]]); });
      e.out().as<T>()[at[0]] = F::template finish<T>(a, walks.count);
    });
  };
  if constexpr (F::types.has(DType::boolean))
    dispatch(e.in(0).dtype, run);
  else
    dispatch_number(e.in(0).dtype, run);
}

/// log(sum(exp(x))), scaled by the maximum so that nothing overflows.
void eval_log_sum_exp(const EvalContext& e) {
  const Walks walks(e);
  dispatch_number(e.in(0).dtype, [&](auto tag) {
    using T = decltype(tag);
    walks.kept.each([&](const auto& at) {
      const T* x = e.in(0).as<T>() + at[1];
      double top = -std::numeric_limits<double>::infinity();
      walks.reduced.each([&](const auto& in) { top = std::max(top, static_cast<double>(x[in[0]])); });
      if (!std::isfinite(top)) top = 0;
      double sum = 0;
      walks.reduced.each([&](const auto& in) { sum += std::exp(static_cast<double>(x[in[0]]) - top); });
      e.out().as<T>()[at[0]] = convert<T>(std::log(sum) + top);
    });
  });
}

template <class F>
constexpr OpDef reduction(const char* name) {
  return {name, OpKind::other, 1, 2, 1, infer<F>, eval<F>};
}

}  // namespace

extern const OpDef op_reduce_l1 = reduction<L1>("ReduceL1");
extern const OpDef op_reduce_l2 = reduction<L2>("ReduceL2");
extern const OpDef op_reduce_log_sum = reduction<LogSum>("ReduceLogSum");
extern const OpDef op_reduce_log_sum_exp = {"ReduceLogSumExp", OpKind::other,   1, 2, 1,
                                            infer<LogSum>,     eval_log_sum_exp};
extern const OpDef op_reduce_max = reduction<Max>("ReduceMax");
extern const OpDef op_reduce_mean = reduction<Mean>("ReduceMean");
extern const OpDef op_reduce_min = reduction<Min>("ReduceMin");
extern const OpDef op_reduce_prod = reduction<Prod>("ReduceProd");
extern const OpDef op_reduce_sum = reduction<Sum>("ReduceSum");
extern const OpDef op_reduce_sum_square = reduction<SumSquare>("ReduceSumSquare");

}  // namespace tenfold::ops
