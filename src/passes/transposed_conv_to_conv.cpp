// ConvTranspose as a convolution over the input's grid that computes all stride x stride phases of an output
// block as channels, and DepthToSpace (Shi et al., "Is the deconvolution layer the same as a convolutional
// layer?", 2016).  Output position o = s * q - begin + r takes taps r, r + s, r + 2s, ... of the kernel, so a
// kernel of ceil(k / s) taps does; what padding cuts off is cropped by a Slice.
#include <algorithm>

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

struct Geometry {
  int64_t stride, group;
  std::array<int64_t, 2> kernel;
  std::array<Axis, 2> axes;
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
  if (w.rank() != 4 || n.attrs.get_string("auto_pad", "NOTSET") != "NOTSET" ||
      !n.attrs.get_ints("output_shape").empty() || n.attrs.has("activation") ||
      ints("dilations", {1, 1}) != Ints{1, 1})
    return std::nullopt;
  const Ints strides = ints("strides", {1, 1}), pads = ints("pads", {0, 0, 0, 0}),
             more = ints("output_padding", {0, 0});
  if (strides.size() != 2 || pads.size() != 4 || more.size() != 2 || strides[0] != strides[1])
    return std::nullopt;
  const auto negative = [](int64_t v) { return v < 0; };
  if (std::ranges::any_of(pads, negative) || std::ranges::any_of(more, negative)) return std::nullopt;
  const int64_t largest = kMaxGrowth * w[2] * w[3];
  if (strides[0] < 1 || strides[0] > largest / strides[0]) return std::nullopt;
  Geometry g{strides[0], n.attrs.get_int("group", 1), {w[2], w[3]}, {}};
  for (size_t i = 0; i < 2; i++) g.axes[i] = axis(g.kernel[i], g.stride, pads[i], pads[i + 2], more[i]);
  if (g.axes[0].taps * g.axes[1].taps * g.stride * g.stride > largest) return std::nullopt;
  return g;
}

/// Phases outside filters (DepthToSpace mode DCR) move runs of channels where these lie last; with groups,
/// the filters of one stay together (CRD).
bool phases_outside(const Geometry& g) { return g.group == 1; }

/// [C, M / group, kernel] -> [M * s * s, C / group, taps]: tap j of phase r is tap r + s * (taps - 1 - j).
Tensor phase_weights(const Tensor& w, const Geometry& g) {
  const int64_t channels = w.shape()[0] / g.group, per_group = w.shape()[1], s = g.stride;
  const int64_t filters = g.group * per_group, rows = g.axes[0].taps, columns = g.axes[1].taps;
  Tensor out(DType::f32, {filters * s * s, channels, rows, columns});
  float* to = out.mutable_data<float>();
  for (int64_t f = 0; f < filters * s * s; f++) {
    const int64_t m = phases_outside(g) ? f % filters : f / (s * s);
    const int64_t r = phases_outside(g) ? f / filters : f % (s * s);
    for (int64_t c = 0; c < channels; c++)
      for (int64_t i = 0; i < rows; i++)
        for (int64_t j = 0; j < columns; j++) {
          const int64_t y = r / s + s * (rows - 1 - i), x = r % s + s * (columns - 1 - j);
          const int64_t filter = (m / per_group * channels + c) * per_group + m % per_group;
          *to++ = y < g.kernel[0] && x < g.kernel[1]
                      ? w.data<float>()[(filter * g.kernel[0] + y) * g.kernel[1] + x]
                      : 0.0f;
        }
  }
  return out;
}

Tensor phase_bias(const Tensor& bias, const Geometry& g) {
  const int64_t filters = bias.elements(), phases = g.stride * g.stride;
  Tensor out(DType::f32, {filters * phases});
  for (int64_t i = 0; i < out.elements(); i++)
    out.mutable_data<float>()[i] = bias.data<float>()[phases_outside(g) ? i % filters : i / phases];
  return out;
}

ir::ValueId crop(ir::Patch& patch, ir::ValueId y, const Geometry& g) {
  const auto& [rows, columns] = g.axes;
  if (!rows.crop_begin && !rows.crop_end && !columns.crop_begin && !columns.crop_end) return y;
  const auto ints = [&](Ints v, const char* stem) {
    return patch.constant(Tensor::from<int64_t>({static_cast<int64_t>(v.size())}, v), stem);
  };
  const auto end = [](const Axis& a) {
    return a.crop_end ? -a.crop_end : std::numeric_limits<int64_t>::max();
  };
  return patch.add("Slice", {y, ints({rows.crop_begin, columns.crop_begin}, "starts"),
                             ints({end(rows), end(columns)}, "ends"), ints({2, 3}, "axes")});
}

std::optional<ir::Patch> rewrite(const ir::Graph& graph, ir::NodeId id) {
  const ir::Node& n = graph.node(id);
  if (n.op != "ConvTranspose") return std::nullopt;
  const Tensor* w = graph.constant(n.input(1));
  const Tensor* bias = graph.constant(n.input(2));
  if (!w || w->elements() == 0 || (n.input(2) != kNone && !bias) || !shape_of(graph, n.output()))
    return std::nullopt;
  const auto g = geometry(n, w->shape());
  if (!g) return std::nullopt;
  const auto& [rows, columns] = g->axes;
  ir::Patch patch(graph);
  std::vector<ir::ValueId> inputs{n.input(0), patch.constant(phase_weights(*w, *g), "phases")};
  if (bias) inputs.push_back(patch.constant(phase_bias(*bias, *g), "bias"));
  ir::ValueId y = patch.add("Conv", inputs,
                            {{"kernel_shape", Ints{rows.taps, columns.taps}},
                             {"pads", Ints{rows.pad_begin, columns.pad_begin, rows.pad_end, columns.pad_end}},
                             {"group", g->group}},
                            n.name);
  if (g->stride > 1)
    y = patch.add("DepthToSpace", {y},
                  {{"blocksize", g->stride}, {"mode", std::string(phases_outside(*g) ? "DCR" : "CRD")}});
  patch.replace(n.output(), crop(patch, y, *g));
  return patch;
}

}  // namespace

extern const Pass pass_transposed_conv_to_conv;
const Pass pass_transposed_conv_to_conv{"transposed-conv-to-conv",
                                        "transposed convolutions to convolutions over phases", rewrite};

}  // namespace tenfold::passes
