// GridSample: x [N, C, spatial...] sampled at the positions of grid [N, out..., axes], given from -1 to 1,
// innermost axis first; two or three spatial axes.
#include <algorithm>

#include "base/math.hpp"
#include "ops/checks.hpp"

namespace tenfold::ops {
namespace {

constexpr int kMaxAxes = 3;
enum class Mode { nearest, linear, cubic };
enum class Padding { zeros, border, reflection };
size_t at(int i) { return static_cast<size_t>(i); }

struct Options {
  Mode mode = Mode::linear;
  Padding padding = Padding::zeros;
  bool align_corners = false;
};

Options read_options(const ir::Node& node) {
  Options o;
  const std::string_view mode = text_attr(node.attrs, "mode", "linear"),
                         padding = text_attr(node.attrs, "padding_mode", "zeros");
  if (mode == "nearest")
    o.mode = Mode::nearest;
  else if (mode == "cubic" || mode == "bicubic")
    o.mode = Mode::cubic;
  else if (mode != "linear" && mode != "bilinear")
    invalid(node, "unknown mode '{}'", mode);
  if (padding == "border")
    o.padding = Padding::border;
  else if (padding == "reflection")
    o.padding = Padding::reflection;
  else if (padding != "zeros")
    invalid(node, "unknown padding_mode '{}'", padding);
  o.align_corners = flag_attr(node, "align_corners");
  return o;
}

void infer(InferContext& ctx) {
  expect_dtype(ctx, 0, {DType::f32});
  expect_dtype(ctx, 1, {DType::f32});
  const Options o = read_options(ctx.node());
  const Shape *x = ctx.shape(0), *grid = ctx.shape(1);
  if (!x || !grid) return ctx.set(0, DType::f32, std::nullopt);
  const int axes = x->rank() - 2;
  if (axes < 2 || axes > kMaxAxes) unsupported(ctx.node(), "an input of shape {}", to_string(*x));
  if (axes == 3 && o.mode == Mode::cubic) unsupported(ctx.node(), "cubic interpolation along three axes");
  if (grid->rank() != x->rank() || !may_equal(grid->back(), axes) || !may_equal((*grid)[0], (*x)[0]))
    ctx.error("a grid of shape {} for an input of shape {}", to_string(*grid), to_string(*x));
  Shape out{(*grid)[0], (*x)[1]};
  for (int i = 1; i <= axes; i++) out.push_back((*grid)[i]);
  ctx.set(0, DType::f32, out);
}

/// Reflects x about lo and hi until it lies between.
float reflect(float x, float lo, float hi) {
  const float range = hi - lo;
  if (range <= 0) return lo;
  const float offset = std::fmod(std::abs(x - lo), 2 * range);
  return offset > range ? hi - (offset - range) : lo + offset;
}

/// The positions and weights that one coordinate reads along one axis.
struct Taps {
  int count = 1;
  std::array<int64_t, 4> index{};
  std::array<float, 4> weight{1, 0, 0, 0};
};

/// The element that tap position i stands for, or -1 for a zero.
int64_t padded_index(const Options& o, float i, int64_t extent) {
  const float last = static_cast<float>(extent - 1);
  if (i >= 0 && i <= last) return static_cast<int64_t>(i);
  if (o.padding == Padding::zeros || extent == 0 || std::isnan(i)) return -1;
  if (o.padding == Padding::border) return i < 0 ? 0 : extent - 1;
  if (std::isinf(i)) return -1;
  const float r = o.align_corners ? reflect(i, 0, last) : reflect(i, -0.5f, last + 0.5f);
  return std::clamp<int64_t>(static_cast<int64_t>(std::nearbyint(r)), 0, extent - 1);
}

/// Keys' kernel with a = -0.75 at distances 1 + t, t, 1 - t and 2 - t.
std::array<float, 4> cubic_weights(float t) {
  constexpr float a = -0.75f;
  const auto near = [](float d) { return ((a + 2) * d - (a + 3)) * d * d + 1; };
  const auto far = [](float d) { return ((a * d - 5 * a) * d + 8 * a) * d - 4 * a; };
  return {far(1 + t), near(t), near(1 - t), far(2 - t)};
}

Taps taps_of(const Options& o, float position, int64_t extent) {
  const float n = static_cast<float>(extent);
  const float x = o.align_corners ? (position + 1) / 2 * (n - 1) : ((position + 1) * n - 1) / 2;
  Taps t;
  float first = std::floor(x);
  if (o.mode == Mode::nearest) first = std::nearbyint(x);
  if (o.mode == Mode::linear) {
    t.count = 2;
    t.weight[1] = x - first;
    t.weight[0] = 1 - t.weight[1];
  }
  if (o.mode == Mode::cubic) {
    t.count = 4;
    t.weight = cubic_weights(x - first);
    first -= 1;
  }
  for (int i = 0; i < t.count; i++) t.index[at(i)] = padded_index(o, first + static_cast<float>(i), extent);
  return t;
}

/// Up to 16 elements with their weights: what one output position reads of a channel.
struct Samples {
  int count = 0;
  std::array<int64_t, 16> offset{};
  std::array<double, 16> weight{};
};

Samples samples_of(const Options& o, const float* position, const Shape& x) {
  const int axes = x.rank() - 2;
  std::array<Taps, kMaxAxes> taps{};  // axes in front of those there are read one element
  for (int i = 0; i < axes; i++) taps[at(kMaxAxes - axes + i)] = taps_of(o, position[axes - 1 - i], x[2 + i]);
  const int64_t rows = x[x.rank() - 2], columns = x.back();
  Samples s;
  for (int a = 0; a < taps[0].count; a++)
    for (int b = 0; b < taps[1].count; b++)
      for (int c = 0; c < taps[2].count; c++) {
        const int64_t ia = taps[0].index[at(a)], ib = taps[1].index[at(b)], ic = taps[2].index[at(c)];
        if (ia < 0 || ib < 0 || ic < 0) continue;
        s.offset[at(s.count)] = (ia * rows + ib) * columns + ic;
        s.weight[at(s.count++)] = static_cast<double>(taps[0].weight[at(a)]) *
                                  static_cast<double>(taps[1].weight[at(b)]) *
                                  static_cast<double>(taps[2].weight[at(c)]);
      }
  return s;
}

void eval(const EvalContext& ctx) {
  const Options o = read_options(ctx.node);
  const Shape &x = *ctx.in(0).shape, &y = *ctx.out().shape;
  const int64_t channels = x[1], in_pixels = x.elements(2, x.rank()), out_pixels = y.elements(2, y.rank()),
                axes = x.rank() - 2;
  for (int64_t n = 0; n < x[0]; n++)
    for (int64_t i = 0; i < out_pixels; i++) {
      const Samples s = samples_of(o, ctx.in(1).as<float>() + (n * out_pixels + i) * axes, x);
      for (int64_t c = 0; c < channels; c++) {
        const float* from = ctx.in(0).as<float>() + (n * channels + c) * in_pixels;
        double sum = 0;
        for (int k = 0; k < s.count; k++) sum += s.weight[at(k)] * static_cast<double>(from[s.offset[at(k)]]);
        ctx.out().as<float>()[(n * channels + c) * out_pixels + i] = static_cast<float>(sum);
      }
    }
}

}  // namespace

extern const OpDef op_grid_sample;
const OpDef op_grid_sample{"GridSample", OpKind::other, 2, 2, 1, infer, eval};

}  // namespace tenfold::ops
