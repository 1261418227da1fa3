// Fused attention, one head at a time.
#include "ops/attention.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "plan/steps/steps.hpp"

namespace tenfold::plan {
namespace {

class AttentionStep final : public Step {
 public:
  AttentionStep(const BuildContext& b, const ir::Node& n)
      : q_(n.input(0)),
        k_(n.input(1)),
        v_(n.input(2)),
        mask_(n.input(3)),
        y_(n.output()),
        kernels_(b.kernels) {
    layout_ = ops::attention_layout(n, b.shape(q_), b.shape(k_), b.shape(v_));
    heads_ = layout_.batch * layout_.heads;
    args_.queries = layout_.queries;
    args_.keys = layout_.keys;
    args_.head = layout_.head;
    args_.value_head = layout_.value_head;
    args_.ldq = layout_.q.row;
    args_.ldk = layout_.k.row;
    args_.ldv = layout_.v.row;
    args_.ldo = layout_.out.row;
    args_.scale = n.attrs.get_float("scale", 1 / std::sqrt(static_cast<float>(layout_.head)));
    zero_masked_ = mask_ != ir::kNone && n.attrs.get_int("masked_rows_zero", 0) != 0;
    if (mask_ != ir::kNone) mask_strides(b.shape(mask_));
    scratch_ = whole_lines(
        kernels::attention_f32_scratch(b.kernels.layout, args_.keys, args_.head, args_.value_head));
    parts_ = static_cast<int>(std::min<int64_t>(b.threads, heads_));
  }
  size_t scratch_bytes() const override { return static_cast<size_t>(parts_) * scratch_; }

  void run(const RunContext& c) const override {
    c.pool->run(parts_, [&](int part) {
      const Range range = split(heads_, part, parts_);
      for (int64_t h = range.begin; h < range.end; h++) {
        kernels::AttentionF32 a = args_;
        const int64_t batch = h / layout_.heads, head = h % layout_.heads, key_head = layout_.key_head(head);
        a.q = c.at<const float>(q_) + layout_.q.at(batch, head);
        a.k = c.at<const float>(k_) + layout_.k.at(batch, key_head);
        a.v = c.at<const float>(v_) + layout_.v.at(batch, key_head);
        if (mask_ != ir::kNone) a.mask = c.at<const float>(mask_) + batch * mask_batch_ + head * mask_head_;
        a.out = c.at<float>(y_) + layout_.out.at(batch, head);
        a.scratch = c.scratch + static_cast<size_t>(part) * scratch_;
        kernels_.attention_f32(a);
        if (zero_masked_) zero_masked_rows(a);
      }
    });
  }

  /// A mask that broadcasts to [batch, heads, queries, keys] with whole rows of keys.
  static bool supported_mask(const Shape& mask, int64_t keys) {
    return mask.rank() >= 1 && mask.rank() <= 4 && mask.back() == keys;
  }

 private:
  /// Rows without any key to attend to, for which the kernel divides zero by zero.  All others end at their
  /// first look.
  static void zero_masked_rows(const kernels::AttentionF32& a) {
    const auto open = [](float m) { return m != -std::numeric_limits<float>::infinity(); };
    for (int64_t q = 0; q < a.queries; q++)
      if (const float* mask = a.mask + q * a.ld_mask; std::none_of(mask, mask + a.keys, open))
        std::fill_n(a.out + q * a.ldo, a.value_head, 0.0f);
  }

  void mask_strides(const Shape& mask) {
    std::vector<int64_t> m(static_cast<size_t>(4 - mask.rank()), 1);
    m.insert(m.end(), mask.begin(), mask.end());
    args_.ld_mask = m[2] == 1 ? 0 : m[3];
    mask_head_ = m[1] == 1 ? 0 : m[2] * m[3];
    mask_batch_ = m[0] == 1 ? 0 : m[1] * m[2] * m[3];
  }

  const ir::ValueId q_, k_, v_, mask_, y_;
  const kernels::Kernels& kernels_;
  kernels::AttentionF32 args_;
  ops::AttentionLayout layout_;
  int64_t heads_, mask_head_ = 0, mask_batch_ = 0;
  size_t scratch_;
  int parts_;
  bool zero_masked_;
};

}  // namespace

std::unique_ptr<Step> make_attention_f32(const BuildContext& b, ir::NodeId id) {
  const ir::Node& n = b.graph.node(id);
  if (!b.kernels.attention_f32) return nullptr;
  const int64_t keys =
      ops::attention_layout(n, b.shape(n.input(0)), b.shape(n.input(1)), b.shape(n.input(2))).keys;
  if (keys == 0) return nullptr;  // the kernel divides by the sum of the weights
  if (n.input(3) != ir::kNone && !AttentionStep::supported_mask(b.shape(n.input(3)), keys)) return nullptr;
  return std::make_unique<AttentionStep>(b, n);
}

}  // namespace tenfold::plan
