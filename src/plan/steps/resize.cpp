// Linear and cubic Resize and QResize along one axis or two neighbouring ones, with enough elements behind
// them: rows are blended to one row of the input's width, its pixels to the output's.
#include "ops/resize_axis.hpp"
#include "plan/steps/steps.hpp"

namespace tenfold::plan {
namespace {

/// What every output position of one axis reads.
struct AxisTaps {
  int64_t in = 1, out = 1;
  std::vector<int64_t> offset;  ///< taps per position
  std::vector<float> weight;
};
AxisTaps taps_of(const ops::ResizeOptions& options, const ops::ResizeAxis& axis, int taps, int64_t step) {
  AxisTaps result{axis.in, axis.out, {}, {}};
  for (int64_t position = 0; position < axis.out; position++) {
    const ops::ResizeTaps t = ops::resize_taps(options, axis, position);
    const auto weights = std::span(t.weight).first(static_cast<size_t>(taps));
    const auto heaviest =
        static_cast<size_t>(std::max_element(weights.begin(), weights.end()) - weights.begin());
    for (size_t k = 0; k < weights.size(); k++) {
      // A tap without weight reads what another does: an infinity there would make the sum a NaN.
      result.offset.push_back(t.index[weights[k] == 0 ? heaviest : k] * step);
      result.weight.push_back(weights[k]);
    }
  }
  return result;
}

/// Blends rows (where there are two axes) to floats and these along columns, blocks of `block` elements.
/// Bytes always pass the first stage, which takes their zero point off.
template <class T>
class BlendStep final : public Step {
 public:
  struct Kernels {
    void (*rows)(const kernels::Blend<T, float>&);
    void (*columns)(const kernels::Blend<float, T>&);
  };
  BlendStep(const BuildContext& b, const ir::Node& n, Kernels kernels, std::optional<AxisTaps> rows,
            AxisTaps columns, int taps, int64_t images, int64_t block)
      : node_(n),
        kernels_(kernels),
        rows_(std::move(rows)),
        columns_(std::move(columns)),
        taps_(taps),
        in_rows_(rows_ ? rows_->in : 1),
        out_rows_(rows_ ? rows_->out : 1),
        images_(images),
        block_(block),
        x_zero_(static_cast<int>(n.attrs.get_int("x_zero_point", 0))),
        y_zero_(static_cast<int>(n.attrs.get_int("y_zero_point", 0))),
        scale_(n.attrs.get_float("scale", 1)) {
    constexpr int64_t kForkElements = 16 * 1024;
    parts_ = b.shape(n.output()).elements() < kForkElements
                 ? 1
                 : static_cast<int>(std::min<int64_t>(b.threads, images_ * out_rows_));
  }
  size_t scratch_bytes() const override { return rows_ ? static_cast<size_t>(parts_) * part_bytes() : 0; }

  void run(const RunContext& c) const override {
    c.pool->run(parts_, [&](int part) {
      const Range range = split(images_ * out_rows_, part, parts_);
      auto* blended = reinterpret_cast<float*>(c.scratch + static_cast<size_t>(part) * part_bytes());
      for (int64_t i = range.begin; i < range.end; i++) {
        const T* in = c.at<const T>(node_.input(0)) + i / out_rows_ * in_rows_ * row_elements();
        const float* row = blended;
        if (rows_) {
          const size_t at = static_cast<size_t>(i % out_rows_) * static_cast<size_t>(taps_);
          kernels_.rows({.in = in,
                         .offset = &rows_->offset[at],
                         .weight = &rows_->weight[at],
                         .taps = taps_,
                         .positions = 1,
                         .block = row_elements(),
                         .out = blended,
                         .in_zero = x_zero_});
        } else if constexpr (std::is_same_v<T, float>) {
          row = in;
        }
        kernels_.columns({.in = row,
                          .offset = columns_.offset.data(),
                          .weight = columns_.weight.data(),
                          .taps = taps_,
                          .positions = columns_.out,
                          .block = block_,
                          .out = c.at<T>(node_.output()) + i * columns_.out * block_,
                          .out_zero = y_zero_,
                          .scale = scale_});
      }
    });
  }

 private:
  int64_t row_elements() const { return columns_.in * block_; }
  size_t part_bytes() const { return whole_lines(sizeof(float) * static_cast<size_t>(row_elements())); }

  const ir::Node& node_;
  const Kernels kernels_;
  const std::optional<AxisTaps> rows_;
  const AxisTaps columns_;
  const int taps_;
  const int64_t in_rows_, out_rows_, images_, block_;
  const int x_zero_, y_zero_;
  const float scale_;
  int parts_;
};

}  // namespace

std::unique_ptr<Step> make_resize_blend(const BuildContext& b, ir::NodeId id) {
  const ir::Node& n = b.graph.node(id);
  const ops::ResizeOptions options = ops::read_resize_options(n);
  const Shape &x = b.shape(n.input(0)), &y = b.shape(n.output());
  const bool bytes = n.op == "QResize";
  if (!b.kernels.blend_f32 || y.elements() == 0 || options.mode == ops::ResizeMode::nearest ||
      options.coordinates == ops::ResizeCoordinates::tf_crop_and_resize ||
      (!bytes && b.graph.value(n.output()).dtype != DType::f32))
    return nullptr;
  const auto axes = ops::constant_resize_axes(b.graph, n);
  if (!axes) return nullptr;
  const auto changes = [&](int i) { return !(*axes)[static_cast<size_t>(i)].identity(options); };
  int first = 0, last = x.rank() - 1;
  while (first < x.rank() && !changes(first)) first++;
  while (last > first && !changes(last)) last--;
  // Blocks of fewer floats than a vector are no faster than the reference.
  const int64_t least_block = bytes ? 1 : 4;
  const int64_t block = first < x.rank() ? x.elements(last + 1, x.rank()) : 0;
  if (block < least_block || last - first > 1) return nullptr;
  const int taps = options.mode == ops::ResizeMode::cubic ? 4 : 2;
  AxisTaps columns = taps_of(options, (*axes)[static_cast<size_t>(last)], taps, block);
  std::optional<AxisTaps> rows;
  if (first < last)
    rows = taps_of(options, (*axes)[static_cast<size_t>(first)], taps, columns.in * block);
  else if (bytes)
    rows = AxisTaps{1, 1, {0, 0, 0, 0}, {1, 0, 0, 0}};
  const auto step = [&]<class T>(BlendStep<T>::Kernels kernels) -> std::unique_ptr<Step> {
    return std::make_unique<BlendStep<T>>(b, n, kernels, std::move(rows), std::move(columns), taps,
                                          x.elements(0, first), block);
  };
  if (bytes) return step.operator()<uint8_t>({b.kernels.blend_from_u8, b.kernels.blend_to_u8});
  return step.operator()<float>({b.kernels.blend_f32, b.kernels.blend_f32});
}

}  // namespace tenfold::plan
