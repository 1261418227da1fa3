// A byte table for each channel, channels last.
#include "plan/steps/steps.hpp"

namespace tenfold::plan {
namespace {

class ChannelLookupStep final : public Step {
 public:
  ChannelLookupStep(const BuildContext& b, const ir::Node& n)
      : x_(n.input(0)),
        y_(n.output()),
        channels_(b.shape(x_).back()),
        pixels_(b.shape(x_).elements(0, b.shape(x_).rank() - 1)),
        tables_(n.attrs.get_tensor("tables")->data<uint8_t>()) {
    constexpr int64_t kForkElements = 8 * 1024;
    parts_ =
        channels_ * pixels_ < kForkElements ? 1 : static_cast<int>(std::min<int64_t>(b.threads, pixels_));
  }
  void run(const RunContext& c) const override {
    c.pool->run(parts_, [&](int part) {
      const Range pixels = split(pixels_, part, parts_);
      for (int64_t first = 0; first < channels_; first += kChannels)
        look_up(c.at<const uint8_t>(x_), c.at<uint8_t>(y_), pixels, first,
                std::min(kChannels, channels_ - first));
    });
  }

 private:
  /// The tables of so many channels, 16 KiB, stay in the first-level cache for all pixels.
  static constexpr int64_t kChannels = 64;

  void look_up(const uint8_t* x, uint8_t* y, Range pixels, int64_t first, int64_t count) const {
    for (int64_t p = pixels.begin; p < pixels.end; p++) {
      const uint8_t *table = tables_ + first * 256, *in = x + p * channels_ + first;
      uint8_t* out = y + p * channels_ + first;
      for (int64_t i = 0; i < count; i++, table += 256) out[i] = table[in[i]];
    }
  }

  const ir::ValueId x_, y_;
  const int64_t channels_, pixels_;
  const uint8_t* const tables_;
  int parts_;
};

}  // namespace

std::unique_ptr<Step> make_channel_lookup(const BuildContext& b, ir::NodeId id) {
  const ir::Node& n = b.graph.node(id);
  const bool last = n.attrs.get_int("channels_last", 0) != 0 || b.shape(n.input(0)).rank() == 2;
  return last ? std::make_unique<ChannelLookupStep>(b, n) : nullptr;
}

}  // namespace tenfold::plan
