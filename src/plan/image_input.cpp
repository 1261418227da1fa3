// Stems: QuantizeLinear -> Transpose -> QConv on an image of up to four planes reads the planes once and
// writes interleaved, padded pixels, so that the convolution needs neither the copy nor a test at the border.
#include <cstring>

#include "ir/patch.hpp"
#include "ops/convolve.hpp"
#include "ops/op.hpp"
#include "plan/lowering.hpp"

namespace tenfold::plan {
namespace {

/// Three channels become four: a pixel is one load, and the dot product takes bytes by fours anyway.
int64_t pixel_bytes(int64_t channels) { return channels == 3 ? 4 : channels; }

Tensor widened(const Tensor& w, int64_t channels) {
  const int64_t filters = w.shape()[0], from = w.shape()[1], taps = w.elements() / (filters * from);
  Tensor out(w.dtype(), {filters, channels, w.shape()[2], w.shape()[3]});
  std::memset(out.mutable_raw(), 0, out.bytes());
  const size_t filter = static_cast<size_t>(from * taps) * size_of(w.dtype());
  const size_t wide = static_cast<size_t>(channels * taps) * size_of(w.dtype());
  for (size_t f = 0; f < static_cast<size_t>(filters); f++)
    std::memcpy(static_cast<std::byte*>(out.mutable_raw()) + f * wide,
                static_cast<const std::byte*>(w.raw()) + f * filter, filter);
  return out;
}

struct Stem {
  const ir::Node* quantize;
  ops::Convolution conv;
  float scale;
  int zero_point;
};

/// N C H W -> N H W C, which for one channel moves nothing.
bool makes_channels_last(const ir::Graph& g, const ir::Node& n) {
  const Shape& from = *g.value(n.input(0)).shape;
  if (from.rank() != 4 || *g.value(n.output()).shape != Shape{from[0], from[2], from[3], from[1]})
    return false;
  return n.op == "Transpose" ? n.attrs.get_ints("perm") == std::vector<int64_t>{0, 2, 3, 1}
                             : n.op == "Reshape" && from[1] == 1;
}

std::optional<Stem> match(const ir::Graph& g, const ir::Node& n) {
  if (n.op != "QConv" || !n.attrs.get_int("channels_last", 0) || n.attrs.get_int("group", 1) != 1)
    return std::nullopt;
  const Tensor* w = g.constant(n.input(1));
  const ir::Node* transpose = g.producer(n.input(0));
  if (!w || w->shape().rank() != 4 || !transpose || !makes_channels_last(g, *transpose) ||
      g.single_consumer(n.input(0)) == ir::kNone)
    return std::nullopt;
  const ir::Node* q = g.producer(transpose->input(0));
  if (!q || q->op != "QuantizeLinear" || g.single_consumer(transpose->input(0)) == ir::kNone)
    return std::nullopt;
  const ir::Value& image = g.value(q->input(0));
  const Tensor* scale = g.constant(q->input(1));
  const Tensor* zero = g.constant(q->input(2));
  if (image.dtype != DType::f32 || g.value(q->output()).dtype != DType::u8 || !scale ||
      scale->elements() != 1 || (q->input(2) != ir::kNone && !zero) || (*image.shape)[1] > 4)
    return std::nullopt;
  const ops::Convolution conv = ops::resolve_convolution(n, *g.value(n.input(0)).shape, w->shape());
  // A pointwise convolution is resolved as one long row, which is not the shape of the image.
  if (conv.window.in != ops::Extents3{1, (*image.shape)[2], (*image.shape)[3]}) return std::nullopt;
  const int64_t zero_point = zero ? zero->at_int(0) : 0;
  // The image is padded with the value that it quantizes zero to, which has to be what the convolution pads.
  if (zero_point != n.attrs.get_int("x_zero_point", 0)) return std::nullopt;
  return Stem{q, conv, scale->data<float>()[0], static_cast<int>(zero_point)};
}

ir::Patch rewrite(const ir::Graph& g, const ir::Node& n, const Stem& s) {
  const ops::Window& window = s.conv.window;
  const auto extent = [&](size_t a) {
    return (window.out[a] - 1) * window.stride[a] + window.reach(static_cast<int>(a));
  };
  const int64_t channels = pixel_bytes(s.conv.channels);
  ir::Patch patch(g);
  const ir::ValueId image = patch.add("QuantizeImage", {s.quantize->input(0)},
                                      {{"scale", s.scale},
                                       {"zero_point", static_cast<int64_t>(s.zero_point)},
                                       {"height", extent(1)},
                                       {"width", extent(2)},
                                       {"channels", channels},
                                       {"top", window.pad_begin[1]},
                                       {"left", window.pad_begin[2]}},
                                      s.quantize->name);
  ir::Attributes attrs = n.attrs;
  attrs.set("pads", std::vector<int64_t>{0, 0, 0, 0});
  attrs.set("auto_pad", std::string("NOTSET"));
  std::vector<ir::ValueId> inputs = n.inputs;
  inputs[0] = image;
  inputs[1] = patch.constant(widened(*g.constant(n.input(1)), channels), "weights");
  patch.replace(n.output(), patch.add("QConv", inputs, attrs, n.name));
  return patch;
}

}  // namespace

void interleave_images(ir::Graph& graph) {
  for (ir::NodeId id : graph.topological_order()) {
    const std::optional<Stem> stem = match(graph, graph.node(id));
    if (stem) rewrite(graph, graph.node(id), *stem).apply(graph, ops::infer);
  }
}

}  // namespace tenfold::plan
