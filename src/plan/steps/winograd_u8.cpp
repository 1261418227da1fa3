// INT8 3x3 convolutions of stride 1 by Winograd's minimal filtering, exact in integers.
#include "base/math.hpp"
#include "ops/convolve.hpp"
#include "plan/steps/epilogue_u8.hpp"
#include "plan/steps/gemm_split.hpp"
#include "plan/steps/pack_key.hpp"
#include "plan/steps/steps.hpp"

namespace tenfold::plan {
namespace {

int64_t tiles_of(const ops::Convolution& c, int tile) {
  return ceil_div(c.window.out[1], int64_t{tile}) * ceil_div(c.window.out[2], int64_t{tile});
}
/// Multiplications of one image.
double products(const ops::Convolution& c, int tile) {
  return static_cast<double>((tile + 2) * (tile + 2) * tiles_of(c, tile)) *
         static_cast<double>(c.channels * c.filters);
}

class WinogradU8Step final : public Step {
 public:
  WinogradU8Step(const BuildContext& b, const ir::Node& n, const ops::Convolution& c, int tile)
      : conv_(c),
        x_(n.input(0)),
        y_(n.output()),
        kernels_(b.kernels),
        epilogue_(b.kernels, n),
        tile_(tile),
        packed_(pack(b, n)),
        scratch_(round_up(kernels::winograd_u8_scratch(b.kernels.layout, *packed_), size_t{64})),
        tiles_(tiles_of(c, tile)),
        split_(b, tiles_, even_panels(c.filters, packed_->panel_channels), products(c, tile),
               GemmSplit::FewRows::channels),
        outside_(static_cast<size_t>(c.channels) + kTensorSlack,
                 static_cast<uint8_t>(n.attrs.get_int("x_zero_point", 0))) {}

  size_t scratch_bytes() const override { return static_cast<size_t>(split_.parts) * scratch_; }

  void run(const RunContext& c) const override {
    const ops::Window& g = conv_.window;
    c.pool->run(split_.parts, [&](int part) {
      const tenfold::Range tiles = split_.rows(tiles_, part), channels = split_.channels(part);
      for (int64_t image = 0; image < conv_.batch; image++) {
        kernels::WinogradU8 w;
        w.w = packed_.get();
        w.in = c.at<const uint8_t>(x_) + image * conv_.x.batch;
        w.in_h = g.in[1], w.in_w = g.in[2];
        w.in_row = conv_.x.axis[1], w.in_pixel = conv_.x.axis[2];
        w.outside = outside_.data();
        w.out_h = g.out[1], w.out_w = g.out[2];
        w.pad_top = g.pad_begin[1], w.pad_left = g.pad_begin[2];
        w.tile_begin = tiles.begin, w.tile_end = tiles.end;
        w.n_begin = channels.begin, w.n_end = channels.end;
        w.scratch = c.scratch + static_cast<size_t>(part) * scratch_;
        epilogue_.apply(w, c, y_, image * g.out[1] * g.out[2] * conv_.filters, conv_.filters);
        kernels_.winograd_u8(w);
      }
    });
  }

  std::span<const std::byte> weights() const override {
    return {packed_->weights, static_cast<size_t>(packed_->params - packed_->weights)};
  }

 private:
  std::shared_ptr<const kernels::PackedWinogradU8> pack(const BuildContext& b, const ir::Node& n) const {
    const auto zero_point = static_cast<int>(n.attrs.get_int("x_zero_point", 0));
    return b.packs.get<kernels::PackedWinogradU8>(
        pack_key("winograd_u8", b.graph, n, {1, 2, 3}, b.kernels.name, zero_point, tile_), [&] {
          const ByteWeights bytes(*b.graph.constant(n.input(1)), 0);
          return kernels::pack_winograd_u8(b.kernels.layout, bytes.data(), conv_.filters, conv_.channels,
                                           tile_, zero_point, quantized_channels(b.graph, n, bytes));
        });
  }

  const ops::Convolution conv_;
  const ir::ValueId x_, y_;
  const kernels::Kernels& kernels_;
  const EpilogueU8 epilogue_;
  const int tile_;
  const std::shared_ptr<const kernels::PackedWinogradU8> packed_;
  const size_t scratch_;
  const int64_t tiles_;
  const GemmSplit split_;
  const std::vector<uint8_t> outside_;
};

/// Vector instructions that cost as much as the transforms of one tile, for one vector of channels; measured
/// on Zen 4, as everything here.  AVX2 needs an addition beside every multiplication.
struct TransformCost {
  int tile;
  double vnni, avx2;
};
constexpr TransformCost kTransforms[] = {{2, 100, 60}, {4, 300, 180}};

bool applies(const ops::Convolution& c, const kernels::PackLayout& layout) {
  const ops::Window& g = c.window;
  for (size_t a = 1; a < 3; a++)
    if (g.kernel[a] != 3 || g.stride[a] != 1 || g.dilation[a] != 1) return false;
  return g.is_planar() && c.group == 1 && layout.k_multiple <= 4;  // AMX: 16 times as many bytes as pairs
}

/// The tile size that takes least time, or 0 where the direct convolution does.  Times are in vector
/// instructions that multiply pairs of 16 bits.
int best_tile(const ops::Convolution& c, const kernels::PackLayout& layout) {
  const ops::Window& g = c.window;
  const bool vnni = layout.weight_bytes == 1;
  const double lanes = layout.lanes, pairs = 2 * lanes;
  const auto matrix = static_cast<double>(c.channels * c.filters);
  const double bytes_at_once = pairs * (vnni ? 2 : 1.15);
  const double direct = static_cast<double>(9 * g.out[1] * g.out[2]) * matrix / bytes_at_once;
  double least = 0.95 * direct;  // transformed weights take four or eight times the memory
  int best = 0;
  for (const TransformCost& t : kTransforms) {
    const double vectors = static_cast<double>(c.channels) / pairs + static_cast<double>(c.filters) / lanes;
    const double arithmetic = products(c, t.tile) / pairs +
                              static_cast<double>(tiles_of(c, t.tile)) * vectors * (vnni ? t.vnni : t.avx2);
    const double bytes = static_cast<double>((t.tile + 2) * (t.tile + 2)) * matrix * 2;
    // With VNNI weights come from memory at 7 bytes a cycle beside the arithmetic, at 4 on older servers.
    // With AVX2 (Zen 3) they are charged on top of it, and dearly: where this says no, all layers of
    // ResNet-50 together gained 2 % and those of ResNet-18 8 %, but ResNet-50 took 89 MB instead of 59 and
    // twice as long to load.
    const double time = vnni ? std::max(arithmetic, bytes / 4) : arithmetic + bytes / 2;
    if (time < least) least = time, best = t.tile;
  }
  return best;
}

std::unique_ptr<Step> make(const BuildContext& b, ir::NodeId id, int tile) {
  const ir::Node& n = b.graph.node(id);
  if (!b.kernels.winograd_u8 || !n.attrs.get_int("channels_last", 0) || !has_packable_weights(b.graph, n, 0))
    return nullptr;
  const ops::Convolution c = ops::resolve_convolution(n, b.shape(n.input(0)), b.shape(n.input(1)));
  if (!applies(c, b.kernels.layout)) return nullptr;
  if (b.by_cost && best_tile(c, b.kernels.layout) != tile) return nullptr;
  const ByteWeights bytes(*b.graph.constant(n.input(1)), 0);
  if (!kernels::winograd_u8_is_exact(bytes.data(), c.filters, c.channels, tile,
                                     quantized_channels(b.graph, n, bytes)))
    return nullptr;
  return std::make_unique<WinogradU8Step>(b, n, c, tile);
}

}  // namespace

std::unique_ptr<Step> make_winograd_2x2_u8(const BuildContext& b, ir::NodeId id) { return make(b, id, 2); }
std::unique_ptr<Step> make_winograd_4x4_u8(const BuildContext& b, ir::NodeId id) { return make(b, id, 4); }

}  // namespace tenfold::plan
