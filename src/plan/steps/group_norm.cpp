// GroupNormalization and InstanceNormalization, channels last.
#include "ops/fusion.hpp"
#include "plan/row_step.hpp"
#include "plan/steps/steps.hpp"

namespace tenfold::plan {
namespace {

/// Groups of all images are shared out among threads.
class GroupNormStep final : public Step {
 public:
  GroupNormStep(const BuildContext& b, const ir::Node& n, int64_t groups)
      : x_(n.input(0)),
        scale_(n.input(1)),
        bias_(n.input(2)),
        y_(n.output()),
        batch_(b.shape(x_)[0]),
        groups_(groups),
        kernel_(b.kernels.group_norm_f32) {
    const Shape& x = b.shape(x_);
    const ops::Fusion fusion = ops::fusion_of(n);
    args_ = {.pixel = x.back(),
             .pixels = x.elements(1, x.rank() - 1),
             .per_group = x.back() / groups,
             .epsilon = n.attrs.get_float("epsilon", 1e-5f),
             .activation = fusion.kind,
             .lo = fusion.lo,
             .hi = fusion.hi};
    constexpr int64_t kForkElements = 8 * 1024;
    parts_ =
        x.elements() < kForkElements ? 1 : static_cast<int>(std::min<int64_t>(b.threads, batch_ * groups));
  }
  size_t scratch_bytes() const override { return static_cast<size_t>(parts_) * part_bytes(); }

  void run(const RunContext& c) const override {
    c.pool->run(parts_, [&](int part) {
      each_image(split(batch_ * groups_, part, parts_), groups_, [&](int64_t image, Range groups) {
        kernels::GroupNormF32 g = args_;
        const int64_t first = groups.begin * g.per_group, at = image * g.pixels * g.pixel + first;
        g.in = c.at<const float>(x_) + at;
        g.out = c.at<float>(y_) + at;
        g.channels = (groups.end - groups.begin) * g.per_group;
        g.scale = c.at<const float>(scale_) + first;
        g.bias = c.at<const float>(bias_) + first;
        g.scratch = reinterpret_cast<float*>(c.scratch + static_cast<size_t>(part) * part_bytes());
        kernel_(g);
      });
    });
  }

 private:
  size_t part_bytes() const { return whole_lines(2 * sizeof(float) * static_cast<size_t>(args_.pixel)); }

  const ir::ValueId x_, scale_, bias_, y_;
  const int64_t batch_, groups_;
  kernels::GroupNormF32 args_;
  void (*const kernel_)(const kernels::GroupNormF32&);
  int parts_;
};

}  // namespace

std::unique_ptr<Step> make_group_norm_f32(const BuildContext& b, ir::NodeId id) {
  const ir::Node& n = b.graph.node(id);
  const Shape& x = b.shape(n.input(0));
  if (!b.kernels.group_norm_f32 || !n.attrs.get_int("channels_last", 0) || x.elements() == 0) return nullptr;
  for (size_t i : {1u, 2u})
    if (b.shape(n.input(i)).elements() != x.back()) return nullptr;  // one parameter for every group
  return std::make_unique<GroupNormStep>(b, n, n.attrs.get_int("num_groups", x.back()));
}

}  // namespace tenfold::plan
