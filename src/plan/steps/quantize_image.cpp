// QuantizeImage: rows of planes to rows of interleaved bytes.
#include "ops/quantize_image.hpp"

#include "plan/steps/steps.hpp"

namespace tenfold::plan {
namespace {

class QuantizeImageStep final : public Step {
 public:
  QuantizeImageStep(const BuildContext& b, const ir::Node& n)
      : l_(ops::image_layout(n, b.shape(n.input(0)))),
        x_(n.input(0)),
        y_(n.output()),
        kernel_(b.kernels.quantize_planar_u8) {
    constexpr int64_t kForkBytes = 64 * 1024;  // 10 us of work for one core
    parts_ = l_.batch * l_.out_h * l_.out_w * l_.out_c < kForkBytes ? 1 : b.threads;
  }

  void run(const RunContext& c) const override {
    c.pool->run(parts_, [&](int part) {
      const Range rows = split(l_.batch * l_.out_h, part, parts_);
      for (int64_t r = rows.begin; r < rows.end; r++)
        row(c.at<const float>(x_), r / l_.out_h, r % l_.out_h, c.at<uint8_t>(y_) + r * l_.out_w * l_.out_c);
    });
  }

 private:
  void row(const float* x, int64_t image, int64_t y, uint8_t* out) const {
    const int64_t from = y - l_.top, outside = l_.out_w * l_.out_c;
    if (from < 0 || from >= l_.in_h) return fill(out, outside);
    const int64_t left = std::min(l_.left, l_.out_w), count = std::min(l_.in_w, l_.out_w - left);
    fill(out, left * l_.out_c);
    kernel_(x + (image * l_.channels * l_.in_h + from) * l_.in_w, l_.in_h * l_.in_w, out + left * l_.out_c,
            l_.out_c, count, l_.channels, 1.0f / l_.scale, l_.zero_point);
    fill(out + (left + count) * l_.out_c, (l_.out_w - left - count) * l_.out_c);
  }
  void fill(uint8_t* out, int64_t bytes) const {
    std::fill_n(out, bytes, static_cast<uint8_t>(l_.zero_point));
  }

  const ops::ImageLayout l_;
  const ir::ValueId x_, y_;
  decltype(kernels::Kernels::quantize_planar_u8) kernel_;
  int parts_;
};

}  // namespace

std::unique_ptr<Step> make_quantize_image(const BuildContext& b, ir::NodeId id) {
  if (!b.kernels.quantize_planar_u8) return nullptr;
  return std::make_unique<QuantizeImageStep>(b, b.graph.node(id));
}

}  // namespace tenfold::plan
