// Matrix products with constant weights, INT8 and FP32, and FP32 products of two activations.
#include "base/math.hpp"
#include "ops/fusion.hpp"
#include "plan/steps/epilogue_u8.hpp"
#include "plan/steps/fetch_ahead.hpp"
#include "plan/steps/gemm_split.hpp"
#include "plan/steps/pack_key.hpp"
#include "plan/steps/steps.hpp"

namespace tenfold::plan {
namespace {

class MatMulU8Step final : public Step {
 public:
  MatMulU8Step(const BuildContext& b, const ir::Node& n)
      : x_(n.input(0)),
        y_(n.output()),
        channels_outside_(n.attrs.get_int("transB", 0) != 0),
        k_(b.shape(n.input(1))[channels_outside_ ? 1 : 0]),
        n_(b.shape(n.input(1))[channels_outside_ ? 0 : 1]),
        m_(b.shape(x_).elements(0, b.shape(x_).rank() - 1)),
        kernels_(b.kernels),
        epilogue_(b.kernels, n),
        packed_(pack(b, n)),
        split_(b, m_, even_panels(n_, packed_->panel_channels),
               static_cast<double>(m_) * static_cast<double>(n_ * k_)) {}

  void run(const RunContext& c) const override {
    c.pool->run(split_.parts, [&](int part) {
      const Range rows = split_.rows(m_, part), channels = split_.channels(part);
      kernels::GemmU8 gemm;
      gemm.w = packed_.get();
      ahead_.apply(gemm);
      gemm.a = c.at<const uint8_t>(x_) + rows.begin * k_, gemm.lda = k_;
      gemm.m = rows.end - rows.begin;
      gemm.n_begin = channels.begin, gemm.n_end = channels.end;
      epilogue_.apply(gemm, c, y_, rows.begin * n_, n_);
      kernels_.gemm_u8(gemm);
    });
  }

  std::span<const std::byte> weights() const override { return weight_bytes(*packed_); }
  void fetch_ahead(std::span<const std::byte> weights) override { ahead_.set(weights); }

 private:
  std::shared_ptr<const kernels::PackedU8> pack(const BuildContext& b, const ir::Node& n) const {
    const Tensor& w = *b.graph.constant(n.input(1));
    const auto zero_point = static_cast<int>(n.attrs.get_int("x_zero_point", 0));
    return b.packs.get<kernels::PackedU8>(
        pack_key("matmul_u8", b.graph, n, {1, 2, 3}, b.kernels.name, zero_point, channels_outside_), [&] {
          const kernels::PackLayout& layout = b.kernels.layout;
          const ByteWeights bytes(w, channels_outside_ ? 0 : 1);
          const auto channels = quantized_channels(b.graph, n, bytes);
          return channels_outside_
                     ? kernels::pack_gemm_u8(layout, bytes.data(), n_, 1, k_, zero_point, channels)
                     : kernels::pack_columns_u8(layout, bytes.data(), n_, k_, zero_point, channels);
        });
  }

  const ir::ValueId x_, y_;
  const bool channels_outside_;  ///< weights [n][k] instead of [k][n]
  const int64_t k_, n_, m_;
  const kernels::Kernels& kernels_;
  const EpilogueU8 epilogue_;
  const std::shared_ptr<const kernels::PackedU8> packed_;
  FetchAhead ahead_;
  const GemmSplit split_;
};

class MatMulF32Step final : public Step {
 public:
  MatMulF32Step(const BuildContext& b, const ir::Node& n)
      : x_(n.input(0)),
        y_(n.output()),
        residual_(n.input(3)),
        k_(b.shape(n.input(1))[0]),
        n_(b.shape(n.input(1))[1]),
        m_(b.shape(x_).elements(0, b.shape(x_).rank() - 1)),
        kernels_(b.kernels),
        fusion_(ops::fusion_of(n)),
        packed_(pack(b, n)),
        split_(b, m_, panel_starts(*packed_), 4.0 * static_cast<double>(m_) * static_cast<double>(n_ * k_)) {}

  void run(const RunContext& c) const override {
    c.pool->run(split_.parts, [&](int part) {
      const Range rows = split_.rows(m_, part), channels = split_.channels(part);
      kernels::GemmF32 gemm{.w = packed_.get(),
                            .a = c.at<const float>(x_) + rows.begin * k_,
                            .lda = k_,
                            .m = rows.end - rows.begin,
                            .n_begin = channels.begin,
                            .n_end = channels.end,
                            .c = c.at<float>(y_) + rows.begin * n_,
                            .ldc = n_,
                            .activation = fusion_.kind,
                            .lo = fusion_.lo,
                            .hi = fusion_.hi};
      if (residual_ != ir::kNone) {
        gemm.residual = c.at<const float>(residual_) + rows.begin * n_;
        gemm.ld_residual = n_;
      }
      kernels_.gemm_f32(gemm);
    });
  }

 private:
  std::shared_ptr<const kernels::PackedF32> pack(const BuildContext& b, const ir::Node& n) const {
    const Tensor& w = *b.graph.constant(n.input(1));
    const Tensor* bias = b.graph.constant(n.input(2));
    const PackKey key = pack_key("matmul_f32", b.graph, n, {1, 2}, b.kernels.name, n_);
    return b.packs.get<kernels::PackedF32>(key, [&] {
      std::vector<float> full;
      if (bias)
        for (int64_t i = 0; i < n_; i++) full.push_back(bias->data<float>()[bias->elements() == 1 ? 0 : i]);
      return kernels::pack_gemm_f32(b.kernels.layout, transposed(w.data<float>(), k_, n_).data(), n_, 1, k_,
                                    bias ? full.data() : nullptr);
    });
  }

  const ir::ValueId x_, y_, residual_;
  const int64_t k_, n_, m_;
  const kernels::Kernels& kernels_;
  const ops::Fusion fusion_;
  const std::shared_ptr<const kernels::PackedF32> packed_;
  const GemmSplit split_;
};

/// The shape of a factor as matrices: a vector is a row on the left, a column on the right.
Shape as_matrices(const Shape& s, bool left) {
  if (s.rank() > 1) return s;
  return left ? Shape{1, s[0]} : Shape{s[0], 1};
}

/// Where the matrices of a factor begin whose other axes broadcast to `batches`.
std::vector<int64_t> matrix_offsets(const Shape& factor, const Shape& batches) {
  const int own_axes = factor.rank() - 2;
  std::vector<int64_t> offsets(static_cast<size_t>(batches.elements()));
  for (int64_t i = 0; i < batches.elements(); i++) {
    int64_t rest = i, step = factor.elements(own_axes, factor.rank()), offset = 0;
    for (int axis = batches.rank() - 1, own = own_axes - 1; own >= 0; axis--, own--) {
      if (factor[own] != 1) offset += rest % batches[axis] * step;
      step *= factor[own];
      rest /= batches[axis];
    }
    offsets[static_cast<size_t>(i)] = offset;
  }
  return offsets;
}

Shape broadcast_batches(const Shape& a, const Shape& b) {
  const Shape &longer = a.rank() > b.rank() ? a : b, &shorter = a.rank() > b.rank() ? b : a;
  Shape batches(std::vector<int64_t>(longer.begin(), longer.end() - 2));
  for (int i = shorter.rank() - 3, to = batches.rank() - 1; i >= 0; i--, to--)
    if (batches[to] == 1) batches[to] = shorter[i];
  return batches;
}

/// Batched product of two activations: the batches are shared out, and their rows where these are fewer than
/// threads.
class MatMulDynamicStep final : public Step {
 public:
  MatMulDynamicStep(const BuildContext& b, const ir::Node& n)
      : a_(n.input(0)),
        b_(n.input(1)),
        bias_(n.input(2)),
        residual_(n.input(3)),
        y_(n.output()),
        kernels_(b.kernels),
        fusion_(ops::fusion_of(n)) {
    const Shape sa = as_matrices(b.shape(a_), true), sb = as_matrices(b.shape(b_), false);
    const Shape batches = broadcast_batches(sa, sb);
    m_ = sa[sa.rank() - 2];
    k_ = sa.back();
    n_ = sb.back();
    a_offsets_ = matrix_offsets(sa, batches);
    b_offsets_ = matrix_offsets(sb, batches);
    if (sb.elements() == k_ * n_ && sa.elements() == batches.elements() * m_ * k_) {
      m_ *= batches.elements();  // one matrix on the right: all rows are of one product
      a_offsets_ = b_offsets_ = {0};
    }
    scratch_ = whole_lines(kernels::gemm_dynamic_f32_scratch(b.kernels.layout, n_, k_));
    blocks_ = row_blocks(b.threads);
    parts_ = static_cast<int>(std::min<int64_t>(b.threads, units()));
  }
  size_t scratch_bytes() const override { return scratch_ * static_cast<size_t>(parts_); }

  void run(const RunContext& c) const override {
    c.pool->run(parts_, [&](int part) {
      const Range range = split(units(), part, parts_);
      for (int64_t i = range.begin; i < range.end; i++) {
        const auto matrix = static_cast<size_t>(i / blocks_);
        const Range rows = split(m_, static_cast<int>(i % blocks_), blocks_);
        const int64_t first = i / blocks_ * m_ + rows.begin, count = rows.end - rows.begin;
        kernels_.gemm_dynamic_f32({.a = c.at<const float>(a_) + a_offsets_[matrix] + rows.begin * k_,
                                   .lda = k_,
                                   .b = c.at<const float>(b_) + b_offsets_[matrix],
                                   .ldb = n_,
                                   .c = c.at<float>(y_) + first * n_,
                                   .ldc = n_,
                                   .m = count,
                                   .n = n_,
                                   .k = k_,
                                   .scratch = c.scratch + static_cast<size_t>(part) * scratch_});
        finish(c, first, count);
      }
    });
  }

 private:
  /// What the kernel leaves to do with `rows` rows of the output.
  void finish(const RunContext& c, int64_t first, int64_t rows) const {
    using kernels::Binary;
    float* y = c.at<float>(y_) + first * n_;
    if (bias_ != ir::kNone)
      kernels_.binary_f32({.op = Binary::add,
                           .a = y,
                           .b = c.at<const float>(bias_),
                           .c = y,
                           .outer = rows,
                           .inner = n_,
                           .a_outer = n_,
                           .c_outer = n_});
    if (residual_ != ir::kNone)
      kernels_.binary_f32({.op = Binary::add,
                           .a = y,
                           .b = c.at<const float>(residual_) + first * n_,
                           .c = y,
                           .outer = 1,
                           .inner = rows * n_});
    if (fusion_.kind != kernels::Activation::none)
      kernels_.unary_f32(y, y, rows * n_, fusion_.kind, fusion_.lo, fusion_.hi);
  }
  int64_t batch() const { return std::ssize(a_offsets_); }
  int64_t units() const { return batch() * blocks_; }
  /// Every block packs the matrix on the right anew, which takes some rows to pay for it.
  int row_blocks(int threads) const {
    constexpr int64_t kRows = 8;
    constexpr double kForkMacs = 50e3;
    const double macs = static_cast<double>(m_) * static_cast<double>(n_) * static_cast<double>(k_);
    if (batch() >= threads || macs < kForkMacs) return 1;
    return static_cast<int>(std::clamp<int64_t>(m_ / kRows, 1, ceil_div(int64_t{threads}, batch())));
  }

  const ir::ValueId a_, b_, bias_, residual_, y_;
  const kernels::Kernels& kernels_;
  const ops::Fusion fusion_;
  std::vector<int64_t> a_offsets_, b_offsets_;  ///< of the factors of every product
  int64_t m_, n_, k_;
  size_t scratch_;
  int blocks_;  ///< of rows in a product
  int parts_;
};

bool constant_bias(const BuildContext& b, const ir::Node& n) {
  if (n.input(2) == ir::kNone) return true;
  const Tensor* bias = b.graph.constant(n.input(2));
  return bias && (bias->elements() == 1 || bias->elements() == b.shape(n.output()).back());
}

}  // namespace

std::unique_ptr<Step> make_matmul_u8(const BuildContext& b, ir::NodeId id) {
  const ir::Node& n = b.graph.node(id);
  return b.kernels.gemm_u8 && has_packable_weights(b.graph, n, n.attrs.get_int("transB", 0) ? 0 : 1)
             ? std::make_unique<MatMulU8Step>(b, n)
             : nullptr;
}

std::unique_ptr<Step> make_matmul_f32(const BuildContext& b, ir::NodeId id) {
  const ir::Node& n = b.graph.node(id);
  const bool constant = b.kernels.gemm_f32 && b.graph.constant(n.input(1)) &&
                        b.shape(n.input(1)).rank() == 2 && b.shape(n.input(0)).rank() >= 1;
  if (!constant || !constant_bias(b, n) || b.graph.value(n.output()).dtype != DType::f32) return nullptr;
  return std::make_unique<MatMulF32Step>(b, n);
}

std::unique_ptr<Step> make_matmul_dynamic_f32(const BuildContext& b, ir::NodeId id) {
  const ir::Node& n = b.graph.node(id);
  if (!b.kernels.gemm_dynamic_f32 || b.graph.value(n.output()).dtype != DType::f32) return nullptr;
  const ir::ValueId bias = n.input(2);
  if (bias != ir::kNone && b.shape(bias).elements() != b.shape(n.input(1)).back()) return nullptr;
  return std::make_unique<MatMulDynamicStep>(b, n);
}

}  // namespace tenfold::plan
