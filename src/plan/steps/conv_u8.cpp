// INT8 convolutions as (indirect) matrix products: pointwise, k x k, grouped.
#include "plan/steps/epilogue_u8.hpp"
#include "plan/steps/gemm_split.hpp"
#include "plan/steps/indirect.hpp"
#include "plan/steps/pack_key.hpp"
#include "plan/steps/steps.hpp"

namespace tenfold::plan {
namespace {

using kernels::GemmU8;
using kernels::PackedU8;
using ops::Convolution;

/// Where nothing lies outside the image and a row of taps is one stretch of memory (all channels of
/// neighbouring pixels), the row is one tap of kernel_w * C channels: a 3 x 3 stem needs 3 pointers for 36
/// bytes instead of 9.
Convolution with_merged_rows(Convolution c) {
  ops::Window& g = c.window;
  bool inside = c.group == 1 && g.dilation[2] == 1 && c.x.channel == 1 && c.x.axis[2] == c.channels;
  for (size_t a = 1; a < 3; a++)
    inside &= g.pad_begin[a] == 0 && (g.out[a] - 1) * g.stride[a] + g.reach(static_cast<int>(a)) <= g.in[a];
  if (!inside) return c;
  c.channels *= g.kernel[2];
  g.kernel[2] = 1;
  return c;
}

class ConvU8Step final : public Step {
 public:
  ConvU8Step(const BuildContext& b, const ir::Node& n, const Convolution& c)
      : conv_(with_merged_rows(c)),
        x_(n.input(0)),
        y_(n.output()),
        kernels_(b.kernels),
        epilogue_(n),
        pointwise_(is_pointwise(c.window)),
        pixels_(c.batch * c.window.out[0] * c.window.out[1] * c.window.out[2]),
        per_group_(c.filters / c.group),
        zero_point_(static_cast<int>(n.attrs.get_int("x_zero_point", 0))),
        packed_(pack(b, n, c)),
        split_(pixels_, even_panels(per_group_, packed_->front().panel_channels),
               static_cast<double>(pixels_ * c.filters * c.channels / c.group * c.window.taps()), b.threads) {
    outside_.assign(static_cast<size_t>(c.channels) + kTensorSlack, static_cast<uint8_t>(zero_point_));
  }

  size_t scratch_bytes() const override {
    return pointwise_ ? 0 : static_cast<size_t>(split_.parts) * pointers_per_part() * sizeof(void*);
  }

  void run(const RunContext& c) const override {
    c.pool->run(split_.parts, [&](int part) {
      const tenfold::Range rows = split_.rows(pixels_, part), channels = split_.channels(part);
      if (pointwise_) return multiply(c, rows, channels, nullptr);
      auto* pointers =
          reinterpret_cast<const uint8_t**>(c.scratch) + static_cast<size_t>(part) * pointers_per_part();
      for (int64_t m = rows.begin; m < rows.end; m += kIndirectPixels) {
        const tenfold::Range block{m, std::min(rows.end, m + kIndirectPixels)};
        fill_indirect(conv_, c.at<const uint8_t>(x_), outside_.data(), block.begin, block.end, pointers,
                      kIndirectPixels);
        multiply(c, block, channels, pointers);
      }
    });
  }

 private:
  size_t pointers_per_part() const { return static_cast<size_t>(conv_.window.taps() * kIndirectPixels); }

  std::shared_ptr<const std::vector<PackedU8>> pack(const BuildContext& b, const ir::Node& n,
                                                    const Convolution& c) const {
    const auto channels = quantized_channels(b.graph, n);
    const PackKey key = pack_key("conv_u8", b.graph, n, {1, 2, 3}, b.kernels.name, zero_point_, conv_.group,
                                 conv_.window.taps());
    return b.packs.get<std::vector<PackedU8>>(key, [&] {
      const int8_t* weights = b.graph.constant(n.input(1))->data<int8_t>();
      const int64_t k = conv_.channels / conv_.group, taps = conv_.window.taps();
      std::vector<PackedU8> packs;
      for (int64_t g = 0; g < conv_.group; g++)
        packs.push_back(kernels::pack_conv_u8(
            b.kernels.layout, weights + g * per_group_ * taps * k, per_group_, taps, k, zero_point_,
            std::span(channels).subspan(static_cast<size_t>(g * per_group_), static_cast<size_t>(per_group_)),
            c.window.taps()));
      return packs;
    });
  }

  void multiply(const RunContext& c, tenfold::Range rows, tenfold::Range channels,
                const uint8_t* const* pointers) const {
    const int64_t k = conv_.channels / conv_.group;
    for (int64_t g = 0; g < conv_.group; g++) {
      GemmU8 gemm;
      gemm.w = &(*packed_)[static_cast<size_t>(g)];
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
      epilogue_.apply(gemm, c, y_, rows.begin * conv_.filters + g * per_group_, conv_.filters);
      kernels_.gemm_u8(gemm);
    }
  }

  const Convolution conv_;
  const ir::ValueId x_, y_;
  const kernels::Kernels& kernels_;
  const EpilogueU8 epilogue_;
  const bool pointwise_;
  const int64_t pixels_, per_group_;
  const int zero_point_;
  const std::shared_ptr<const std::vector<PackedU8>> packed_;
  const GemmSplit split_;
  std::vector<uint8_t> outside_;
};

}  // namespace

std::unique_ptr<Step> make_conv_u8(const BuildContext& b, ir::NodeId id) {
  const ir::Node& n = b.graph.node(id);
  if (!b.kernels.gemm_u8 || !n.attrs.get_int("channels_last", 0) || !has_constant_weights(b.graph, n))
    return nullptr;
  const Convolution c = ops::resolve_convolution(n, b.shape(n.input(0)), b.shape(n.input(1)));
  if (!c.window.is_planar()) return nullptr;  // three spatial axes
  return std::make_unique<ConvU8Step>(b, n, c);
}

}  // namespace tenfold::plan
