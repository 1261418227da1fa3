// Steps over rows: Softmax over the last axis, LayerNormalization over any number of last ones.
#include "plan/steps/steps.hpp"

namespace tenfold::plan {
namespace {

/// Calls body(first row, row count) on even shares.
template <class F>
class RowsStep final : public Step {
 public:
  RowsStep(int64_t rows, int64_t columns, int threads, F body) : rows_(rows), body_(std::move(body)) {
    constexpr int64_t kForkElements = 8 * 1024;
    parts_ = rows * columns < kForkElements ? 1 : static_cast<int>(std::min<int64_t>(threads, rows));
  }
  void run(const RunContext& c) const override {
    c.pool->run(parts_, [&](int part) {
      const Range r = split(rows_, part, parts_);
      if (r.begin < r.end) body_(c, r.begin, r.end - r.begin);
    });
  }

 private:
  int64_t rows_;
  int parts_;
  F body_;
};

template <class F>
std::unique_ptr<Step> over_rows(const BuildContext& b, int64_t rows, int64_t columns, F body) {
  return std::make_unique<RowsStep<F>>(rows, columns, b.threads, std::move(body));
}

bool is_last_axis(int64_t axis, const Shape& s) { return axis == -1 || axis == s.rank() - 1; }

}  // namespace

std::unique_ptr<Step> make_softmax_f32(const BuildContext& b, ir::NodeId id) {
  const ir::Node& n = b.graph.node(id);
  const Shape& s = b.shape(n.input(0));
  if (!b.kernels.softmax_f32 || s.rank() == 0 || !is_last_axis(n.attrs.get_int("axis", -1), s) ||
      b.graph.value(n.output()).dtype != DType::f32)
    return nullptr;
  const int64_t columns = s.back(), rows = s.elements(0, s.rank() - 1);
  return over_rows(b, rows, columns,
                   [kernel = b.kernels.softmax_f32, columns, x = n.input(0), y = n.output()](
                       const RunContext& c, int64_t first, int64_t count) {
                     kernel(c.at<const float>(x) + first * columns, c.at<float>(y) + first * columns, count,
                            columns);
                   });
}

std::unique_ptr<Step> make_layer_norm_f32(const BuildContext& b, ir::NodeId id) {
  const ir::Node& n = b.graph.node(id);
  const Shape& s = b.shape(n.input(0));
  if (!b.kernels.layer_norm_f32 || n.outputs.size() != 1 || n.attrs.has("activation")) return nullptr;
  const int64_t axis = n.attrs.get_int("axis", -1);
  const int first_axis = static_cast<int>(axis < 0 ? axis + s.rank() : axis);
  const int64_t columns = s.elements(first_axis, s.rank()), rows = s.elements(0, first_axis);
  for (size_t i : {1u, 2u})
    if (n.input(i) != ir::kNone && b.shape(n.input(i)).elements() != columns) return nullptr;
  const float epsilon = n.attrs.get_float("epsilon", 1e-5f);
  return over_rows(b, rows, columns,
                   [kernel = b.kernels.layer_norm_f32, columns, epsilon, &n](const RunContext& c,
                                                                             int64_t first, int64_t count) {
                     const auto vector = [&](size_t i) {
                       return n.input(i) == ir::kNone ? nullptr : c.at<const float>(n.input(i));
                     };
                     kernel(c.at<const float>(n.input(0)) + first * columns, nullptr, nullptr,
                            c.at<float>(n.output()) + first * columns, count, columns, vector(1), vector(2),
                            epsilon);
                   });
}

}  // namespace tenfold::plan
