// Elementwise steps over one contiguous tensor: activations, byte tables, quantization.
#include <array>

#include "ops/fusion.hpp"
#include "plan/steps/steps.hpp"

namespace tenfold::plan {
namespace {

/// Runs `body(begin, count)` on even pieces of [0, n), in grains of a cache line of bytes.
template <class F>
class FlatStep final : public Step {
 public:
  FlatStep(int64_t n, int threads, double nanoseconds_each, F body) : n_(n), body_(std::move(body)) {
    constexpr double kForkNanoseconds = 8000;  // a fork and join costs 1 to 2 us; below this it cannot gain
    parts_ = static_cast<double>(n) * nanoseconds_each < kForkNanoseconds ? 1 : threads;
  }
  void run(const RunContext& c) const override {
    c.pool->run(parts_, [&](int part) {
      const Range r = split(n_, part, parts_, 64);
      if (r.begin < r.end) body_(c, r.begin, r.end - r.begin);
    });
  }

 private:
  int64_t n_;
  int parts_;
  F body_;
};

template <class F>
std::unique_ptr<Step> flat(const BuildContext& b, ir::ValueId y, double nanoseconds_each, F body) {
  return std::make_unique<FlatStep<F>>(b.shape(y).elements(), b.threads, nanoseconds_each, std::move(body));
}

/// A unary operator is what its name would be as a fused activation.
std::optional<ops::Fusion> activation_of(const ir::Graph& g, const ir::Node& n) {
  ir::Node as_fusion;
  as_fusion.op = n.op;
  const bool gelu_tanh = n.op == "Gelu" && n.attrs.get_string("approximate", "none") == "tanh";
  const std::string name = gelu_tanh ? "GeluTanh" : n.op;
  if (!ops::is_fusible_activation(name) || n.attrs.has("activation")) return std::nullopt;
  as_fusion.attrs.set("activation", name);
  for (const char* key : {"alpha", "beta"})
    if (n.attrs.has(key)) as_fusion.attrs.set(fmt::format("activation_{}", key), n.attrs.get_float(key, 0));
  if (n.op == "Clip") {
    float bounds[2] = {-std::numeric_limits<float>::infinity(), std::numeric_limits<float>::infinity()};
    for (size_t i = 0; i < 2; i++) {
      if (n.input(i + 1) == ir::kNone) continue;
      const Tensor* t = g.constant(n.input(i + 1));
      if (!t) return std::nullopt;
      bounds[i] = static_cast<float>(t->at_double(0));
    }
    as_fusion.attrs.set("activation_lo", bounds[0]);
    as_fusion.attrs.set("activation_hi", bounds[1]);
  }
  return ops::fusion_of(as_fusion);
}

/// To kernels s8 are u8 with the sign bit flipped and a zero point that is 128 more.
struct ScalarQuantization {
  float scale;
  int zero_point;  ///< of the u8
  bool is_signed;
};
constexpr uint8_t kSignBit = 128;

std::optional<ScalarQuantization> scalar_quantization(const BuildContext& b, const ir::Node& n,
                                                      DType quantized) {
  const Tensor *scale = b.graph.constant(n.input(1)), *zero = b.graph.constant(n.input(2));
  const bool is_signed = quantized == DType::s8;
  if ((quantized != DType::u8 && !is_signed) || !scale || scale->elements() != 1 ||
      scale->dtype() != DType::f32 || (zero ? zero->elements() != 1 : n.input(2) != ir::kNone))
    return std::nullopt;
  const int zero_point = zero ? static_cast<int>(zero->at_int(0)) : 0;
  return ScalarQuantization{scale->data<float>()[0], is_signed ? zero_point + kSignBit : zero_point,
                            is_signed};
}

}  // namespace

std::unique_ptr<Step> make_unary_f32(const BuildContext& b, ir::NodeId id) {
  const ir::Node& n = b.graph.node(id);
  if (!b.kernels.unary_f32 || n.inputs.empty() || b.graph.value(n.output()).dtype != DType::f32 ||
      b.graph.value(n.input(0)).dtype != DType::f32)
    return nullptr;
  const auto f = activation_of(b.graph, n);
  if (!f) return nullptr;
  const auto kernel = b.kernels.unary_f32;
  return flat(
      b, n.output(), 0.2,
      [kernel, f = *f, x = n.input(0), y = n.output()](const RunContext& c, int64_t begin, int64_t count) {
        kernel(c.at<const float>(x) + begin, c.at<float>(y) + begin, count, f.kind, f.lo, f.hi);
      });
}

std::unique_ptr<Step> make_lookup_u8(const BuildContext& b, ir::NodeId id) {
  const ir::Node& n = b.graph.node(id);
  if (!b.kernels.lookup_u8) return nullptr;
  const auto kernel = b.kernels.lookup_u8;
  const auto* table = n.attrs.get_tensor("table")->data<uint8_t>();
  return flat(
      b, n.output(), 0.03,
      [kernel, table, x = n.input(0), y = n.output()](const RunContext& c, int64_t begin, int64_t count) {
        kernel(c.at<const uint8_t>(x) + begin, c.at<uint8_t>(y) + begin, count, table);
      });
}

std::unique_ptr<Step> make_quantize_u8(const BuildContext& b, ir::NodeId id) {
  const ir::Node& n = b.graph.node(id);
  const auto q = scalar_quantization(b, n, b.graph.value(n.output()).dtype);
  if (!q || !b.kernels.quantize_u8 || b.graph.value(n.input(0)).dtype != DType::f32) return nullptr;
  const auto kernel = b.kernels.quantize_u8;
  return flat(
      b, n.output(), 0.1,
      [kernel, q = *q, x = n.input(0), y = n.output()](const RunContext& c, int64_t begin, int64_t count) {
        uint8_t* to = c.at<uint8_t>(y) + begin;
        kernel(c.at<const float>(x) + begin, to, count, 1.0f / q.scale, q.zero_point);
        if (!q.is_signed) return;
        for (int64_t i = 0; i < count; i++) to[i] ^= kSignBit;
      });
}

std::unique_ptr<Step> make_dequantize_u8(const BuildContext& b, ir::NodeId id) {
  const ir::Node& n = b.graph.node(id);
  const auto q = scalar_quantization(b, n, b.graph.value(n.input(0)).dtype);
  if (!q || !b.kernels.dequantize_u8) return nullptr;
  const auto kernel = b.kernels.dequantize_u8;
  return flat(
      b, n.output(), 0.1,
      [kernel, q = *q, x = n.input(0), y = n.output()](const RunContext& c, int64_t begin, int64_t count) {
        const uint8_t* from = c.at<const uint8_t>(x) + begin;
        float* to = c.at<float>(y) + begin;
        if (!q.is_signed) return kernel(from, to, count, q.scale, q.zero_point);
        constexpr int64_t kBlock = 2048;
        std::array<uint8_t, kBlock + kTensorSlack> flipped{};
        for (int64_t first = 0; first < count; first += kBlock) {
          const int64_t n = std::min(kBlock, count - first);
          for (int64_t i = 0; i < n; i++) flipped[static_cast<size_t>(i)] = from[first + i] ^ kSignBit;
          kernel(flipped.data(), to + first, n, q.scale, q.zero_point);
        }
      });
}

}  // namespace tenfold::plan
