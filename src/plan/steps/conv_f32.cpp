// FP32 convolutions as (indirect) matrix products: pointwise, k x k, grouped.
#include "ops/fusion.hpp"
#include "plan/row_step.hpp"
#include "plan/steps/gemm_split.hpp"
#include "plan/steps/indirect.hpp"
#include "plan/steps/narrow_groups.hpp"
#include "plan/steps/pack_key.hpp"
#include "plan/steps/packable.hpp"
#include "plan/steps/steps.hpp"

namespace tenfold::plan {
namespace {

using kernels::GemmF32;
using kernels::PackedF32;

class ConvF32Step final : public RowStep {
 public:
  ConvF32Step(const BuildContext& b, const ir::Node& n, const ops::Convolution& c)
      : together_(groups_together(c, b.kernels.layout.lanes)),
        conv_(with_fewer_groups(c)),
        x_(n.input(0)),
        y_(n.output()),
        residual_(n.input(3)),
        kernels_(b.kernels),
        fusion_(ops::fusion_of(n)),
        pointwise_(is_pointwise(c.window)),
        pixels_(c.batch * c.window.out[0] * c.window.out[1] * c.window.out[2]),
        per_group_(c.filters / conv_.group),
        packed_(pack(b, n, c)),
        split_(b, pixels_, panel_starts(packed_->front()), 4 * ops::convolution_macs(b.graph, n)),
        outside_(static_cast<size_t>(c.channels) + kTensorSlack / sizeof(float), 0.0f) {}

  size_t scratch_bytes() const override {
    return pointwise_ ? 0 : static_cast<size_t>(split_.parts) * part_bytes();
  }

  void run(const RunContext& c) const override {
    c.pool->run(split_.parts, [&](int part) {
      run_pixels(c, split_.rows(pixels_, part), split_.channels(part),
                 c.scratch + static_cast<size_t>(part) * part_bytes());
    });
  }

  void run_rows(const RunContext& c, tenfold::Range pixels) const override {
    run_pixels(c, pixels, {0, per_group_}, c.scratch);
  }

 private:
  ops::Convolution with_fewer_groups(ops::Convolution c) const {
    c.group /= together_;
    return c;
  }
  size_t part_bytes() const {
    return static_cast<size_t>(conv_.window.taps() * kIndirectPixels) * sizeof(void*);
  }

  /// `rows` are output pixels, counted over the batch.
  void run_pixels(const RunContext& c, tenfold::Range rows, tenfold::Range channels,
                  std::byte* scratch) const {
    if (pointwise_) return multiply(c, rows, channels, nullptr);
    auto* pointers = reinterpret_cast<const float**>(scratch);
    for (int64_t m = rows.begin; m < rows.end; m += kIndirectPixels) {
      const tenfold::Range block{m, std::min(rows.end, m + kIndirectPixels)};
      fill_indirect(conv_, c.at<const float>(x_), outside_.data(), block.begin, block.end, pointers,
                    kIndirectPixels);
      multiply(c, block, channels, pointers);
    }
  }

  std::shared_ptr<const std::vector<PackedF32>> pack(const BuildContext& b, const ir::Node& n,
                                                     const ops::Convolution& c) const {
    const Tensor& w = *b.graph.constant(n.input(1));
    const Tensor* bias = b.graph.constant(n.input(2));
    const PackKey key = pack_key("conv_f32", b.graph, n, {1, 2}, b.kernels.name, conv_.group, together_);
    return b.packs.get<std::vector<PackedF32>>(key, [&] {
      const int64_t k = conv_.channels / conv_.group, taps = conv_.window.taps();
      const std::vector<float> joined =
          together_ > 1 ? joined_groups(w.data<float>(), c, together_) : std::vector<float>();
      const auto ordered =
          taps_outside(joined.empty() ? w.data<float>() : joined.data(), conv_.filters, k, taps);
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

  const int64_t together_;  ///< groups in one product
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

}  // namespace

std::unique_ptr<Step> make_conv_f32(const BuildContext& b, ir::NodeId id) {
  const ir::Node& n = b.graph.node(id);
  const auto c = b.kernels.gemm_f32 ? packable_convolution(b, n) : std::nullopt;
  return c ? std::make_unique<ConvF32Step>(b, n, *c) : nullptr;
}

}  // namespace tenfold::plan
