#include "quant/params.hpp"

#include <algorithm>
#include <cmath>

namespace tenfold::quant {

Range unite(Range a, Range b) { return {std::min(a.lo, b.lo), std::max(a.hi, b.hi)}; }

Tensor copy_of(const Tensor& tensor) {
  Tensor copy(tensor.dtype(), tensor.shape());
  if (copy.bytes() > 0) std::memcpy(copy.mutable_raw(), tensor.raw(), copy.bytes());
  return copy;
}

ActivationParams activation_params(Range range) {
  const double lo = std::min(range.lo, 0.0f), hi = std::max(range.hi, 0.0f);
  const auto scale = static_cast<float>((hi - lo) / 255.0);
  if (!(scale >= kMinScale)) return {};
  const double zero = std::nearbyint(-lo / scale);
  return {scale, static_cast<uint8_t>(std::clamp(zero, 0.0, 255.0))};
}

QuantizedWeight quantize_weight(const Tensor& weight, std::optional<int> axis,
                                std::span<const float> min_scales) {
  const Shape& shape = weight.shape();
  const int64_t channels = axis ? shape[*axis] : 1;
  const int64_t inner = axis ? shape.elements(*axis + 1, shape.rank()) : weight.elements();
  const int64_t outer = axis ? shape.elements(0, *axis) : 1;
  ensure(min_scales.empty() || static_cast<int64_t>(min_scales.size()) == channels,
         "{} scale bounds for {} channels", min_scales.size(), channels);
  QuantizedWeight q{Tensor(DType::s8, shape), std::vector<float>(static_cast<size_t>(channels), 0.0f)};
  const float* src = weight.data<float>();
  int8_t* dst = q.data.mutable_data<int8_t>();
  const auto for_rows = [&](auto&& f) {
    for (int64_t o = 0; o < outer; o++)
      for (int64_t c = 0; c < channels; c++) f(static_cast<size_t>(c), (o * channels + c) * inner);
  };
  for_rows([&](size_t c, int64_t at) {
    for (int64_t i = 0; i < inner; i++) q.scales[c] = std::max(q.scales[c], std::fabs(src[at + i]));
  });
  for (size_t c = 0; c < q.scales.size(); c++) {
    float& s = q.scales[c];
    s = std::max(s / 127.0f, min_scales.empty() ? 0.0f : min_scales[c]);
    if (!(s >= kMinScale)) s = 1.0f;  // a dead channel: any scale represents its zeros
  }
  for_rows([&](size_t c, int64_t at) {
    const float inverse = 1.0f / q.scales[c];
    for (int64_t i = 0; i < inner; i++)
      dst[at + i] = static_cast<int8_t>(std::clamp(std::nearbyint(src[at + i] * inverse), -127.0f, 127.0f));
  });
  return q;
}

Tensor quantize_bias(std::span<const float> bias, float input_scale, std::span<const float> weight_scales) {
  Tensor q(DType::i32, Shape{static_cast<int64_t>(bias.size())});
  for (size_t c = 0; c < bias.size(); c++) {
    const double scale = double{input_scale} * weight_scales[weight_scales.size() == 1 ? 0 : c];
    q.mutable_data<int32_t>()[c] =
        static_cast<int32_t>(std::clamp(std::nearbyint(bias[c] / scale), -2147483647.0, 2147483647.0));
  }
  return q;
}

float min_weight_scale_for_bias(float bias, float input_scale) {
  return static_cast<float>(std::fabs(double{bias}) / (double{input_scale} * 0x1p30));
}

}  // namespace tenfold::quant
