// INT8 convolutions in groups of 4 or 8 channels.
#include "plan/steps/epilogue_u8.hpp"
#include "plan/steps/fetch_ahead.hpp"
#include "plan/steps/gemm_split.hpp"
#include "plan/steps/indirect.hpp"
#include "plan/steps/pack_key.hpp"
#include "plan/steps/steps.hpp"

namespace tenfold::plan {
namespace {

class GroupedU8Step final : public Step {
 public:
  GroupedU8Step(const BuildContext& b, const ir::Node& n, const ops::Convolution& c)
      : conv_(c),
        x_(n.input(0)),
        y_(n.output()),
        kernels_(b.kernels),
        epilogue_(b.kernels, n),
        pixels_(c.batch * c.window.out[0] * c.window.out[1] * c.window.out[2]),
        zero_point_(static_cast<int>(n.attrs.get_int("x_zero_point", 0))),
        packed_(pack(b, n)),
        split_(b, pixels_, even_panels(c.filters, c.filters), ops::convolution_macs(b.graph, n)),
        outside_(static_cast<size_t>(c.channels) + kTensorSlack, static_cast<uint8_t>(zero_point_)) {}

  size_t scratch_bytes() const override { return static_cast<size_t>(split_.parts) * pointer_bytes(); }

  void run(const RunContext& c) const override {
    c.pool->run(split_.parts, [&](int part) {
      run_pixels(c, split_.rows(pixels_, part), c.scratch + static_cast<size_t>(part) * pointer_bytes());
    });
  }

  std::span<const std::byte> weights() const override { return weight_bytes(*packed_); }

 private:
  size_t pointer_bytes() const {
    return static_cast<size_t>(conv_.window.taps() * kIndirectPixels) * sizeof(void*);
  }

  std::shared_ptr<const kernels::PackedGroupedU8> pack(const BuildContext& b, const ir::Node& n) const {
    const PackKey key =
        pack_key("grouped_u8", b.graph, n, {1, 2, 3}, b.kernels.name, zero_point_, conv_.group);
    return b.packs.get<kernels::PackedGroupedU8>(key, [&] {
      return kernels::pack_grouped_u8(b.kernels.layout, b.graph.constant(n.input(1))->data<int8_t>(),
                                      conv_.channels, conv_.channels / conv_.group, conv_.window.taps(),
                                      zero_point_, quantized_channels(b.graph, n));
    });
  }

  /// `rows` are output pixels, counted over the batch.
  void run_pixels(const RunContext& c, tenfold::Range rows, std::byte* scratch) const {
    auto* pointers = reinterpret_cast<const uint8_t**>(scratch);
    for (int64_t m = rows.begin; m < rows.end; m += kIndirectPixels) {
      const int64_t end = std::min(rows.end, m + kIndirectPixels);
      fill_indirect(conv_, c.at<const uint8_t>(x_), outside_.data(), m, end, pointers, kIndirectPixels);
      kernels_.grouped_u8({.w = packed_.get(),
                           .indirect = pointers,
                           .indirect_stride = kIndirectPixels,
                           .m = end - m,
                           .c = c.at<uint8_t>(y_) + m * conv_.filters,
                           .ldc = conv_.filters,
                           .zero_point = epilogue_.zero_point,
                           .table = epilogue_.table});
    }
  }

  const ops::Convolution conv_;
  const ir::ValueId x_, y_;
  const kernels::Kernels& kernels_;
  const EpilogueU8 epilogue_;
  const int64_t pixels_;
  const int zero_point_;
  const std::shared_ptr<const kernels::PackedGroupedU8> packed_;
  const GemmSplit split_;
  const std::vector<uint8_t> outside_;
};

}  // namespace

std::unique_ptr<Step> make_grouped_u8(const BuildContext& b, ir::NodeId id) {
  const ir::Node& n = b.graph.node(id);
  if (!b.kernels.grouped_u8 || !n.attrs.get_int("channels_last", 0) || !has_packable_weights(b.graph, n, 0))
    return nullptr;
  if (n.input(4) != ir::kNone || n.attrs.get_string("output", "u8") != "u8" || EpilogueU8::has_tail(n))
    return nullptr;
  if (b.graph.constant(n.input(1))->dtype() != DType::s8) return nullptr;  // weights with offsets
  const ops::Convolution c = ops::resolve_convolution(n, b.shape(n.input(0)), b.shape(n.input(1)));
  const int64_t width = c.channels / c.group;
  if (c.filters != c.channels || c.group < 2 || (width != 4 && width != 8)) return nullptr;
  return std::make_unique<GroupedU8Step>(b, n, c);
}

}  // namespace tenfold::plan
