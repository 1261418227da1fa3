#include "ops/resize_axis.hpp"

#include <algorithm>

namespace tenfold::ops {
namespace {

template <class E>
struct Name {
  std::string_view text;
  E value;
};

template <class E, size_t N>
E lookup(const ir::Node& node, std::string_view attribute, std::string_view fallback,
         const Name<E> (&names)[N]) {
  const std::string_view text = text_attr(node.attrs, attribute, fallback);
  for (const auto& n : names)
    if (n.text == text) return n.value;
  invalid(node, "unknown {} '{}'", attribute, text);
}

constexpr Name<ResizeMode> kModes[] = {
    {"nearest", ResizeMode::nearest}, {"linear", ResizeMode::linear}, {"cubic", ResizeMode::cubic}};
constexpr Name<ResizeNearest> kNearest[] = {{"round_prefer_floor", ResizeNearest::round_prefer_floor},
                                            {"round_prefer_ceil", ResizeNearest::round_prefer_ceil},
                                            {"floor", ResizeNearest::floor},
                                            {"ceil", ResizeNearest::ceil}};
constexpr Name<ResizeCoordinates> kCoordinates[] = {
    {"half_pixel", ResizeCoordinates::half_pixel},
    {"half_pixel_symmetric", ResizeCoordinates::half_pixel_symmetric},
    {"pytorch_half_pixel", ResizeCoordinates::pytorch_half_pixel},
    {"align_corners", ResizeCoordinates::align_corners},
    {"asymmetric", ResizeCoordinates::asymmetric},
    {"tf_half_pixel_for_nn", ResizeCoordinates::tf_half_pixel_for_nn},
    {"tf_crop_and_resize", ResizeCoordinates::tf_crop_and_resize}};

/// The position in the input that output position o samples (ONNX Resize, coordinate_transformation_mode). In
/// float, like the runtimes that models are checked against: ties of nearest depend on it.
float coordinate(ResizeCoordinates mode, const ResizeAxis& a, float o) {
  const float in = static_cast<float>(a.in), out = static_cast<float>(a.out);
  switch (mode) {
    case ResizeCoordinates::half_pixel:
      return (o + 0.5f) / a.scale - 0.5f;
    case ResizeCoordinates::half_pixel_symmetric: {
      const float adjustment = out / (a.scale * in), offset = in / 2 * (1 - adjustment);
      return offset + (o + 0.5f) / a.scale - 0.5f;
    }
    case ResizeCoordinates::pytorch_half_pixel:
      return a.out > 1 ? (o + 0.5f) / a.scale - 0.5f : 0.0f;
    case ResizeCoordinates::align_corners:
      return a.out == 1 ? 0.0f : o * (in - 1) / (out - 1);
    case ResizeCoordinates::asymmetric:
      return o / a.scale;
    case ResizeCoordinates::tf_half_pixel_for_nn:
      return (o + 0.5f) / a.scale;
    case ResizeCoordinates::tf_crop_and_resize:
      return a.out > 1 ? a.start * (in - 1) + o * (a.end - a.start) * (in - 1) / (out - 1)
                       : 0.5f * (a.start + a.end) * (in - 1);
  }
  return o;
}

float nearest(ResizeNearest mode, float x) {
  switch (mode) {
    case ResizeNearest::round_prefer_floor:
      return std::ceil(x - 0.5f);
    case ResizeNearest::round_prefer_ceil:
      return std::floor(x + 0.5f);
    case ResizeNearest::floor:
      return std::floor(x);
    case ResizeNearest::ceil:
      return std::ceil(x);
  }
  return x;
}

/// Keys' kernel at distances 1 + t, t, 1 - t and 2 - t.
std::array<float, 4> cubic_weights(float a, float t) {
  const auto near = [a](float d) { return ((a + 2) * d - (a + 3)) * d * d + 1; };
  const auto far = [a](float d) { return ((a * d - 5 * a) * d + 8 * a) * d - 4 * a; };
  return {far(1 + t), near(t), near(1 - t), far(2 - t)};
}

ResizeTaps cubic_taps(const ResizeOptions& options, const ResizeAxis& a, float x) {
  ResizeTaps taps;
  taps.count = 4;
  const float base = std::floor(x);
  taps.weight = cubic_weights(options.cubic_a, x - base);
  float sum = 0;
  for (size_t i = 0; i < 4; i++) {
    const int64_t index = static_cast<int64_t>(base) + static_cast<int64_t>(i) - 1;
    if (options.exclude_outside && (index < 0 || index >= a.in)) taps.weight[i] = 0;
    taps.index[i] = std::clamp<int64_t>(index, 0, a.in - 1);
    sum += taps.weight[i];
  }
  if (options.exclude_outside && sum != 0)
    for (float& w : taps.weight) w /= sum;
  return taps;
}

}  // namespace

ResizeOptions read_resize_options(const ir::Node& node) {
  if (flag_attr(node, "antialias")) unsupported(node, "attribute 'antialias'");
  ResizeOptions o;
  o.mode = lookup(node, "mode", "nearest", kModes);
  o.coordinates = lookup(node, "coordinate_transformation_mode", "half_pixel", kCoordinates);
  o.nearest = lookup(node, "nearest_mode", "round_prefer_floor", kNearest);
  o.cubic_a = node.attrs.get_float("cubic_coeff_a", -0.75f);
  o.extrapolation = node.attrs.get_float("extrapolation_value", 0);
  o.exclude_outside = flag_attr(node, "exclude_outside");
  return o;
}

ResizeTaps resize_taps(const ResizeOptions& options, const ResizeAxis& a, int64_t position) {
  ResizeTaps taps;
  if (a.identity(options)) {
    taps.index[0] = position;
    return taps;
  }
  const float last = static_cast<float>(a.in - 1);
  float x = coordinate(options.coordinates, a, static_cast<float>(position));
  taps.outside = options.coordinates == ResizeCoordinates::tf_crop_and_resize && !(x >= 0 && x <= last);
  // Two pixels outside nothing is read any more: bounds keep the conversion to integers in range, NaN
  // included.
  x = x > -2 ? std::min(x, last + 2) : -2.0f;
  if (options.mode == ResizeMode::nearest) {
    taps.index[0] = static_cast<int64_t>(std::clamp(nearest(options.nearest, x), 0.0f, last));
    return taps;
  }
  if (options.mode == ResizeMode::cubic) {
    ResizeTaps cubic = cubic_taps(options, a, x);
    cubic.outside = taps.outside;
    return cubic;
  }
  x = std::clamp(x, 0.0f, last);
  taps.count = 2;
  taps.index[0] = static_cast<int64_t>(x);
  taps.index[1] = std::min(taps.index[0] + 1, a.in - 1);
  taps.weight[1] = x - static_cast<float>(taps.index[0]);
  taps.weight[0] = 1 - taps.weight[1];
  return taps;
}

}  // namespace tenfold::ops
