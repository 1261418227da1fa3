// Binary elementwise operators with broadcasting, as rectangles that a kernel walks.
#include <algorithm>
#include <array>

#include "ops/fusion.hpp"
#include "plan/steps/steps.hpp"

namespace tenfold::plan {
namespace {

/// A broadcast over merged axes: loops (outermost first) around an outer x inner rectangle.
struct Rectangles {
  static constexpr int kMaxLoops = 4;
  struct Loop {
    int64_t extent;
    ptrdiff_t a, b, c;
  };
  std::array<Loop, kMaxLoops> loops{};
  int count = 0;
  int64_t outer = 1, inner = 1;
  ptrdiff_t a_outer = 0, b_outer = 0, c_outer = 0;
  int a_inner = 1, b_inner = 1;
};

/// Merges axes that both operands step through alike; empty where more loops would be needed than Rectangles
/// has.
std::optional<Rectangles> plan_broadcast(const Shape& a, const Shape& b, const Shape& c) {
  struct Axis {
    int64_t extent;
    bool a, b;
  };  // whether the operand moves along the axis
  std::vector<Axis> axes;
  for (int i = 0; i < c.rank(); i++) {
    const int ia = i - (c.rank() - a.rank()), ib = i - (c.rank() - b.rank());
    if (c[i] == 1) continue;
    const Axis axis{c[i], ia >= 0 && a[ia] != 1, ib >= 0 && b[ib] != 1};
    if (!axes.empty() && axes.back().a == axis.a && axes.back().b == axis.b)
      axes.back().extent *= axis.extent;
    else
      axes.push_back(axis);
  }
  if (axes.empty()) axes.push_back({c.elements(), true, true});
  const int n = static_cast<int>(axes.size());
  if (n - 2 > Rectangles::kMaxLoops) return std::nullopt;
  Rectangles r;
  ptrdiff_t sa = 1, sb = 1, sc = 1;
  for (int i = n - 1; i >= 0; i--) {
    const Axis& axis = axes[static_cast<size_t>(i)];
    const ptrdiff_t step_a = axis.a ? sa : 0, step_b = axis.b ? sb : 0;
    if (i == n - 1) {
      r.inner = axis.extent;
      r.a_inner = static_cast<int>(step_a);
      r.b_inner = static_cast<int>(step_b);
    } else if (i == n - 2) {
      r.outer = axis.extent;
      r.a_outer = step_a;
      r.b_outer = step_b;
      r.c_outer = sc;
    } else {
      r.loops[static_cast<size_t>(i)] = {axis.extent, step_a, step_b, sc};
      r.count++;
    }
    if (axis.a) sa *= axis.extent;
    if (axis.b) sb *= axis.extent;
    sc *= axis.extent;
  }
  return r;
}

/// Calls a kernel for every rectangle; threads share rows of each, or pieces of a single row.
template <class T, class Args>
class BinaryStep final : public Step {
 public:
  BinaryStep(const BuildContext& b, const ir::Node& n, const Rectangles& r, const Args& args,
             void (*kernel)(const Args&))
      : a_(n.input(0)), b_(n.input(1)), y_(n.output()), shape_(r), args_(args), kernel_(kernel) {
    constexpr int64_t kForkElements = 32 * 1024;
    parts_ = b.shape(y_).elements() < kForkElements ? 1 : b.threads;
  }

  void run(const RunContext& c) const override {
    c.pool->run(parts_, [&](int part) { loop(part, 0, c.at<const T>(a_), c.at<const T>(b_), c.at<T>(y_)); });
  }

 private:
  void loop(int part, int level, const T* a, const T* b, T* y) const {
    if (level == shape_.count) return rectangle(part, a, b, y);
    const Rectangles::Loop& l = shape_.loops[static_cast<size_t>(level)];
    for (int64_t i = 0; i < l.extent; i++) loop(part, level + 1, a + i * l.a, b + i * l.b, y + i * l.c);
  }

  void rectangle(int part, const T* a, const T* b, T* y) const {
    const bool rows = shape_.outer >= parts_;
    const Range outer = rows ? split(shape_.outer, part, parts_) : Range{0, shape_.outer};
    const Range inner = rows ? Range{0, shape_.inner} : split(shape_.inner, part, parts_, 64);
    if (outer.begin >= outer.end || inner.begin >= inner.end) return;
    Args args = args_;
    args.a = a + outer.begin * shape_.a_outer + inner.begin * shape_.a_inner;
    args.b = b + outer.begin * shape_.b_outer + inner.begin * shape_.b_inner;
    args.c = y + outer.begin * shape_.c_outer + inner.begin;
    args.outer = outer.end - outer.begin;
    args.inner = inner.end - inner.begin;
    args.a_outer = shape_.a_outer;
    args.b_outer = shape_.b_outer;
    args.c_outer = shape_.c_outer;
    args.a_inner = shape_.a_inner;
    args.b_inner = shape_.b_inner;
    kernel_(args);
  }

  const ir::ValueId a_, b_, y_;
  const Rectangles shape_;
  const Args args_;
  void (*const kernel_)(const Args&);
  int parts_;
};

std::optional<Rectangles> rectangles(const BuildContext& b, const ir::Node& n) {
  if (n.inputs.size() != 2) return std::nullopt;
  return plan_broadcast(b.shape(n.input(0)), b.shape(n.input(1)), b.shape(n.output()));
}

}  // namespace

std::unique_ptr<Step> make_binary_f32(const BuildContext& b, ir::NodeId id) {
  using kernels::Binary;
  static constexpr std::pair<std::string_view, Binary> kOps[] = {
      {"Add", Binary::add}, {"Sub", Binary::sub}, {"Mul", Binary::mul}, {"Div", Binary::div},
      {"Min", Binary::min}, {"Max", Binary::max}, {"Pow", Binary::pow}, {"PRelu", Binary::prelu}};
  const ir::Node& n = b.graph.node(id);
  const auto row =
      std::find_if(std::begin(kOps), std::end(kOps), [&](const auto& r) { return r.first == n.op; });
  const auto is_f32 = [&](ir::ValueId v) { return b.graph.value(v).dtype == DType::f32; };
  if (row == std::end(kOps) || !b.kernels.binary_f32 ||
      !std::all_of(n.inputs.begin(), n.inputs.end(), is_f32))
    return nullptr;
  const auto shape = rectangles(b, n);
  if (!shape) return nullptr;
  const ops::Fusion f = ops::fusion_of(n);
  const kernels::BinaryF32 args{.op = row->second, .activation = f.kind, .lo = f.lo, .hi = f.hi};
  return std::make_unique<BinaryStep<float, kernels::BinaryF32>>(b, n, *shape, args, b.kernels.binary_f32);
}

std::unique_ptr<Step> make_binary_u8(const BuildContext& b, ir::NodeId id) {
  const ir::Node& n = b.graph.node(id);
  const auto shape = rectangles(b, n);
  const auto kernel = n.op == "QAdd" ? b.kernels.add_u8 : b.kernels.mul_u8;
  if (!shape || !kernel) return nullptr;
  const auto i = [&](const char* name) { return static_cast<int>(n.attrs.get_int(name, 0)); };
  const Tensor* table = n.attrs.get_tensor("table");
  const kernels::BinaryU8 args{.a_scale = n.attrs.get_float("a_scale", 0),
                               .b_scale = n.attrs.get_float("b_scale", 0),
                               .offset = n.attrs.get_float("offset", 0),
                               .a_zero = i("a_zero_point"),
                               .b_zero = i("b_zero_point"),
                               .zero_point = i("y_zero_point"),
                               .table = table ? table->data<uint8_t>() : nullptr};
  return std::make_unique<BinaryStep<uint8_t, kernels::BinaryU8>>(b, n, *shape, args, kernel);
}

}  // namespace tenfold::plan
