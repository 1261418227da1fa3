// Operators that older versions write with attributes, or without attributes that came later.
#include <algorithm>
#include <array>

#include "onnx/elem_type.hpp"
#include "onnx/node_export.hpp"

namespace tenfold::onnx {
namespace {

/// A reduction over no axes still maps every element.
void reduce_nothing(NodeExport& n) {
  const std::string &op = n.node.op, &x = n.inputs[0];
  if (op == "ReduceSumSquare") return n.finish("Mul", {x, x});
  if (op == "ReduceL1" || op == "ReduceL2") return n.finish("Abs", {x});
  if (op != "ReduceLogSum") return n.finish("Identity", {x});
  if (!is_float(n.dtype_of(0))) n.unsupported("the logarithm of integers");
  n.finish("Log", {x});
}

void reduce(NodeExport& n) {
  const bool none = !n.has_input(1) || (n.constant_of(1) && n.constant_of(1)->elements() == 0);
  if (none && n.attrs.get_int("noop_with_empty_axes", 0) != 0) return reduce_nothing(n);
  n.attrs.erase("noop_with_empty_axes");
  if (!none) n.attrs.set("axes", n.need_ints(1));
  n.finish(n.node.op, {n.inputs[0]}, n.attrs);
}

/// ReduceMax and ReduceMin.
void reduce_extreme(NodeExport& n) {
  if (n.dtype_of(0) == DType::boolean) n.unsupported("the extreme of bool came with version 20");
  if (n.opset >= 18) return n.keep();
  reduce(n);
}

/// Without sizes the last part may be smaller since version 18; before, equal parts only.
void split(NodeExport& n) {
  const auto parts = static_cast<int64_t>(n.outputs.size());
  n.attrs.erase("num_outputs");
  if (!n.has_input(1)) {
    const Shape* shape = n.shape_of(0);
    int64_t axis = n.attrs.get_int("axis", 0);
    if (shape && axis < 0) axis += shape->rank();
    const int64_t extent = shape ? (*shape)[static_cast<int>(axis)] : -1;
    if (extent >= 0 && extent % parts != 0) {
      const int64_t part = (extent + parts - 1) / parts;
      std::vector<int64_t> sizes(static_cast<size_t>(parts), part);
      sizes.back() = extent - part * (parts - 1);
      return n.finish("Split", {n.inputs[0], n.ints(sizes, "sizes")}, n.attrs);
    }
  }
  n.keep();
}

/// Version 18 may name the axes that are padded.
void pad(NodeExport& n) {
  if (n.attrs.get_string("mode", "constant") == "wrap") n.unsupported("mode 'wrap' came with version 19");
  if (n.has_input(3)) {
    const auto rank = static_cast<size_t>(n.need_rank(0));
    const std::vector<int64_t> axes = n.need_ints(3), pads = n.need_ints(1);
    std::vector<int64_t> all(2 * rank, 0);
    for (size_t i = 0; i < axes.size(); i++) {
      const auto axis = static_cast<size_t>(axes[i] < 0 ? axes[i] + static_cast<int64_t>(rank) : axes[i]);
      ensure(axis < rank && pads.size() == 2 * axes.size(), "Pad '{}' with wrong axes", n.node.name);
      all[axis] = pads[i];
      all[axis + rank] = pads[i + axes.size()];
    }
    n.inputs[1] = n.ints(all, "pads");
    n.inputs.resize(3);
  }
  n.keep();
}

void resize(NodeExport& n) {
  if (n.opset < 18) {
    n.drop_default("antialias", int64_t{0});
    n.drop_default("keep_aspect_ratio_policy", std::string("stretch"));
    if (n.attrs.has("axes")) n.unsupported("attribute 'axes' came with version 18");
  }
  if (n.attrs.get_string("coordinate_transformation_mode", "half_pixel") == "half_pixel_symmetric")
    n.unsupported("coordinates 'half_pixel_symmetric' came with version 19");
  n.keep();
}

void average_pool(NodeExport& n) {
  if (const auto dilations = n.attrs.get_ints("dilations"); !dilations.empty())
    n.drop_default("dilations", std::vector<int64_t>(dilations.size(), 1));
  n.keep();
}

void lp_pool(NodeExport& n) {
  n.drop_default("ceil_mode", int64_t{0});
  average_pool(n);
}

void shape(NodeExport& n) {
  const int64_t start = n.attrs.get_int("start", 0), end = n.attrs.get_int("end", INT64_MAX);
  if (start == 0 && end == INT64_MAX) return n.finish("Shape", n.inputs);
  n.finish("Slice", {n.emit("Shape", n.inputs), n.ints({start}, "start"), n.ints({end}, "end")});
}

/// Without allowzero a zero copies an extent; where the target has none the attribute means nothing.
void reshape(NodeExport& n) {
  const auto& content = n.graph.value(n.node.input(1)).content;
  const Tensor* target = n.constant_of(1);
  bool zeros = !target && !content;
  for (int64_t i = 0; target && i < target->elements(); i++) zeros |= target->at_int(i) == 0;
  if (!target && content) zeros = std::find(content->begin(), content->end(), 0) != content->end();
  if (!zeros) n.attrs.erase("allowzero");
  n.drop_default("allowzero", int64_t{0});
  n.keep();
}

void scatter(NodeExport& n) {
  n.drop_default("reduction", std::string("none"));
  n.keep();
}

void cast(NodeExport& n) {
  n.attrs.erase("saturate");  // only for float8, which the graph has not
  n.attrs.erase("round_mode");
  n.keep();
}

bool is_wide(DType t) { return t == DType::u16 || t == DType::s16; }

void quantize_linear(NodeExport& n) {
  if (n.has_input(2) && is_wide(n.dtype_of(2)) && n.opset < 21)
    n.unsupported("16-bit quantization came with version 21");
  const Shape* scale = n.shape_of(1);
  if (scale && scale->rank() == 0) n.attrs.erase("axis");
  n.keep();
}

/// Biases are i32 with a zero point of zero, which engines want left out.
void dequantize_linear(NodeExport& n) {
  if (is_wide(n.dtype_of(0)) && n.opset < 21) n.unsupported("16-bit quantization came with version 21");
  if (n.dtype_of(0) == DType::i32 && n.has_input(2)) {
    const Tensor* zero = n.constant_of(2);
    for (int64_t i = 0; zero && i < zero->elements(); i++)
      if (zero->at_int(i) != 0) n.unsupported("int32 with a zero point that is not zero");
    n.inputs.resize(2);
  }
  const Shape* scale = n.shape_of(1);
  if (scale && scale->rank() == 0) n.attrs.erase("axis");
  n.keep();
}

void grid_sample(NodeExport& n) {
  if (n.opset < 16) n.unsupported("it came with version 16");
  const std::string mode = n.attrs.get_string("mode", "linear");
  n.attrs.set("mode", mode == "linear" ? "bilinear" : mode == "cubic" ? "bicubic" : mode);
  n.keep();
}

/// LSTM, GRU and RNN with the batch in front came with version 14.
void recurrent(NodeExport& n) {
  n.drop_default("layout", int64_t{0});
  n.keep();
}

/// Before version 16 the grid was not shifted by half a pixel.
void roi_align(NodeExport& n) {
  if (!n.attrs.has("coordinate_transformation_mode"))
    n.unsupported("coordinates 'half_pixel' came with version 16");
  n.drop_default("coordinate_transformation_mode", std::string("output_half_pixel"));
  n.keep();
}

/// Arithmetic on 8 and 16 bit integers came with version 14.
void arithmetic(NodeExport& n) {
  if (size_of(n.dtype_of(0)) < 4)
    n.unsupported(fmt::format("arithmetic on {} came with version 14", to_string(n.dtype_of(0))));
  n.keep();
}

/// Before version 14 of reals only.
void relu(NodeExport& n) {
  if (is_float(n.dtype_of(0))) return n.keep();
  if (size_of(n.dtype_of(0)) < 4) n.unsupported("integers of less than 32 bits came with version 14");
  n.finish("Max", {n.inputs[0], n.scalar(0, "zero")});
}

template <int Since>
void newer(NodeExport& n) {
  n.unsupported(fmt::format("it came with version {}", Since));
}

constexpr std::array kLowerings{
    Lowering{"ReduceL1", 18, reduce},
    Lowering{"ReduceL2", 18, reduce},
    Lowering{"ReduceLogSum", 18, reduce},
    Lowering{"ReduceLogSumExp", 18, reduce},
    Lowering{"ReduceMax", 20, reduce_extreme},
    Lowering{"ReduceMean", 18, reduce},
    Lowering{"ReduceMin", 20, reduce_extreme},
    Lowering{"ReduceProd", 18, reduce},
    Lowering{"ReduceSumSquare", 18, reduce},
    Lowering{"Split", 18, split},
    Lowering{"Pad", 19, pad},
    Lowering{"Resize", 19, resize},
    Lowering{"AveragePool", 19, average_pool},
    Lowering{"LpPool", 18, lp_pool},
    Lowering{"Shape", 15, shape},
    Lowering{"Reshape", 14, reshape},
    Lowering{"ScatterElements", 16, scatter},
    Lowering{"ScatterND", 16, scatter},
    Lowering{"Cast", 24, cast},
    Lowering{"QuantizeLinear", kAllVersions, quantize_linear},
    Lowering{"DequantizeLinear", kAllVersions, dequantize_linear},
    Lowering{"GridSample", 20, grid_sample},
    Lowering{"LSTM", 14, recurrent},
    Lowering{"GRU", 14, recurrent},
    Lowering{"RNN", 14, recurrent},
    Lowering{"RoiAlign", 16, roi_align},
    Lowering{"Add", 14, arithmetic},
    Lowering{"Sub", 14, arithmetic},
    Lowering{"Mul", 14, arithmetic},
    Lowering{"Div", 14, arithmetic},
    Lowering{"Relu", 14, relu},
    Lowering{"Trilu", 14, newer<14>},
    Lowering{"BitwiseAnd", 18, newer<18>},
    Lowering{"BitwiseNot", 18, newer<18>},
    Lowering{"BitwiseOr", 18, newer<18>},
    Lowering{"BitwiseXor", 18, newer<18>},
    Lowering{"Col2Im", 18, newer<18>},
    Lowering{"CenterCropPad", 18, newer<18>},
    Lowering{"DeformConv", 19, newer<19>},
    Lowering{"CumProd", 26, newer<26>},
    Lowering{"AffineGrid", 20, newer<20>},
};

}  // namespace

std::span<const Lowering> version_lowerings() { return kLowerings; }

}  // namespace tenfold::onnx
