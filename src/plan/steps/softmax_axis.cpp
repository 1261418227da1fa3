// Softmax along an axis that is not the last: blocks of neighbouring columns are transposed into rows,
// normalised and transposed back (2.3 ms to 0.46 ms for the 16 bins of a YOLO head at 640 x 640).
#include "plan/steps/steps.hpp"

namespace tenfold::plan {
namespace {

constexpr int64_t kColumns = 64;  // with up to 100 elements along the axis, both blocks stay in L1

class SoftmaxAxisStep final : public Step {
 public:
  SoftmaxAxisStep(const BuildContext& b, const ir::Node& n, int axis)
      : x_(n.input(0)), y_(n.output()), kernels_(b.kernels) {
    const Shape& s = b.shape(x_);
    length_ = s[axis];
    inner_ = s.elements(axis + 1, s.rank());
    blocks_ = (inner_ + kColumns - 1) / kColumns;
    units_ = s.elements(0, axis) * blocks_;
    constexpr int64_t kForkElements = 8 * 1024;
    parts_ = s.elements() < kForkElements ? 1 : static_cast<int>(std::min<int64_t>(b.threads, units_));
  }

  size_t scratch_bytes() const override { return static_cast<size_t>(2 * parts_ * block()) * sizeof(float); }

  void run(const RunContext& c) const override {
    c.pool->run(parts_, [&](int part) {
      float* rows = reinterpret_cast<float*>(c.scratch) + 2 * part * block();
      float* result = rows + block();
      const Range range = split(units_, part, parts_);
      for (int64_t u = range.begin; u < range.end; u++) {
        const int64_t first = u % blocks_ * kColumns, count = std::min(kColumns, inner_ - first);
        const int64_t offset = u / blocks_ * length_ * inner_ + first;
        kernels_.transpose_32(c.at<const float>(x_) + offset, inner_, rows, length_, length_, count);
        kernels_.softmax_f32(rows, result, count, length_);
        kernels_.transpose_32(result, length_, c.at<float>(y_) + offset, inner_, count, length_);
      }
    });
  }

 private:
  /// Floats of one block, padded so that the next starts on a cache line.
  int64_t block() const { return length_ * kColumns + 64; }

  const ir::ValueId x_, y_;
  const kernels::Kernels& kernels_;
  int64_t length_, inner_, blocks_, units_;
  int parts_;
};

}  // namespace

std::unique_ptr<Step> make_softmax_axis_f32(const BuildContext& b, ir::NodeId id) {
  const ir::Node& n = b.graph.node(id);
  const Shape& s = b.shape(n.input(0));
  int64_t axis = n.attrs.get_int("axis", -1);
  if (axis < 0) axis += s.rank();
  if (!b.kernels.softmax_f32 || !b.kernels.transpose_32 || axis < 0 || axis >= s.rank() ||
      s.elements() == 0 || b.graph.value(n.output()).dtype != DType::f32)
    return nullptr;
  return std::make_unique<SoftmaxAxisStep>(b, n, static_cast<int>(axis));
}

}  // namespace tenfold::plan
