// FP32 3x3 convolutions of stride 1 by Winograd's minimal filtering.
#include "ops/convolve.hpp"
#include "ops/fusion.hpp"
#include "plan/steps/pack_key.hpp"
#include "plan/steps/steps.hpp"

namespace tenfold::plan {
namespace {

constexpr int kTile = 4;

class WinogradStep final : public Step {
 public:
  WinogradStep(const BuildContext& b, const ir::Node& n, const ops::Convolution& c)
      : conv_(c),
        x_(n.input(0)),
        y_(n.output()),
        residual_(n.input(3)),
        kernels_(b.kernels),
        fusion_(ops::fusion_of(n)),
        packed_(pack(b, n)),
        scratch_((kernels::winograd_f32_scratch(b.kernels.layout, *packed_) + 63) / 64 * 64),
        tiles_(((c.window.out[1] + kTile - 1) / kTile) * ((c.window.out[2] + kTile - 1) / kTile)) {
    parts_ = static_cast<int>(std::min<int64_t>(b.threads, tiles_));
  }
  size_t scratch_bytes() const override { return static_cast<size_t>(parts_) * scratch_; }

  void run(const RunContext& c) const override {
    const ops::Window& g = conv_.window;
    c.pool->run(parts_, [&](int part) {
      const tenfold::Range tiles = split(tiles_, part, parts_);
      for (int64_t image = 0; image < conv_.batch; image++)
        kernels_.winograd_f32({.w = packed_.get(),
                               .in = c.at<const float>(x_) + image * conv_.x.batch,
                               .in_h = g.in[1],
                               .in_w = g.in[2],
                               .in_row = conv_.x.axis[1],
                               .in_pixel = conv_.x.axis[2],
                               .out = c.at<float>(y_) + image * conv_.y.batch,
                               .out_h = g.out[1],
                               .out_w = g.out[2],
                               .out_row = conv_.y.axis[1],
                               .out_pixel = conv_.y.axis[2],
                               .pad_top = g.pad_begin[1],
                               .pad_left = g.pad_begin[2],
                               .tile_begin = tiles.begin,
                               .tile_end = tiles.end,
                               .residual = residual_ == ir::kNone
                                               ? nullptr
                                               : c.at<const float>(residual_) + image * conv_.y.batch,
                               .activation = fusion_.kind,
                               .lo = fusion_.lo,
                               .hi = fusion_.hi,
                               .scratch = c.scratch + static_cast<size_t>(part) * scratch_});
    });
  }

 private:
  std::shared_ptr<const kernels::PackedWinogradF32> pack(const BuildContext& b, const ir::Node& n) const {
    const Tensor& w = *b.graph.constant(n.input(1));
    const Tensor* bias = b.graph.constant(n.input(2));
    return b.packs.get<kernels::PackedWinogradF32>(
        pack_key("winograd_f32", b.graph, n, {1, 2}, b.kernels.name), [&] {
          return kernels::pack_winograd_f32(b.kernels.layout, w.data<float>(), conv_.filters, conv_.channels,
                                            kTile, bias ? bias->data<float>() : nullptr);
        });
  }

  const ops::Convolution conv_;
  const ir::ValueId x_, y_, residual_;
  const kernels::Kernels& kernels_;
  const ops::Fusion fusion_;
  const std::shared_ptr<const kernels::PackedWinogradF32> packed_;
  const size_t scratch_;
  const int64_t tiles_;
  int parts_;
};

/// Fewer tiles than a register block of the multiplication, or few channels, leave the transforms unpaid.
constexpr int64_t kMinTiles = 28, kMinChannels = 32;

bool pays(const ops::Convolution& c) {
  const ops::Window& g = c.window;
  for (size_t a = 1; a < 3; a++)
    if (g.kernel[a] != 3 || g.stride[a] != 1 || g.dilation[a] != 1) return false;
  const int64_t tiles = ((g.out[1] + kTile - 1) / kTile) * ((g.out[2] + kTile - 1) / kTile);
  return g.is_planar() && c.group == 1 && c.channels >= kMinChannels && c.filters >= kMinChannels &&
         tiles >= kMinTiles;
}

}  // namespace

std::unique_ptr<Step> make_winograd_f32(const BuildContext& b, ir::NodeId id) {
  const ir::Node& n = b.graph.node(id);
  if (!b.kernels.winograd_f32 || !n.attrs.get_int("channels_last", 0) || !b.graph.constant(n.input(1)))
    return nullptr;
  if (n.input(2) != ir::kNone && !b.graph.constant(n.input(2))) return nullptr;
  const ops::Convolution c = ops::resolve_convolution(n, b.shape(n.input(0)), b.shape(n.input(1)));
  return pays(c) ? std::make_unique<WinogradStep>(b, n, c) : nullptr;
}

}  // namespace tenfold::plan
