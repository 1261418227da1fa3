// Fused attention, one head at a time.
#include <algorithm>
#include <limits>

#include "plan/steps/steps.hpp"

namespace tenfold::plan {
namespace {

class AttentionStep final : public Step {
 public:
  AttentionStep(const BuildContext& b, const ir::Node& n) : q_(n.input(0)), k_(n.input(1)), v_(n.input(2)), mask_(n.input(3)), y_(n.output()), kernels_(b.kernels) {
    const Shape &q = b.shape(q_), &k = b.shape(k_), &v = b.shape(v_);
    const int r = q.rank();
    heads_ = q.elements(0, r - 2);
    args_.queries = q[r - 2];
    args_.head = args_.ldq = args_.ldk = q[r - 1];
    args_.keys = k[r - 2];
    args_.value_head = args_.ldv = args_.ldo = v[r - 1];
    args_.scale = n.attrs.get_float("scale", 1);
    zero_masked_ = mask_ != ir::kNone && n.attrs.get_int("masked_rows_zero", 0) != 0;
    if (mask_ != ir::kNone) mask_strides(b.shape(mask_), b.shape(q_));
    scratch_ = (kernels::attention_f32_scratch(b.kernels.layout, args_.keys, args_.head, args_.value_head) + 63) / 64 * 64;
    parts_ = static_cast<int>(std::min<int64_t>(b.threads, heads_));
  }
  size_t scratch_bytes() const override { return static_cast<size_t>(parts_) * scratch_; }

  void run(const RunContext& c) const override {
    c.pool->run(parts_, [&](int part) {
      const Range range = split(heads_, part, parts_);
      for (int64_t h = range.begin; h < range.end; h++) {
        kernels::AttentionF32 a = args_;
        a.q = c.at<const float>(q_) + h * a.queries * a.head;
        a.k = c.at<const float>(k_) + h * a.keys * a.head;
        a.v = c.at<const float>(v_) + h * a.keys * a.value_head;
        if (mask_ != ir::kNone) a.mask = c.at<const float>(mask_) + h / inner_heads_ * mask_outer_ + h % inner_heads_ * mask_inner_;
        a.out = c.at<float>(y_) + h * a.queries * a.value_head;
        a.scratch = c.scratch + static_cast<size_t>(part) * scratch_;
        kernels_.attention_f32(a);
        if (zero_masked_) zero_masked_rows(a);
      }
    });
  }

  /// A mask that broadcasts to [batch, heads, queries, keys] with whole rows of keys.
  static bool supported_mask(const Shape& mask, const Shape& q, int64_t keys) {
    return mask.rank() >= 1 && mask.rank() <= q.rank() && q.rank() <= 4 && mask.back() == keys;
  }

 private:
  /// Rows without any key to attend to, for which the kernel divides zero by zero.  All others end at their first look.
  static void zero_masked_rows(const kernels::AttentionF32& a) {
    const auto open = [](float m) { return m != -std::numeric_limits<float>::infinity(); };
    for (int64_t q = 0; q < a.queries; q++)
      if (const float* mask = a.mask + q * a.ld_mask; std::none_of(mask, mask + a.keys, open))
        std::fill_n(a.out + q * a.ldo, a.value_head, 0.0f);
  }

  void mask_strides(const Shape& mask, const Shape& q) {
    std::vector<int64_t> m(static_cast<size_t>(4 - mask.rank()), 1);
    m.insert(m.end(), mask.begin(), mask.end());
    inner_heads_ = q.rank() == 4 ? q[1] : 1;
    // A rank-3 query counts its only batch axis as axis 0 of the mask's last three.
    const int64_t batch = q.rank() == 4 ? m[0] : m[1], heads = q.rank() == 4 ? m[1] : 1;
    args_.ld_mask = m[2] == 1 ? 0 : m[3];
    const int64_t plane = m[2] * m[3];
    mask_inner_ = heads == 1 ? 0 : plane;
    mask_outer_ = batch == 1 ? 0 : plane * heads;
  }

  const ir::ValueId q_, k_, v_, mask_, y_;
  const kernels::Kernels& kernels_;
  kernels::AttentionF32 args_;
  int64_t heads_, inner_heads_ = 1, mask_inner_ = 0, mask_outer_ = 0;
  size_t scratch_;
  int parts_;
  bool zero_masked_;
};

}  // namespace

std::unique_ptr<Step> make_attention_f32(const BuildContext& b, ir::NodeId id) {
  const ir::Node& n = b.graph.node(id);
  const Shape &q = b.shape(n.input(0)), &k = b.shape(n.input(1));
  if (!b.kernels.attention_f32 || q.rank() < 3 || q.rank() > 4) return nullptr;
  if (n.input(3) != ir::kNone && !AttentionStep::supported_mask(b.shape(n.input(3)), q, k[k.rank() - 2])) return nullptr;
  return std::make_unique<AttentionStep>(b, n);
}

}  // namespace tenfold::plan
