// Activations quantized at run time, and matrix products with them.
#include "ops/quantization.hpp"
#include "plan/steps/epilogue_u8.hpp"
#include "plan/steps/gemm_split.hpp"
#include "plan/steps/pack_key.hpp"
#include "plan/steps/steps.hpp"

namespace tenfold::plan {
namespace {

class DynamicQuantizeStep final : public Step {
 public:
  DynamicQuantizeStep(const BuildContext& b, const ir::Node& n)
      : x_(n.input(0)),
        y_(n.output(0)),
        scale_(n.output(1)),
        zero_point_(n.output(2)),
        elements_(b.shape(x_).elements()),
        kernels_(b.kernels) {
    constexpr int64_t kForkElements = 16 * 1024;
    parts_ = elements_ < kForkElements ? 1 : b.threads;
  }
  size_t scratch_bytes() const override { return static_cast<size_t>(parts_) * sizeof(Bounds); }

  void run(const RunContext& c) const override {
    const auto* x = c.at<const float>(x_);
    auto* bounds = reinterpret_cast<Bounds*>(c.scratch);
    c.pool->run(parts_, [&](int part) {
      const Range r = split(elements_, part, parts_);
      kernels_.range_f32(x + r.begin, r.end - r.begin, &bounds[part].lo, &bounds[part].hi);
    });
    for (int part = 1; part < parts_; part++) {
      bounds->lo = std::min(bounds->lo, bounds[part].lo);
      bounds->hi = std::max(bounds->hi, bounds[part].hi);
    }
    const auto [scale, zero_point] = ops::dynamic_range(bounds->lo, bounds->hi);
    *c.at<float>(scale_) = scale;
    *c.at<uint8_t>(zero_point_) = zero_point;
    c.pool->run(parts_, [&, scale = scale, zero = zero_point](int part) {
      const Range r = split(elements_, part, parts_);
      kernels_.quantize_divided_u8(x + r.begin, c.at<uint8_t>(y_) + r.begin, r.end - r.begin, scale, zero);
    });
  }

 private:
  struct Bounds {
    float lo, hi;
  };
  const ir::ValueId x_, y_, scale_, zero_point_;
  const int64_t elements_;
  const kernels::Kernels& kernels_;
  int parts_;
};

/// Weights packed for a zero point of 0, and what another one subtracts for each unit.
struct PackedDynamic {
  kernels::PackedU8 weights;
  std::vector<uint32_t> column_sums;
};

class MatMulDynamicU8Step final : public Step {
 public:
  MatMulDynamicU8Step(const BuildContext& b, const ir::Node& n)
      : x_(n.input(0)),
        x_scale_(n.input(4)),
        x_zero_point_(n.input(5)),
        y_(n.output()),
        k_(b.shape(n.input(1))[0]),
        n_(b.shape(n.input(1))[1]),
        m_(b.shape(x_).elements(0, b.shape(x_).rank() - 1)),
        kernels_(b.kernels),
        packed_(pack(b, n)),
        split_(b, m_, even_panels(n_, packed_->weights.panel_channels),
               static_cast<double>(m_) * static_cast<double>(n_ * k_)) {}
  size_t scratch_bytes() const override { return static_cast<size_t>(n_) * sizeof(int32_t); }

  void run(const RunContext& c) const override {
    const uint8_t zero_point = x_zero_point_ == ir::kNone ? 0 : *c.at<const uint8_t>(x_zero_point_);
    auto* init = reinterpret_cast<int32_t*>(c.scratch);
    fill_initial(packed_->column_sums, zero_point, init);
    c.pool->run(split_.parts, [&](int part) {
      const Range rows = split_.rows(m_, part), channels = split_.channels(part);
      kernels::GemmU8 g;
      g.w = &packed_->weights;
      g.a = c.at<const uint8_t>(x_) + rows.begin * k_, g.lda = k_;
      g.m = rows.end - rows.begin;
      g.n_begin = channels.begin, g.n_end = channels.end;
      g.c_f32 = c.at<float>(y_) + rows.begin * n_, g.ldc = n_;
      g.init_override = init, g.dynamic_scale = *c.at<const float>(x_scale_);
      kernels_.gemm_u8(g);
    });
  }

 private:
  std::shared_ptr<const PackedDynamic> pack(const BuildContext& b, const ir::Node& n) const {
    const Tensor& w = *b.graph.constant(n.input(1));
    const PackKey key = pack_key("matmul_dynamic_u8", b.graph, n, {1, 2, 3}, b.kernels.name);
    return b.packs.get<PackedDynamic>(key, [&] {
      const ByteWeights bytes(w, 1);
      const std::vector<int8_t> columns = transposed(bytes.data(), k_, n_);
      return PackedDynamic{kernels::pack_gemm_u8(b.kernels.layout, columns.data(), n_, 1, k_, 0,
                                                 quantized_channels(b.graph, n, bytes)),
                           bytes.sums(1)};
    });
  }

  const ir::ValueId x_, x_scale_, x_zero_point_, y_;
  const int64_t k_, n_, m_;
  const kernels::Kernels& kernels_;
  const std::shared_ptr<const PackedDynamic> packed_;
  const GemmSplit split_;
};

}  // namespace

std::unique_ptr<Step> make_dynamic_quantize(const BuildContext& b, ir::NodeId id) {
  const ir::Node& n = b.graph.node(id);
  const bool complete = n.outputs.size() == 3 && n.output(1) != ir::kNone && n.output(2) != ir::kNone;
  if (!b.kernels.range_f32 || !b.kernels.quantize_divided_u8 || !complete) return nullptr;
  return std::make_unique<DynamicQuantizeStep>(b, n);
}

std::unique_ptr<Step> make_matmul_dynamic_u8(const BuildContext& b, ir::NodeId id) {
  const ir::Node& n = b.graph.node(id);
  return b.kernels.gemm_u8 && has_packable_weights(b.graph, n, 1)
             ? std::make_unique<MatMulDynamicU8Step>(b, n)
             : nullptr;
}

}  // namespace tenfold::plan
