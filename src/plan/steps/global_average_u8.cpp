// QGlobalAveragePool, channels last: threads share blocks of channels.
#include <array>

#include "base/math.hpp"
#include "plan/row_step.hpp"
#include "plan/steps/byte_sums.hpp"
#include "plan/steps/steps.hpp"

namespace tenfold::plan {
namespace {

using kernels::ColumnSumsU8;

class GlobalAverageU8Step final : public Step {
 public:
  GlobalAverageU8Step(const BuildContext& b, const ir::Node& n)
      : x_(n.input(0)),
        y_(n.output()),
        kernels_(b.kernels),
        batch_(b.shape(x_)[0]),
        channels_(b.shape(x_).back()),
        pixels_(b.shape(x_).elements(1, b.shape(x_).rank() - 1)),
        scale_(n.attrs.get_float("scale", 1)),
        x_zero_point_(static_cast<int>(n.attrs.get_int("x_zero_point", 0))),
        y_zero_point_(static_cast<int>(n.attrs.get_int("y_zero_point", 0))),
        f32_output_(n.attrs.get_string("output", "u8") == "f32") {
    constexpr int64_t kForkBytes = 128 * 1024;  // summed in 10 us
    parts_ = batch_ * channels_ * pixels_ < kForkBytes
                 ? 1
                 : static_cast<int>(std::min<int64_t>(b.threads, batch_ * blocks()));
  }

  void run(const RunContext& c) const override {
    c.pool->run(parts_, [&](int part) {
      each_image(split(batch_ * blocks(), part, parts_), blocks(), [&](int64_t image, Range range) {
        const Range channels{range.begin * kBlock, std::min(channels_, range.end * kBlock)};
        const int64_t at = image * channels_ + channels.begin, count = channels.end - channels.begin;
        const uint8_t* x = c.at<const uint8_t>(x_) + image * pixels_ * channels_ + channels.begin;
        f32_output_ ? means(x, c.at<float>(y_) + at, count) : bytes(x, c.at<uint8_t>(y_) + at, count);
      });
    });
  }

 private:
  static constexpr int64_t kBlock = 64;  // channels: a cache line of every pixel
  int64_t blocks() const { return ceil_div(channels_, kBlock); }

  void bytes(const uint8_t* x, uint8_t* y, int64_t channels) const {
    kernels_.global_average_u8({.in = x,
                                .pixels = pixels_,
                                .channels = channels,
                                .in_pixel = channels_,
                                .out = y,
                                .scale = scale_,
                                .in_zero = x_zero_point_,
                                .out_zero = y_zero_point_});
  }

  void means(const uint8_t* x, float* y, int64_t channels) const {
    const float by = scale_ / static_cast<float>(pixels_);
    std::array<uint32_t, kBlock> sums, squares;
    for (int64_t first = 0; first < channels; first += kBlock) {
      const int64_t count = std::min(kBlock, channels - first);
      std::array<int64_t, kBlock> totals{};
      for (int64_t p = 0; p < pixels_; p += ColumnSumsU8::kMostSquares) {
        kernels_.column_sums_u8({.in = x + p * channels_ + first,
                                 .pixels = std::min(ColumnSumsU8::kMostSquares, pixels_ - p),
                                 .channels = count,
                                 .in_pixel = channels_,
                                 .sums = sums.data(),
                                 .squares = squares.data()});
        for (size_t i = 0; i < static_cast<size_t>(count); i++) totals[i] += sums[i];
      }
      for (int64_t i = 0; i < count; i++)
        y[first + i] = static_cast<float>(totals[static_cast<size_t>(i)] - pixels_ * x_zero_point_) * by;
    }
  }

  const ir::ValueId x_, y_;
  const kernels::Kernels& kernels_;
  const int64_t batch_, channels_, pixels_;
  const float scale_;
  const int x_zero_point_, y_zero_point_;
  const bool f32_output_;
  int parts_ = 1;
};

}  // namespace

std::unique_ptr<Step> make_global_average_u8(const BuildContext& b, ir::NodeId id) {
  const ir::Node& n = b.graph.node(id);
  if (!n.attrs.get_int("channels_last", 0)) return nullptr;
  const bool f32_output = n.attrs.get_string("output", "u8") == "f32";
  if (f32_output ? !b.kernels.column_sums_u8 : !b.kernels.global_average_u8) return nullptr;
  const Shape& x = b.shape(n.input(0));
  if (!f32_output && !sum_fits(static_cast<double>(x.elements(1, x.rank() - 1)))) return nullptr;
  return std::make_unique<GlobalAverageU8Step>(b, n);
}

}  // namespace tenfold::plan
