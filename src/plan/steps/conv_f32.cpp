// FP32 convolutions as (indirect) matrix products: pointwise, k x k, grouped.
#include "ops/fusion.hpp"
#include "plan/steps/gemm_split.hpp"
#include "plan/steps/indirect.hpp"
#include "plan/steps/pack_key.hpp"
#include "plan/steps/steps.hpp"

namespace tenfold::plan {
namespace {

using kernels::GemmF32;
using kernels::PackedF32;

class ConvF32Step final : public Step {
 public:
  ConvF32Step(const BuildContext& b, const ir::Node& n, const ops::Convolution& c)
      : conv_(c),
        x_(n.input(0)),
        y_(n.output()),
        residual_(n.input(3)),
        kernels_(b.kernels),
        fusion_(ops::fusion_of(n)),
        pointwise_(is_pointwise(c.window)),
        pixels_(c.batch * c.window.out[1] * c.window.out[2]),
        per_group_(c.filters / c.group),
        packed_(pack(b, n)),
        split_(b, pixels_, panel_starts(packed_->front()), 4 * ops::convolution_macs(b.graph, n)),
        outside_(static_cast<size_t>(c.channels) + kTensorSlack / sizeof(float), 0.0f) {}

  size_t scratch_bytes() const override {
    return pointwise_ ? 0 : static_cast<size_t>(split_.parts) * pointers_per_part() * sizeof(void*);
  }

  void run(const RunContext& c) const override {
    c.pool->run(split_.parts, [&](int part) {
      const tenfold::Range rows = split_.rows(pixels_, part), channels = split_.channels(part);
      if (pointwise_) return multiply(c, rows, channels, nullptr);
      auto* pointers =
          reinterpret_cast<const float**>(c.scratch) + static_cast<size_t>(part) * pointers_per_part();
      for (int64_t m = rows.begin; m < rows.end; m += kIndirectPixels) {
        const tenfold::Range block{m, std::min(rows.end, m + kIndirectPixels)};
        fill_indirect(conv_, c.at<const float>(x_), outside_.data(), block.begin, block.end, pointers,
                      kIndirectPixels);
        multiply(c, block, channels, pointers);
      }
    });
  }

 private:
  size_t pointers_per_part() const { return static_cast<size_t>(conv_.window.taps() * kIndirectPixels); }

  std::shared_ptr<const std::vector<PackedF32>> pack(const BuildContext& b, const ir::Node& n) const {
    const Tensor& w = *b.graph.constant(n.input(1));
    const Tensor* bias = b.graph.constant(n.input(2));
    const PackKey key = pack_key("conv_f32", b.graph, n, {1, 2}, b.kernels.name, conv_.group);
    return b.packs.get<std::vector<PackedF32>>(key, [&] {
      const int64_t k = conv_.channels / conv_.group, taps = conv_.window.taps();
      const auto ordered = taps_outside(w.data<float>(), conv_.filters, k, taps);
      std::vector<PackedF32> packs;
      for (int64_t g = 0; g < conv_.group; g++)
        packs.push_back(kernels::pack_gemm_f32(b.kernels.layout, ordered.data() + g * per_group_ * taps * k,
                                               per_group_, taps, k,
                                               bias ? bias->data<float>() + g * per_group_ : nullptr));
      return packs;
    });
  }

  void multiply(const RunContext& c, tenfold::Range rows, tenfold::Range channels,
                const float* const* pointers) const {
    const int64_t k = conv_.channels / conv_.group;
    for (int64_t g = 0; g < conv_.group; g++) {
      const int64_t out = rows.begin * conv_.filters + g * per_group_;
      GemmF32 gemm{.w = &(*packed_)[static_cast<size_t>(g)],
                   .m = rows.end - rows.begin,
                   .n_begin = channels.begin,
                   .n_end = channels.end,
                   .c = c.at<float>(y_) + out,
                   .ldc = conv_.filters,
                   .activation = fusion_.kind,
                   .lo = fusion_.lo,
                   .hi = fusion_.hi};
      if (pointwise_) {
        gemm.a = c.at<const float>(x_) + rows.begin * conv_.channels + g * k;
        gemm.lda = conv_.channels;
      } else {
        gemm.indirect = pointers;
        gemm.indirect_stride = kIndirectPixels;
        gemm.a_offset = g * k;
      }
      if (residual_ != ir::kNone) {
        gemm.residual = c.at<const float>(residual_) + out;
        gemm.ld_residual = conv_.filters;
      }
      kernels_.gemm_f32(gemm);
    }
  }

  const ops::Convolution conv_;
  const ir::ValueId x_, y_, residual_;
  const kernels::Kernels& kernels_;
  const ops::Fusion fusion_;
  const bool pointwise_;
  const int64_t pixels_, per_group_;
  const std::shared_ptr<const std::vector<PackedF32>> packed_;
  const GemmSplit split_;
  const std::vector<float> outside_;
};

bool constant_or_none(const ir::Graph& g, ir::ValueId v) { return v == ir::kNone || g.constant(v); }

/// The geometry, where weights and bias are constant and the node is a channels-last convolution over at most
/// two axes.
std::optional<ops::Convolution> packable(const BuildContext& b, const ir::Node& n) {
  if (!n.attrs.get_int("channels_last", 0) || !b.graph.constant(n.input(1)) ||
      !constant_or_none(b.graph, n.input(2)))
    return std::nullopt;
  const ops::Convolution c = ops::resolve_convolution(n, b.shape(n.input(0)), b.shape(n.input(1)));
  if (!c.window.is_planar()) return std::nullopt;
  return c;
}

class DepthwiseF32Step final : public Step {
 public:
  DepthwiseF32Step(const BuildContext& b, const ir::Node& n, const ops::Convolution& c)
      : conv_(c),
        x_(n.input(0)),
        y_(n.output()),
        kernels_(b.kernels),
        fusion_(ops::fusion_of(n)),
        packed_(pack(b, n)) {
    constexpr double kForkMacs = 20e3;
    parts_ = ops::convolution_macs(b.graph, n) < kForkMacs
                 ? 1
                 : static_cast<int>(std::min<int64_t>(b.threads, c.batch * c.window.out[1]));
  }

  void run(const RunContext& c) const override {
    const ops::Window& g = conv_.window;
    c.pool->run(parts_, [&](int part) {
      const tenfold::Range range = split(conv_.batch * g.out[1], part, parts_, 2);
      for (int64_t row = range.begin; row < range.end;) {
        const int64_t image = row / g.out[1], first = row % g.out[1],
                      last = std::min(g.out[1], first + range.end - row);
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
                                .y_begin = first,
                                .y_end = last,
                                .pad_top = g.pad_begin[1],
                                .pad_left = g.pad_begin[2],
                                .activation = fusion_.kind,
                                .lo = fusion_.lo,
                                .hi = fusion_.hi});
        row += last - first;
      }
    });
  }

 private:
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

std::unique_ptr<Step> make_conv_f32(const BuildContext& b, ir::NodeId id) {
  const ir::Node& n = b.graph.node(id);
  const auto c = b.kernels.gemm_f32 ? packable(b, n) : std::nullopt;
  return c ? std::make_unique<ConvF32Step>(b, n, *c) : nullptr;
}

std::unique_ptr<Step> make_depthwise_f32(const BuildContext& b, ir::NodeId id) {
  const ir::Node& n = b.graph.node(id);
  if (!b.kernels.depthwise_f32 || n.input(3) != ir::kNone) return nullptr;
  const auto c = packable(b, n);
  return c && c->group == c->channels && c->filters == c->channels
             ? std::make_unique<DepthwiseF32Step>(b, n, *c)
             : nullptr;
}

}  // namespace tenfold::plan
