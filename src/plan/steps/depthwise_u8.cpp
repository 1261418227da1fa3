// INT8 depthwise convolutions.
#include "base/math.hpp"
#include "ops/convolve.hpp"
#include "plan/row_step.hpp"
#include "plan/steps/epilogue_u8.hpp"
#include "plan/steps/indirect.hpp"
#include "plan/steps/pack_key.hpp"
#include "plan/steps/steps.hpp"

namespace tenfold::plan {
namespace {

class DepthwiseU8Step final : public RowStep {
 public:
  DepthwiseU8Step(const BuildContext& b, const ir::Node& n, const ops::Convolution& c)
      : conv_(c),
        x_(n.input(0)),
        y_(n.output()),
        kernels_(b.kernels),
        epilogue_(b.kernels, n),
        packed_(pack(b, n)),
        scratch_(whole_lines(kernels::depthwise_u8_scratch(b.kernels.layout, *packed_))) {
    // Depthwise convolutions run at a fifth of the dot product's peak, so a fork pays earlier.
    constexpr double kForkMacs = 60e3;
    parts_ = ops::convolution_macs(b.graph, n) < kForkMacs && b.split == Split::automatic
                 ? 1
                 : static_cast<int>(std::min<int64_t>(b.threads, units()));
  }

  size_t scratch_bytes() const override { return static_cast<size_t>(parts_) * scratch_; }

  void run(const RunContext& c) const override {
    c.pool->run(parts_, [&](int part) {
      const tenfold::Range range = split(units(), part, parts_);
      RunContext own = c;
      own.scratch += static_cast<size_t>(part) * scratch_;
      compute(own, {first_row(range.begin), first_row(range.end)});
    });
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
      kernels_.depthwise_u8({.w = packed_.get(),
                             .in = c.at<const uint8_t>(x_) + image * conv_.x.batch,
                             .in_h = g.in[1],
                             .in_w = g.in[2],
                             .in_row = conv_.x.axis[1],
                             .in_pixel = conv_.x.axis[2],
                             .out = c.at<uint8_t>(y_) + image * conv_.y.batch,
                             .out_w = g.out[2],
                             .out_row = conv_.y.axis[1],
                             .out_pixel = conv_.y.axis[2],
                             .y_begin = y.begin,
                             .y_end = y.end,
                             .pad_top = g.pad_begin[1],
                             .pad_left = g.pad_begin[2],
                             .zero_point = epilogue_.zero_point,
                             .table = epilogue_.table,
                             .scratch = c.scratch});
    });
  }

  /// Passes of an image: what a kernel takes at a time and threads share out.
  int64_t passes() const { return ceil_div(conv_.window.out[1], packed_->rows_per_pass); }
  int64_t units() const { return conv_.batch * passes(); }
  int64_t first_row(int64_t unit) const {
    const int64_t rows = conv_.window.out[1];
    return unit / passes() * rows + std::min(rows, unit % passes() * packed_->rows_per_pass);
  }

  std::shared_ptr<const kernels::PackedDepthwiseU8> pack(const BuildContext& b, const ir::Node& n) const {
    const auto zero_point = static_cast<int>(n.attrs.get_int("x_zero_point", 0));
    const ops::Window& g = conv_.window;
    const PackKey key = pack_key("depthwise_u8", b.graph, n, {1, 2, 3}, b.kernels.name, zero_point,
                                 g.stride[1], g.stride[2], g.dilation[1], g.dilation[2]);
    return b.packs.get<kernels::PackedDepthwiseU8>(key, [&] {
      const ByteWeights weights(*b.graph.constant(n.input(1)), 0);
      const auto i = [](int64_t v) { return static_cast<int>(v); };
      return kernels::pack_depthwise_u8(b.kernels.layout, weights.data(), conv_.channels, i(g.kernel[1]),
                                        i(g.kernel[2]), i(g.stride[1]), i(g.stride[2]), i(g.dilation[1]),
                                        i(g.dilation[2]), zero_point,
                                        quantized_channels(b.graph, n, weights));
    });
  }

  const ops::Convolution conv_;
  const ir::ValueId x_, y_;
  const kernels::Kernels& kernels_;
  const EpilogueU8 epilogue_;
  const std::shared_ptr<const kernels::PackedDepthwiseU8> packed_;
  const size_t scratch_;
  int parts_ = 1;
};

}  // namespace

std::unique_ptr<Step> make_depthwise_u8(const BuildContext& b, ir::NodeId id) {
  const ir::Node& n = b.graph.node(id);
  if (!b.kernels.depthwise_u8 || !n.attrs.get_int("channels_last", 0) || !has_packable_weights(b.graph, n, 0))
    return nullptr;
  if (n.input(4) != ir::kNone || n.attrs.get_string("output", "u8") != "u8" || EpilogueU8::has_tail(n))
    return nullptr;
  const ops::Convolution c = ops::resolve_convolution(n, b.shape(n.input(0)), b.shape(n.input(1)));
  return is_depthwise(c) ? std::make_unique<DepthwiseU8Step>(b, n, c) : nullptr;
}

}  // namespace tenfold::plan
