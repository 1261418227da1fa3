// MatMulInteger with constant weights: exact s32 sums from the INT8 kernel, with any zero points.
#include "ops/op.hpp"
#include "plan/steps/gemm_split.hpp"
#include "plan/steps/pack_key.hpp"
#include "plan/steps/steps.hpp"

namespace tenfold::plan {
namespace {

/// The kernel gives floats: sums of this many products of u8 and s8 stay below 2^24 and are exact.
constexpr int64_t kExactDepth = 512;
/// Rows whose floats are in a cache when they are added up.
constexpr int64_t kRows = 32;

/// Weights in slices of kExactDepth rows.  Sums wrap as s32 does, hence the unsigned types.
struct PackedInteger {
  std::vector<kernels::PackedU8> slices;
  std::vector<uint32_t> column_sums, zero_points;  ///< of the weights as s8
  bool has_zero_point = false;
};

/// u8 as s8, or the reverse: the value moves by 128, and so must its zero point.
uint8_t flip(uint8_t v) { return v ^ 0x80; }

PackedInteger pack_integer(const kernels::PackLayout& layout, const Tensor& w, const Tensor* zero) {
  const int64_t k = w.shape()[0], n = w.shape()[1];
  const int64_t shift = w.dtype() == DType::u8 ? 128 : 0;
  std::vector<int8_t> columns = transposed(static_cast<const int8_t*>(w.raw()), k, n);  // [n][k]
  if (shift)
    for (int8_t& v : columns) v = static_cast<int8_t>(flip(static_cast<uint8_t>(v)));
  PackedInteger p;
  for (int64_t j = 0; j < n; j++) {
    const int64_t z = (zero ? zero->at_int(zero->elements() == 1 ? 0 : j) : 0) - shift;
    p.zero_points.push_back(static_cast<uint32_t>(z));
    p.has_zero_point = p.has_zero_point || z != 0;
    uint32_t sum = 0;
    for (int64_t i = 0; i < k; i++) sum += static_cast<uint32_t>(columns[static_cast<size_t>(j * k + i)]);
    p.column_sums.push_back(sum);
  }
  const std::vector<kernels::QuantizedChannel> plain(static_cast<size_t>(n), {1.0f, 0.0f});
  for (int64_t first = 0; first < k; first += kExactDepth) {
    const int64_t depth = std::min(kExactDepth, k - first);
    std::vector<int8_t> slice;
    for (int64_t j = 0; j < n; j++) {
      const int8_t* column = columns.data() + j * k + first;
      slice.insert(slice.end(), column, column + depth);
    }
    p.slices.push_back(kernels::pack_gemm_u8(layout, slice.data(), n, 1, depth, 0, plain));
  }
  return p;
}

class MatMulIntegerStep final : public Step {
 public:
  MatMulIntegerStep(const BuildContext& b, const ir::Node& n)
      : a_(n.input(0)),
        a_zero_point_(n.input(2)),
        y_(n.output()),
        k_(b.shape(n.input(1))[0]),
        n_(b.shape(n.input(1))[1]),
        m_(b.shape(a_).elements(0, b.shape(a_).rank() - 1)),
        signed_(b.graph.value(a_).dtype == DType::s8),
        kernels_(b.kernels),
        packed_(b.packs.get<PackedInteger>(
            pack_key("matmul_integer", b.graph, n, {1, 3}, b.kernels.name),
            [&] {
              return pack_integer(b.kernels.layout, *b.graph.constant(n.input(1)),
                                  n.input(3) == ir::kNone ? nullptr : b.graph.constant(n.input(3)));
            })),
        parts_(GemmSplit(b, m_, {0, n_}, static_cast<double>(m_) * static_cast<double>(n_ * k_)).parts) {
    const size_t floats = static_cast<size_t>(kRows * n_) * sizeof(float);
    const size_t flipped = signed_ ? static_cast<size_t>(kRows * k_) + kTensorSlack : 0;
    flipped_offset_ = whole_lines(floats);
    scratch_ = whole_lines(flipped_offset_ + flipped);
  }
  size_t scratch_bytes() const override { return scratch_ * static_cast<size_t>(parts_); }

  void run(const RunContext& c) const override {
    uint8_t zero_point = a_zero_point_ == ir::kNone ? 0 : *c.at<const uint8_t>(a_zero_point_);
    if (signed_) zero_point = flip(zero_point);
    c.pool->run(parts_, [&](int part) {
      const Range rows = split(m_, part, parts_);
      std::byte* scratch = c.scratch + static_cast<size_t>(part) * scratch_;
      for (int64_t row = rows.begin; row < rows.end; row += kRows) {
        const int64_t count = std::min(kRows, rows.end - row);
        const uint8_t* a = c.at<const uint8_t>(a_) + row * k_;
        if (signed_) {
          auto* flipped = reinterpret_cast<uint8_t*>(scratch + flipped_offset_);
          std::transform(a, a + count * k_, flipped, flip);
          a = flipped;
        }
        block(a, count, zero_point, reinterpret_cast<float*>(scratch), c.at<uint32_t>(y_) + row * n_);
      }
    });
  }

 private:
  /// sum (a - a0)(w - w0) = sum a w - a0 sum w - w0 (sum a - k a0).
  void block(const uint8_t* a, int64_t rows, uint32_t zero_point, float* sums, uint32_t* y) const {
    for (int64_t r = 0; r < rows; r++) {
      uint32_t excess = 0;
      if (packed_->has_zero_point) {
        for (int64_t i = 0; i < k_; i++) excess += a[r * k_ + i];
        excess -= static_cast<uint32_t>(k_) * zero_point;
      }
      const uint32_t *columns = packed_->column_sums.data(), *zeros = packed_->zero_points.data();
      for (int64_t j = 0; j < n_; j++) y[r * n_ + j] = 0u - zero_point * columns[j] - excess * zeros[j];
    }
    for (size_t slice = 0; slice < packed_->slices.size(); slice++) {
      kernels::GemmU8 g;
      g.w = &packed_->slices[slice];
      g.a = a + static_cast<int64_t>(slice) * kExactDepth, g.lda = k_;
      g.m = rows, g.n_end = n_;
      g.c_f32 = sums, g.ldc = n_;
      kernels_.gemm_u8(g);
      for (int64_t i = 0; i < rows * n_; i++) y[i] += static_cast<uint32_t>(static_cast<int32_t>(sums[i]));
    }
  }

  const ir::ValueId a_, a_zero_point_, y_;
  const int64_t k_, n_, m_;
  const bool signed_;
  const kernels::Kernels& kernels_;
  const std::shared_ptr<const PackedInteger> packed_;
  const int parts_;
  size_t flipped_offset_ = 0, scratch_ = 0;
};

}  // namespace

std::unique_ptr<Step> make_matmul_integer(const BuildContext& b, ir::NodeId id) {
  const ir::Node& n = b.graph.node(id);
  const Shape &a = b.shape(n.input(0)), &w = b.shape(n.input(1));
  const auto constant = [&](size_t i) { return n.input(i) == ir::kNone || b.graph.constant(n.input(i)); };
  if (!b.kernels.gemm_u8 || !constant(1) || !constant(3) || w.rank() != 2 || w.elements() == 0 ||
      a.rank() == 0)
    return nullptr;
  if (n.input(2) != ir::kNone && b.shape(n.input(2)).elements() != 1) return nullptr;
  return std::make_unique<MatMulIntegerStep>(b, n);
}

}  // namespace tenfold::plan
