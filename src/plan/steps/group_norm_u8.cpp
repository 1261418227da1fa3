// QGroupNormalization, channels last: exact sums of every channel, then one pass over the bytes.
#include "ops/group_norm_sums.hpp"
#include "plan/row_step.hpp"
#include "plan/steps/steps.hpp"

namespace tenfold::plan {
namespace {

using kernels::ColumnSumsU8;

/// Groups of all images are shared out among threads.
class GroupNormU8Step final : public Step {
 public:
  GroupNormU8Step(const BuildContext& b, const ir::Node& n)
      : node_(n),
        kernels_(b.kernels),
        batch_(b.shape(n.input(0))[0]),
        channels_(b.shape(n.input(0)).back()),
        pixels_(b.shape(n.input(0)).elements(1, b.shape(n.input(0)).rank() - 1)),
        groups_(n.attrs.get_int("num_groups", 1)),
        epsilon_(n.attrs.get_float("epsilon", 1e-5f)),
        y_zero_point_(static_cast<int>(n.attrs.get_int("y_zero_point", 0))) {
    constexpr int64_t kForkElements = 16 * 1024;
    parts_ = channels_ * pixels_ * batch_ < kForkElements
                 ? 1
                 : static_cast<int>(std::min<int64_t>(b.threads, batch_ * groups_));
  }
  size_t scratch_bytes() const override { return static_cast<size_t>(parts_) * part_bytes(); }

  void run(const RunContext& c) const override {
    c.pool->run(parts_, [&](int part) {
      std::byte* scratch = c.scratch + static_cast<size_t>(part) * part_bytes();
      each_image(split(batch_ * groups_, part, parts_), groups_,
                 [&](int64_t image, Range groups) { normalize(c, image, groups, scratch); });
    });
  }

 private:
  /// For every channel two sums of 64 bits and two of 32 bits, a factor and a shift.
  static constexpr size_t kChannelBytes = 2 * sizeof(int64_t) + 2 * sizeof(uint32_t) + 2 * sizeof(float);
  size_t part_bytes() const { return whole_lines(kChannelBytes * static_cast<size_t>(channels_)); }

  void normalize(const RunContext& c, int64_t image, Range groups, std::byte* scratch) const {
    const int64_t per_group = channels_ / groups_, first = groups.begin * per_group;
    const int64_t channels = (groups.end - groups.begin) * per_group;
    const int64_t at = image * pixels_ * channels_ + first;
    auto* totals = reinterpret_cast<int64_t*>(scratch);
    auto* total_squares = totals + channels;
    auto* sums = reinterpret_cast<uint32_t*>(total_squares + channels);
    auto* factor = reinterpret_cast<float*>(sums + 2 * channels);
    auto* shift = factor + channels;
    add_up({.in = c.at<const uint8_t>(node_.input(0)) + at,
            .pixels = pixels_,
            .channels = channels,
            .in_pixel = channels_,
            .sums = sums,
            .squares = sums + channels},
           totals, total_squares);
    const auto *scale = c.at<const float>(node_.input(1)) + first,
               *bias = c.at<const float>(node_.input(2)) + first;
    for (int64_t i = 0; i < channels; i += per_group) {
      ops::ByteSums group{.count = per_group * pixels_};
      for (int64_t k = i; k < i + per_group; k++) group.sum += totals[k], group.squares += total_squares[k];
      for (int64_t k = i; k < i + per_group; k++) {
        const ops::ByteAffine a = ops::normalizing(group, epsilon_, scale[k], bias[k]);
        factor[k] = a.factor, shift[k] = a.shift;
      }
    }
    kernels_.affine_u8({.in = c.at<const uint8_t>(node_.input(0)) + at,
                        .out = c.at<uint8_t>(node_.output()) + at,
                        .pixels = pixels_,
                        .channels = channels,
                        .pixel = channels_,
                        .factor = factor,
                        .shift = shift,
                        .zero_point = y_zero_point_});
  }

  /// In pieces whose squares fit 32 bits.
  void add_up(ColumnSumsU8 g, int64_t* totals, int64_t* total_squares) const {
    std::fill_n(totals, g.channels, 0);
    std::fill_n(total_squares, g.channels, 0);
    for (int64_t p = 0; p < pixels_; p += ColumnSumsU8::kMostSquares) {
      g.pixels = std::min(ColumnSumsU8::kMostSquares, pixels_ - p);
      kernels_.column_sums_u8(g);
      g.in += g.pixels * g.in_pixel;
      for (int64_t i = 0; i < g.channels; i++) totals[i] += g.sums[i], total_squares[i] += g.squares[i];
    }
  }

  const ir::Node& node_;
  const kernels::Kernels& kernels_;
  const int64_t batch_, channels_, pixels_, groups_;
  const float epsilon_;
  const int y_zero_point_;
  int parts_;
};

}  // namespace

std::unique_ptr<Step> make_group_norm_u8(const BuildContext& b, ir::NodeId id) {
  const ir::Node& n = b.graph.node(id);
  if (!b.kernels.affine_u8 || !n.attrs.get_int("channels_last", 0) || b.shape(n.input(0)).elements() == 0)
    return nullptr;
  return std::make_unique<GroupNormU8Step>(b, n);
}

}  // namespace tenfold::plan
