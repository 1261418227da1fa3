// INT8 convolutions as (indirect) matrix products: pointwise, k x k, grouped; of activations quantized before
// the run or in it.
#include "plan/row_step.hpp"
#include "plan/steps/epilogue_u8.hpp"
#include "plan/steps/fetch_ahead.hpp"
#include "plan/steps/gemm_split.hpp"
#include "plan/steps/indirect.hpp"
#include "plan/steps/narrow_groups.hpp"
#include "plan/steps/pack_key.hpp"
#include "plan/steps/steps.hpp"

namespace tenfold::plan {
namespace {

using kernels::GemmU8;
using kernels::PackedU8;
using ops::Convolution;

/// The weights of every group, and of every filter their sum, which a zero point multiplies that is known at
/// run time.
struct PackedConvU8 {
  std::vector<PackedU8> groups;
  std::vector<uint32_t> sums;
};

/// How the activation of a run is quantized.
struct Quantization {
  uint8_t zero_point;
  float scale;             ///< 1 where the multipliers contain it
  const uint8_t* outside;  ///< a pixel of zero points
  const int32_t* init;     ///< initial accumulators of all filters; null: those of the packed weights
};

class ConvU8Step final : public RowStep {
 public:
  ConvU8Step(const BuildContext& b, const ir::Node& n, const Convolution& c)
      : together_(groups_in_one(b, n, c)),
        rows_(MergedRows::applies(c) ? MergedRows(c) : MergedRows()),
        conv_(rows_.merged(with_fewer_groups(c))),
        x_(n.input(0)),
        y_(n.output()),
        dynamic_(n.op == "QConvDynamic"),
        x_scale_(dynamic_ ? n.input(4) : ir::kNone),
        x_zero_point_(dynamic_ ? n.input(5) : ir::kNone),
        kernels_(b.kernels),
        epilogue_(b.kernels, n),
        pointwise_(is_pointwise(c.window)),
        pixels_(c.batch * c.window.out[0] * c.window.out[1] * c.window.out[2]),
        per_group_(c.filters / conv_.group),
        zero_point_(static_cast<int>(n.attrs.get_int("x_zero_point", 0))),
        packed_(pack(b, n, c)),
        split_(b, pixels_, even_panels(per_group_, packed_->groups.front().panel_channels),
               ops::convolution_macs(b.graph, n)) {
    outside_.assign(static_cast<size_t>(conv_.channels) + kTensorSlack, static_cast<uint8_t>(zero_point_));
  }

  size_t scratch_bytes() const override {
    return dynamic_bytes() + (pointwise_ ? 0 : static_cast<size_t>(split_.parts) * part_bytes());
  }

  void run(const RunContext& c) const override {
    const Quantization q = quantization(c);
    c.pool->run(split_.parts, [&](int part) {
      run_pixels(c, q, split_.rows(pixels_, part), split_.channels(part),
                 c.scratch + dynamic_bytes() + static_cast<size_t>(part) * part_bytes());
    });
  }

  std::span<const std::byte> weights() const override { return weight_bytes(packed_->groups.front()); }
  void fetch_ahead(std::span<const std::byte> weights) override { ahead_.set(weights); }

  void run_rows(const RunContext& c, tenfold::Range pixels) const override {
    run_pixels(c, quantization(c), pixels, {0, per_group_}, c.scratch);
  }

 private:
  /// Weights with offsets need the sum of the channels of their own group.
  static int64_t groups_in_one(const BuildContext& b, const ir::Node& n, const Convolution& c) {
    return b.graph.constant(n.input(1))->dtype() == DType::s8 ? groups_together(c, b.kernels.layout.lanes)
                                                              : 1;
  }
  Convolution with_fewer_groups(Convolution c) const {
    c.group /= together_;
    return c;
  }
  /// What quantization() makes at run time: initial accumulators and a pixel outside.
  size_t dynamic_bytes() const { return dynamic_ ? round_up(init_bytes() + outside_.size(), size_t{64}) : 0; }
  size_t init_bytes() const { return static_cast<size_t>(conv_.filters) * sizeof(int32_t); }
  Quantization quantization(const RunContext& c) const {
    if (!dynamic_) return {static_cast<uint8_t>(zero_point_), 1, outside_.data(), nullptr};
    const uint8_t zero = x_zero_point_ == ir::kNone ? 0 : *c.at<const uint8_t>(x_zero_point_);
    auto* init = reinterpret_cast<int32_t*>(c.scratch);
    fill_initial(packed_->sums, zero, init);
    auto* outside = reinterpret_cast<uint8_t*>(c.scratch + init_bytes());
    std::fill_n(outside, outside_.size(), zero);
    return {zero, *c.at<const float>(x_scale_), outside, init};
  }

  size_t pointer_bytes() const {
    return static_cast<size_t>(conv_.window.taps() * kIndirectPixels) * sizeof(void*);
  }
  /// Pointers of one block and copies of the image's edges.
  size_t part_bytes() const {
    return round_up(pointer_bytes() + static_cast<size_t>(rows_.size()), size_t{64});
  }

  /// The input rows, counted over the batch, that output pixels read.
  tenfold::Range input_rows(tenfold::Range pixels) const {
    const ops::Window& g = conv_.window;
    const int64_t first = pixels.begin / g.out[2], last = (pixels.end - 1) / g.out[2];  // output rows
    const auto clamped = [&](size_t axis, int64_t out, int64_t tap) {
      const int64_t at = out * g.stride[axis] + tap * g.dilation[axis] - g.pad_begin[axis];
      return std::clamp<int64_t>(at, 0, g.in[axis] - 1);
    };
    const auto row = [&](int64_t out_row, bool end) {
      const int64_t plane = out_row / g.out[1], z = end ? g.kernel[0] - 1 : 0, y = end ? g.kernel[1] - 1 : 0;
      return (plane / g.out[0] * g.in[0] + clamped(0, plane % g.out[0], z)) * g.in[1] +
             clamped(1, out_row % g.out[1], y);
    };
    // Planes of one image read each other's rows.
    if (!g.is_planar() && first / g.out[1] != last / g.out[1])
      return {row(first, false) / g.in[1] * g.in[1], round_up(row(last, true) + 1, g.in[1])};
    return {row(first, false), row(last, true) + 1};
  }

  std::shared_ptr<const PackedConvU8> pack(const BuildContext& b, const ir::Node& n,
                                           const Convolution& c) const {
    const PackKey key = pack_key("conv_u8", b.graph, n, {1, 2, 3}, b.kernels.name, zero_point_, conv_.group,
                                 together_, conv_.window.taps(), dynamic_);
    return b.packs.get<PackedConvU8>(key, [&] {
      const ByteWeights bytes(*b.graph.constant(n.input(1)), 0);
      const auto channels = quantized_channels(b.graph, n, bytes);
      const int8_t* weights = bytes.data();
      PackedConvU8 packed;
      if (dynamic_) packed.sums = bytes.sums(0);
      const std::vector<int8_t> joined =
          together_ > 1 ? joined_groups(weights, c, together_) : std::vector<int8_t>();
      if (!joined.empty()) weights = joined.data();
      const int64_t k = conv_.channels / conv_.group, taps = conv_.window.taps();
      for (int64_t g = 0; g < conv_.group; g++)
        packed.groups.push_back(kernels::pack_conv_u8(
            b.kernels.layout, weights + g * per_group_ * taps * k, per_group_, taps, k, zero_point_,
            std::span(channels).subspan(static_cast<size_t>(g * per_group_), static_cast<size_t>(per_group_)),
            c.window.taps()));
      return packed;
    });
  }

  /// `rows` are output pixels, counted over the batch.
  void run_pixels(const RunContext& c, const Quantization& q, tenfold::Range rows, tenfold::Range channels,
                  std::byte* scratch) const {
    if (pointwise_) return multiply(c, q, rows, channels, nullptr, true);
    auto* pointers = reinterpret_cast<const uint8_t**>(scratch);
    auto* copies = reinterpret_cast<uint8_t*>(scratch + pointer_bytes());
    const auto* x = c.at<const uint8_t>(x_);
    rows_.copy(x, q.zero_point, input_rows(rows), copies);
    for (int64_t m = rows.begin; m < rows.end; m += kIndirectPixels) {
      const tenfold::Range block{m, std::min(rows.end, m + kIndirectPixels)};
      fill_indirect(conv_, x, q.outside, block.begin, block.end, pointers, kIndirectPixels, rows_, copies);
      multiply(c, q, block, channels, pointers, block.end == rows.end);
    }
  }

  void multiply(const RunContext& c, const Quantization& q, tenfold::Range rows, tenfold::Range channels,
                const uint8_t* const* pointers, bool last) const {
    const int64_t k = conv_.channels / conv_.group;
    for (int64_t g = 0; g < conv_.group; g++) {
      GemmU8 gemm;
      gemm.w = &packed_->groups[static_cast<size_t>(g)];
      gemm.m = rows.end - rows.begin;
      gemm.n_begin = channels.begin, gemm.n_end = channels.end;
      if (pointwise_) {
        gemm.a = c.at<const uint8_t>(x_) + rows.begin * conv_.channels + g * k;
        gemm.lda = conv_.channels;
      } else {
        gemm.indirect = pointers;
        gemm.indirect_stride = kIndirectPixels;
        gemm.a_offset = g * k;
      }
      if (last && g == conv_.group - 1) ahead_.apply(gemm);
      gemm.init_override = q.init ? q.init + g * per_group_ : nullptr;
      gemm.dynamic_scale = q.scale;
      epilogue_.apply(gemm, c, y_, rows.begin * conv_.filters + g * per_group_, conv_.filters,
                      g * per_group_);
      kernels_.gemm_u8(gemm);
    }
  }

  const int64_t together_;  ///< groups in one product
  const MergedRows rows_;
  const Convolution conv_;
  const ir::ValueId x_, y_;
  const bool dynamic_;
  const ir::ValueId x_scale_, x_zero_point_;  ///< where it is dynamic
  const kernels::Kernels& kernels_;
  const EpilogueU8 epilogue_;
  const bool pointwise_;
  const int64_t pixels_, per_group_;
  const int zero_point_;
  const std::shared_ptr<const PackedConvU8> packed_;
  const GemmSplit split_;
  FetchAhead ahead_;
  std::vector<uint8_t> outside_;
};

}  // namespace

std::unique_ptr<Step> make_conv_u8(const BuildContext& b, ir::NodeId id) {
  const ir::Node& n = b.graph.node(id);
  if (!b.kernels.gemm_u8 || !n.attrs.get_int("channels_last", 0) || !has_packable_weights(b.graph, n, 0))
    return nullptr;
  const Convolution c = ops::resolve_convolution(n, b.shape(n.input(0)), b.shape(n.input(1)));
  return std::make_unique<ConvU8Step>(b, n, c);
}

}  // namespace tenfold::plan
