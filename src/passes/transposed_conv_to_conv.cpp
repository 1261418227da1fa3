// ConvTranspose as a convolution over the input's grid that computes all stride x stride phases of an output
// block as channels, and DepthToSpace, or what that would be along one axis (Shi et al., "Is the
// deconvolution layer the same as a convolutional layer?", 2016).  Output position o = s * q - begin + r
// takes taps r, r + s, r + 2s, ... of the kernel, so a kernel of ceil(k / s) taps does; what padding cuts off
// is cropped by a Slice.
#include <algorithm>
#include <cstring>
#include <ranges>

#include "base/math.hpp"
#include "passes/match.hpp"
#include "passes/pass.hpp"

namespace tenfold::passes {
namespace {

using ir::kNone;
using Ints = std::vector<int64_t>;

/// One spatial axis: the convolution's kernel and pads, and what is cropped from s * (its output).
struct Axis {
  int64_t taps, pad_begin, pad_end, crop_begin, crop_end;
};
Axis axis(int64_t kernel, int64_t s, int64_t begin, int64_t end, int64_t output_padding) {
  const int64_t taps = ceil_div(kernel, s), skipped = std::min(begin / s, taps - 1);
  const int64_t extra = kernel + output_padding - s - end;  // output extent - s * input extent + begin
  const int64_t pad_end = extra > 0 ? ceil_div(extra, s) : 0;
  return {taps, taps - 1 - skipped, pad_end, begin - skipped * s, pad_end * s - extra};
}

/// Along one axis, it is the second one.
struct Geometry {
  int spatial;
  int64_t group;
  std::array<int64_t, 2> strides{1, 1}, kernel{1, 1};
  std::array<Axis, 2> axes{axis(1, 1, 0, 0, 0), axis(1, 1, 0, 0, 0)};

  int64_t phases() const { return strides[0] * strides[1]; }
  size_t first_axis() const { return static_cast<size_t>(2 - spatial); }
};

/// Phases pad the kernel with zeros to taps * stride.  Beyond 8 times the weights (stride 3 behind a 1 x 1
/// kernel is 9 times) nearly all products are with zeros, and a file could ask for any amount of memory.
constexpr int64_t kMaxGrowth = 8;

/// Empty where the rewrite does not apply.  Only for nodes whose shapes inference has checked: it bounds the
/// group and the strides.
std::optional<Geometry> geometry(const ir::Node& n, const Shape& w) {
  const auto ints = [&](const char* name, Ints otherwise) {
    Ints v = n.attrs.get_ints(name);
    return v.empty() ? otherwise : v;
  };
  const int spatial = w.rank() - 2;
  const auto axes = static_cast<size_t>(std::max(0, spatial));
  if ((spatial != 1 && spatial != 2) || n.attrs.get_string("auto_pad", "NOTSET") != "NOTSET" ||
      !n.attrs.get_ints("output_shape").empty() || n.attrs.has("activation") ||
      ints("dilations", Ints(axes, 1)) != Ints(axes, 1))
    return std::nullopt;
  const Ints strides = ints("strides", Ints(axes, 1)), pads = ints("pads", Ints(2 * axes, 0)),
             more = ints("output_padding", Ints(axes, 0));
  if (strides.size() != axes || pads.size() != 2 * axes || more.size() != axes ||
      strides.front() != strides.back())
    return std::nullopt;
  const auto negative = [](int64_t v) { return v < 0; };
  if (std::ranges::any_of(pads, negative) || std::ranges::any_of(more, negative)) return std::nullopt;
  const int64_t largest = kMaxGrowth * w.elements(2, w.rank());
  if (strides[0] < 1 || strides[0] > (spatial == 1 ? largest : largest / strides[0])) return std::nullopt;
  Geometry g{.spatial = spatial, .group = n.attrs.get_int("group", 1)};
  for (size_t i = 0; i < axes; i++) {
    const size_t a = g.first_axis() + i;
    g.strides[a] = strides[i];
    g.kernel[a] = w[2 + static_cast<int>(i)];
    g.axes[a] = axis(g.kernel[a], strides[i], pads[i], pads[i + axes], more[i]);
  }
  if (g.axes[0].taps * g.axes[1].taps * g.phases() > largest) return std::nullopt;
  return g;
}

/// Phases outside filters (DepthToSpace mode DCR) move runs of channels where these lie last; with groups,
/// the filters of one stay together (CRD).
bool phases_outside(const Geometry& g) { return g.group == 1; }

/// [C, M / group, kernel] -> [M * phases, C / group, taps]: tap j of phase r is tap r + s * (taps - 1 - j).
/// `zero` stands where the kernel has no tap.
template <class T>
Tensor phase_weights(const Tensor& w, const Geometry& g, T zero) {
  const int64_t channels = w.shape()[0] / g.group, per_group = w.shape()[1], phases = g.phases();
  const int64_t filters = g.group * per_group, rows = g.axes[0].taps, columns = g.axes[1].taps;
  Shape shape{filters * phases, channels};
  for (size_t a = g.first_axis(); a < 2; a++) shape.push_back(g.axes[a].taps);
  Tensor out(w.dtype(), shape);
  T* to = out.mutable_data<T>();
  for (int64_t f = 0; f < filters * phases; f++) {
    const int64_t m = phases_outside(g) ? f % filters : f / phases;
    const int64_t r = phases_outside(g) ? f / filters : f % phases;
    for (int64_t c = 0; c < channels; c++)
      for (int64_t i = 0; i < rows; i++)
        for (int64_t j = 0; j < columns; j++) {
          const int64_t y = r / g.strides[1] + g.strides[0] * (rows - 1 - i),
                        x = r % g.strides[1] + g.strides[1] * (columns - 1 - j);
          const int64_t filter = (m / per_group * channels + c) * per_group + m % per_group;
          *to++ = y < g.kernel[0] && x < g.kernel[1]
                      ? w.data<T>()[(filter * g.kernel[0] + y) * g.kernel[1] + x]
                      : zero;
        }
  }
  return out;
}

/// One value of every filter as one of every phase.
Tensor phase_values(const Tensor& values, const Geometry& g) {
  const int64_t filters = values.elements(), phases = g.phases();
  Tensor out(values.dtype(), {filters * phases});
  const size_t size = size_of(values.dtype());
  for (int64_t i = 0; i < out.elements(); i++) {
    const int64_t from = phases_outside(g) ? i % filters : i / phases;
    std::memcpy(static_cast<std::byte*>(out.mutable_raw()) + static_cast<size_t>(i) * size,
                static_cast<const std::byte*>(values.raw()) + static_cast<size_t>(from) * size, size);
  }
  return out;
}

/// A constant, or DequantizeLinear of constants.
struct Source {
  const Tensor* values = nullptr;
  const Tensor *scale = nullptr,
               *zero_point = nullptr;  ///< null where not quantized; zero_point may be null then too
  const ir::Node* dequantize = nullptr;
};
std::optional<Source> source(const ir::Graph& graph, ir::ValueId v) {
  if (const Tensor* t = graph.constant(v)) return Source{t};
  const ir::Node* dq = graph.producer(v);
  if (!dq || dq->op != "DequantizeLinear" || dq->attrs.get_int("block_size", 0)) return std::nullopt;
  const Source s{graph.constant(dq->input(0)), graph.constant(dq->input(1)), graph.constant(dq->input(2)),
                 dq};
  if (!s.values || !s.scale || (dq->input(2) != kNone && !s.zero_point)) return std::nullopt;
  return s;
}

/// The weights or bias `phases` of `from`, dequantized along axis 0 if `from` is.
ir::ValueId rebuilt(ir::Patch& patch, const Source& from, Tensor phases, const Geometry& g,
                    const char* stem) {
  const ir::ValueId values = patch.constant(std::move(phases), stem);
  if (!from.dequantize) return values;
  ir::Attributes attrs = from.dequantize->attrs;
  attrs.set("axis", int64_t{0});
  const auto parameter = [&](const Tensor* t, const char* name) {
    if (!t) return kNone;
    return patch.constant(t->elements() == 1 ? t->reshaped({}) : phase_values(*t, g), name);
  };
  return patch.add("DequantizeLinear",
                   {values, parameter(from.scale, "scale"), parameter(from.zero_point, "zero_point")}, attrs,
                   from.dequantize->name);
}

/// Null where the weights have another type, or a scale for each of anything but the filters.
std::optional<Tensor> phases_of(const Source& w, const Geometry& g) {
  if (!w.dequantize)
    return w.values->dtype() == DType::f32 ? std::optional(phase_weights<float>(*w.values, g, 0))
                                           : std::nullopt;
  if (w.scale->elements() > 1 && (g.group != 1 || w.dequantize->attrs.get_int("axis", 1) != 1))
    return std::nullopt;
  const auto zero_at = [&](int64_t i) { return w.zero_point->at_int(i) == 0; };
  const int64_t zero_points = w.zero_point ? w.zero_point->elements() : 0;
  if (w.values->dtype() == DType::s8 &&
      std::ranges::all_of(std::views::iota(int64_t{0}, zero_points), zero_at))
    return phase_weights<int8_t>(*w.values, g, 0);
  if (w.values->dtype() == DType::u8 && w.zero_point && w.zero_point->elements() == 1)
    return phase_weights<uint8_t>(*w.values, g, *w.zero_point->data<uint8_t>());
  return std::nullopt;
}

ir::ValueId ints(ir::Patch& patch, Ints v, const char* stem) {
  return patch.constant(Tensor::from<int64_t>({static_cast<int64_t>(v.size())}, v), stem);
}

/// From channels to positions between those of the convolution.
ir::ValueId spread_phases(ir::Patch& patch, ir::ValueId y, const Geometry& g, int64_t filters) {
  if (g.phases() == 1) return y;
  if (g.spatial == 2)
    return patch.add("DepthToSpace", {y},
                     {{"blocksize", g.strides[1]}, {"mode", std::string(phases_outside(g) ? "DCR" : "CRD")}});
  const Ints split = phases_outside(g) ? Ints{0, g.phases(), filters, -1} : Ints{0, filters, g.phases(), -1};
  y = patch.add("Reshape", {y, ints(patch, split, "phases")});
  y = patch.add("Transpose", {y}, {{"perm", phases_outside(g) ? Ints{0, 2, 3, 1} : Ints{0, 1, 3, 2}}});
  return patch.add("Reshape", {y, ints(patch, {0, filters, -1}, "filters")});
}

ir::ValueId crop(ir::Patch& patch, ir::ValueId y, const Geometry& g) {
  Ints starts, ends, axes;
  for (size_t a = g.first_axis(); a < 2; a++) {
    const Axis& axis = g.axes[a];
    starts.push_back(axis.crop_begin);
    ends.push_back(axis.crop_end ? -axis.crop_end : std::numeric_limits<int64_t>::max());
    axes.push_back(static_cast<int64_t>(2 + a - g.first_axis()));
  }
  if (std::ranges::all_of(g.axes, [](const Axis& a) { return !a.crop_begin && !a.crop_end; })) return y;
  return patch.add("Slice",
                   {y, ints(patch, starts, "starts"), ints(patch, ends, "ends"), ints(patch, axes, "axes")});
}

std::optional<ir::Patch> rewrite(const ir::Graph& graph, ir::NodeId id) {
  const ir::Node& n = graph.node(id);
  if (n.op != "ConvTranspose") return std::nullopt;
  const auto w = source(graph, n.input(1));
  const auto bias = n.input(2) == kNone ? Source{} : source(graph, n.input(2));
  if (!w || w->values->elements() == 0 || !bias || !shape_of(graph, n.output())) return std::nullopt;
  const auto g = geometry(n, w->values->shape());
  if (!g) return std::nullopt;
  auto phases = phases_of(*w, *g);
  if (!phases) return std::nullopt;
  ir::Patch patch(graph);
  std::vector<ir::ValueId> inputs{n.input(0), rebuilt(patch, *w, std::move(*phases), *g, "phases")};
  if (bias->values) inputs.push_back(rebuilt(patch, *bias, phase_values(*bias->values, *g), *g, "bias"));
  Ints taps, pads;
  for (size_t a = g->first_axis(); a < 2; a++)
    taps.push_back(g->axes[a].taps), pads.push_back(g->axes[a].pad_begin);
  for (size_t a = g->first_axis(); a < 2; a++) pads.push_back(g->axes[a].pad_end);
  const ir::ValueId y =
      patch.add("Conv", inputs, {{"kernel_shape", taps}, {"pads", pads}, {"group", g->group}}, n.name);
  const int64_t filters = w->values->shape()[1] * g->group;
  patch.replace(n.output(), crop(patch, spread_phases(patch, y, *g, filters), *g));
  return patch;
}

}  // namespace

extern const Pass pass_transposed_conv_to_conv;
const Pass pass_transposed_conv_to_conv{"transposed-conv-to-conv",
                                        "transposed convolutions to convolutions over phases", rewrite};

}  // namespace tenfold::passes
