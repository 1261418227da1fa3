// FP32 depthwise convolutions.
#include "ops/fusion.hpp"
#include "plan/row_step.hpp"
#include "plan/steps/indirect.hpp"
#include "plan/steps/pack_key.hpp"
#include "plan/steps/packable.hpp"
#include "plan/steps/steps.hpp"

namespace tenfold::plan {
namespace {

class DepthwiseF32Step final : public RowStep {
 public:
  DepthwiseF32Step(const BuildContext& b, const ir::Node& n, const ops::Convolution& c)
      : conv_(c),
        x_(n.input(0)),
        y_(n.output()),
        kernels_(b.kernels),
        fusion_(ops::fusion_of(n)),
        packed_(pack(b, n)) {
    constexpr double kForkMacs = 20e3;
    parts_ = ops::convolution_macs(b.graph, n) < kForkMacs && b.split == Split::automatic
                 ? 1
                 : static_cast<int>(std::min<int64_t>(b.threads, c.batch * c.window.out[1]));
  }

  void run(const RunContext& c) const override {
    c.pool->run(parts_,
                [&](int part) { compute(c, split(conv_.batch * conv_.window.out[1], part, parts_, 2)); });
  }

  void run_rows(const RunContext& c, tenfold::Range pixels) const override {
    const int64_t width = conv_.window.out[2];
    compute(c, {pixels.begin / width, pixels.end / width});
  }

 private:
  /// `rows` count over the batch.
  void compute(const RunContext& c, tenfold::Range rows) const {
    const ops::Window& g = conv_.window;
    each_image(rows, g.out[1], [&](int64_t image, tenfold::Range y) {
      kernels_.depthwise_f32({.w = packed_.get(),
                              .in = c.at<const float>(x_) + image * conv_.x.batch,
                              .in_h = g.in[1],
                              .in_w = g.in[2],
                              .in_row = conv_.x.axis[1],
                              .in_pixel = conv_.x.axis[2],
                              .out = c.at<float>(y_) + image * conv_.y.batch,
                              .out_w = g.out[2],
                              .out_row = conv_.y.axis[1],
                              .out_pixel = conv_.y.axis[2],
                              .y_begin = y.begin,
                              .y_end = y.end,
                              .pad_top = g.pad_begin[1],
                              .pad_left = g.pad_begin[2],
                              .activation = fusion_.kind,
                              .lo = fusion_.lo,
                              .hi = fusion_.hi});
    });
  }

  std::shared_ptr<const kernels::PackedDepthwiseF32> pack(const BuildContext& b, const ir::Node& n) const {
    const Tensor& w = *b.graph.constant(n.input(1));
    const Tensor* bias = b.graph.constant(n.input(2));
    const ops::Window& g = conv_.window;
    const PackKey key = pack_key("depthwise_f32", b.graph, n, {1, 2}, b.kernels.name, g.stride[1],
                                 g.stride[2], g.dilation[1], g.dilation[2]);
    return b.packs.get<kernels::PackedDepthwiseF32>(key, [&] {
      const auto i = [](int64_t v) { return static_cast<int>(v); };
      return kernels::pack_depthwise_f32(b.kernels.layout, w.data<float>(), conv_.channels, i(g.kernel[1]),
                                         i(g.kernel[2]), i(g.stride[1]), i(g.stride[2]), i(g.dilation[1]),
                                         i(g.dilation[2]), bias ? bias->data<float>() : nullptr);
    });
  }

  const ops::Convolution conv_;
  const ir::ValueId x_, y_;
  const kernels::Kernels& kernels_;
  const ops::Fusion fusion_;
  const std::shared_ptr<const kernels::PackedDepthwiseF32> packed_;
  int parts_ = 1;
};

}  // namespace

std::unique_ptr<Step> make_depthwise_f32(const BuildContext& b, ir::NodeId id) {
  const ir::Node& n = b.graph.node(id);
  if (!b.kernels.depthwise_f32 || n.input(3) != ir::kNone) return nullptr;
  const auto c = packable_convolution(b, n);
  return c && is_depthwise(*c) ? std::make_unique<DepthwiseF32Step>(b, n, *c) : nullptr;
}

}  // namespace tenfold::plan
