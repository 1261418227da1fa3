// Normalisation, softmax, resizing, dropout, Gemm.
#include <algorithm>
#include <array>
#include <limits>

#include "onnx/rules.hpp"

namespace tenfold::onnx {
namespace {

using ir::kNone;
using ir::ValueId;

/// A constant of x's type, f32 unless it is known to be double.
ValueId scalar_like(NodeImport& n, ValueId x, double value, std::string_view stem) {
  if (n.dtype_of(x) == DType::f64) return n.constant(Tensor::scalar(value), stem);
  return n.scalar(static_cast<float>(value), stem);
}

ValueId mean_over(NodeImport& n, ValueId x, const std::vector<int64_t>& axes) {
  return n.emit("ReduceMean", {x, n.ints(axes, "axes")}, {{"keepdims", int64_t{1}}});
}

/// centred / sqrt(variance + epsilon).
ValueId over_deviation(NodeImport& n, ValueId centred, ValueId variance) {
  const double epsilon = static_cast<double>(n.attrs.get_float("epsilon", 1e-5f));
  const ValueId shifted = n.emit("Add", {variance, scalar_like(n, centred, epsilon, "epsilon")});
  return n.emit("Div", {centred, n.emit("Sqrt", {shifted})});
}

/// With the statistics of the input itself.  Weight standardization is exported so, and is constant.
void batch_normalization_by_input(NodeImport& n) {
  const ValueId x = n.need(0);
  const auto rank = n.rank_of(x);
  if (!rank || *rank < 2) return n.unsupported("training mode on an input of unknown rank");
  std::vector<int64_t> axes{0}, column{-1};
  for (int64_t i = 2; i < *rank; i++) axes.push_back(i), column.push_back(1);
  const auto per_channel = [&](size_t i) { return n.emit("Reshape", {n.need(i), n.ints(column, "column")}); };
  const ValueId mean = mean_over(n, x, axes), centred = n.emit("Sub", {x, mean}),
                variance = mean_over(n, n.emit("Mul", {centred, centred}), axes);
  const ValueId scaled = n.emit("Mul", {over_deviation(n, centred, variance), per_channel(1)});
  n.produce(0, "Add", {scaled, per_channel(2)});
  const float momentum = n.attrs.get_float("momentum", 0.9f);
  const std::array statistics{mean, variance};
  for (size_t i = 0; i < statistics.size(); i++) {
    if (!n.has_output(i + 1)) continue;
    const ValueId now = n.emit("Reshape", {statistics[i], n.ints({-1}, "vector")});
    n.produce(i + 1, "Add",
              {n.emit("Mul", {n.need(i + 3), n.scalar(momentum, "momentum")}),
               n.emit("Mul", {now, n.scalar(1 - momentum, "rest")})});
  }
}

/// The operator itself is of f32.
void batch_normalization_f64(NodeImport& n) {
  const auto rank = n.rank_of(n.need(0));
  if (!rank || *rank < 2) return n.unsupported("double with an input of unknown rank");
  std::vector<int64_t> column(static_cast<size_t>(*rank - 1), 1);
  column[0] = -1;
  const auto per_channel = [&](size_t i) { return n.emit("Reshape", {n.need(i), n.ints(column, "column")}); };
  const ValueId centred = n.emit("Sub", {n.need(0), per_channel(3)});
  const ValueId unit = over_deviation(n, centred, per_channel(4));
  n.produce(0, "Add", {n.emit("Mul", {unit, per_channel(1)}), per_channel(2)});
}

void batch_normalization(NodeImport& n) {
  if (n.attrs.get_int("training_mode", 0) != 0) return batch_normalization_by_input(n);
  if (n.attrs.get_int("spatial", 1) != 1) return n.unsupported("spatial = 0");
  for (size_t i = 1; i < n.outputs.size(); i++)
    if (n.has_output(i)) return n.unsupported("statistics as outputs");
  if (n.dtype_of(n.need(0)) == DType::f64) return batch_normalization_f64(n);
  n.produce(0, "BatchNormalization", n.inputs, {{"epsilon", n.attrs.get_float("epsilon", 1e-5f)}});
}

void dropout(NodeImport& n) {
  if (n.has_input(2)) {
    const Tensor* training = n.constant_of(n.inputs[2]);
    if (training && (training->dtype() != DType::boolean || training->elements() != 1))
      n.fail("training_mode is no boolean scalar");
    if (!training || training->at_int(0) != 0) return n.unsupported("training mode");
  }
  n.alias(0, n.need(0));
  if (!n.has_output(1)) return;
  // Often named and never used; then it is dead and goes away.
  Tensor kept(DType::boolean, Shape{1});
  *kept.mutable_data<bool>() = true;
  n.produce(1, "ConstantOfShape", {n.emit("Shape", {n.inputs[0]})}, {{"value", kept}});
}

/// Before version 13 the operator works on the matrix that flattening at `axis` gives.
void flattened_softmax(NodeImport& n) {
  const auto rank = n.rank_of(n.need(0));
  int64_t axis = n.attrs.get_int("axis", 1);
  if (rank && axis < 0) axis += *rank;
  if ((rank && axis == *rank - 1) || (!rank && axis == -1))
    return n.finish(std::string(n.source.op_type), {n.inputs[0]}, {{"axis", int64_t{-1}}});
  const ValueId shape = n.emit("Shape", {n.inputs[0]});
  const ValueId flat = n.emit("Flatten", {n.inputs[0]}, {{"axis", axis}});
  n.finish("Reshape", {n.emit(std::string(n.source.op_type), {flat}, {{"axis", int64_t{-1}}}), shape});
}

void softmax(NodeImport& n) {
  n.attrs.set("axis", n.attrs.get_int("axis", -1));
  n.keep();
}

ir::Attributes asymmetric(const NodeImport& n) {
  return {{"mode", n.attrs.get_string("mode", "nearest")},
          {"coordinate_transformation_mode", std::string("asymmetric")},
          {"nearest_mode", std::string("floor")}};
}

/// Upsample, and the first Resize where it grows: asymmetric coordinates, rounding down.
void upsample(NodeImport& n) {
  const ValueId x = n.need(0);
  const std::vector<float> scales = n.attrs.get_floats("scales");
  ValueId factor = n.input(1);
  if (!scales.empty())
    factor = n.constant(Tensor::from<float>(Shape{static_cast<int64_t>(scales.size())}, scales), "scales");
  if (factor == kNone) n.fail("no scales");
  n.finish("Resize", {x, kNone, factor}, asymmetric(n));
}

/// Version 10 takes the nearest pixel above along axes that shrink, the one below along others: a Resize
/// each.
void resize_10(NodeImport& n) {
  const Tensor* scales = n.constant_of(n.input(1));
  if (!scales || scales->dtype() != DType::f32 || n.attrs.get_string("mode", "nearest") != "nearest")
    return upsample(n);
  const Shape shape = scales->shape();
  std::vector<float> grown, shrunk;
  for (const float s : scales->span<float>())
    grown.push_back(std::max(s, 1.0f)), shrunk.push_back(std::min(s, 1.0f));
  const auto factors = [&](const std::vector<float>& of) {
    return n.constant(Tensor::from<float>(shape, of), "scales");
  };
  const auto changes = [](const std::vector<float>& of) {
    return std::ranges::any_of(of, [](float s) { return s != 1; });
  };
  if (!changes(shrunk)) return upsample(n);
  ir::Attributes ceiling = asymmetric(n);
  ceiling.set("nearest_mode", std::string("ceil"));
  const ValueId x =
      changes(grown) ? n.emit("Resize", {n.need(0), kNone, factors(grown)}, asymmetric(n)) : n.need(0);
  n.finish("Resize", {x, kNone, factors(shrunk)}, ceiling);
}

/// Empty constants in place of scales, sizes or the region of interest mean that they are not given.
void resize(NodeImport& n) {
  for (size_t i = 1; i < n.inputs.size(); i++)
    if (const Tensor* t = n.constant_of(n.inputs[i]); t && t->elements() == 0) n.inputs[i] = kNone;
  if (n.attrs.get_string("coordinate_transformation_mode", "half_pixel") != "tf_crop_and_resize" &&
      n.inputs.size() > 1)
    n.inputs[1] = kNone;
  while (!n.inputs.empty() && n.inputs.back() == kNone) n.inputs.pop_back();
  n.keep();
}

/// The operator itself is of f32.
void layer_normalization_f64(NodeImport& n) {
  if (n.has_output(1) || n.has_output(2)) return n.unsupported("statistics of double as outputs");
  const ValueId x = n.need(0);
  int64_t axis = n.attrs.get_int("axis", -1);
  const auto rank = n.rank_of(x);
  if (axis >= 0 && !rank) return n.unsupported("double with an input of unknown rank");
  std::vector<int64_t> axes;
  for (const int64_t end = axis < 0 ? 0 : *rank; axis < end; axis++) axes.push_back(axis);
  const ValueId centred = n.emit("Sub", {x, mean_over(n, x, axes)}),
                variance = mean_over(n, n.emit("Mul", {centred, centred}), axes),
                unit = over_deviation(n, centred, variance);
  if (!n.has_input(2)) return n.produce(0, "Mul", {unit, n.need(1)});
  n.produce(0, "Add", {n.emit("Mul", {unit, n.need(1)}), n.inputs[2]});
}

void layer_normalization(NodeImport& n) {
  if (n.source.op_type == "LayerNormalization" && n.dtype_of(n.need(0)) == DType::f64)
    return layer_normalization_f64(n);
  n.attrs.erase("stash_type");  // the precision of the statistics: always f32 here
  n.keep();
}

/// Version 18 has one scale and bias a group; version 21 one a channel.
void group_normalization(NodeImport& n) {
  const int64_t groups = n.attrs.get_int("num_groups", 0);
  const Shape* shape = n.shape_of(n.need(0));
  if (groups <= 0) n.fail("{} groups", groups);
  if (!shape || shape->rank() < 2 || (*shape)[1] < 0 || (*shape)[1] % groups != 0)
    return n.unsupported("the number of channels is not known before running");
  const int64_t per_group = (*shape)[1] / groups;
  const auto widen = [&](ValueId v) {  // [G] -> [G, 1] -> [G, C/G] -> [C]
    const ValueId column = n.emit("Reshape", {v, n.ints({groups, 1}, "column")});
    const ValueId repeated = n.emit("Expand", {column, n.ints({groups, per_group}, "repeat")});
    return n.emit("Reshape", {repeated, n.ints({groups * per_group}, "channels")});
  };
  n.attrs.erase("stash_type");
  n.finish("GroupNormalization", {n.inputs[0], widen(n.need(1)), widen(n.need(2))}, n.attrs);
}

/// Where the norm is 0, so is the result.
void lp_normalization(NodeImport& n) {
  constexpr double kSmallest = std::numeric_limits<float>::min();
  const int64_t p = n.attrs.get_int("p", 2);
  if (p != 1 && p != 2) n.fail("p = {}", p);
  const ValueId x = n.need(0), axis = n.ints({n.attrs.get_int("axis", -1)}, "axis");
  const ValueId norm = n.emit(p == 1 ? "ReduceL1" : "ReduceL2", {x, axis}, {{"keepdims", int64_t{1}}});
  const ValueId positive = n.emit("Max", {norm, scalar_like(n, x, kSmallest, "smallest")});
  n.finish("Div", {x, positive});
}

void swish(NodeImport& n) {
  const ValueId x = n.need(0);
  const float alpha = n.attrs.get_float("alpha", 1.0f);
  if (alpha == 1.0f) return n.finish("SiLU", {x});
  n.finish("Mul", {x, n.emit("Sigmoid", {n.emit("Mul", {x, n.scalar(alpha, "alpha")})})});
}

/// A scale that broadcasts over some of the normalised axes is repeated along them.
void rms_normalization(NodeImport& n) {
  n.attrs.erase("stash_type");
  const ValueId x = n.need(0);
  ValueId scale = n.need(1);
  if (const Shape* shape = n.shape_of(x), *given = n.shape_of(scale); shape && given && given->is_static()) {
    const int64_t axis = n.attrs.get_int("axis", -1), from = axis < 0 ? axis + shape->rank() : axis;
    if (from < 0 || from > shape->rank()) n.fail("axis {} for rank {}", axis, shape->rank());
    const Shape row(std::span(shape->dims()).subspan(static_cast<size_t>(from)));
    if (row.is_static() && given->elements() != 1 && given->elements() != row.elements())
      scale = n.emit("Expand", {scale, n.ints(row.dims(), "row")});
  }
  n.finish("RMSNormalization", {x, scale}, n.attrs);
}

/// Gemm itself is of f32.
void gemm(NodeImport& n) {
  if (n.dtype_of(n.need(0)) != DType::f64) return n.keep();
  const auto operand = [&](size_t i, const char* transposed) {
    return n.attrs.get_int(transposed, 0) != 0 ? n.emit("Transpose", {n.need(i)}) : n.need(i);
  };
  const auto times = [&](ValueId v, const char* factor) {
    const float f = n.attrs.get_float(factor, 1);
    return f == 1 ? v : n.emit("Mul", {v, scalar_like(n, v, static_cast<double>(f), factor)});
  };
  const ValueId product = times(n.emit("MatMul", {operand(0, "transA"), operand(1, "transB")}), "alpha");
  if (!n.has_input(2)) return n.alias(0, product);
  n.finish("Add", {product, times(n.inputs[2], "beta")});
}

/// Before version 16 the grid was not shifted by half a pixel.
void roi_align(NodeImport& n) {
  n.attrs.set("coordinate_transformation_mode", std::string("output_half_pixel"));
  n.keep();
}

constexpr std::array kRules{
    Rule{"BatchNormalization", kAnyOpset, batch_normalization},
    Rule{"Gemm", kAnyOpset, gemm},
    Rule{"Dropout", kAnyOpset, dropout},
    Rule{"Softmax", 12, flattened_softmax},
    Rule{"LogSoftmax", 12, flattened_softmax},
    Rule{"Hardmax", 12, flattened_softmax},
    Rule{"Softmax", kAnyOpset, softmax},
    Rule{"LogSoftmax", kAnyOpset, softmax},
    Rule{"Hardmax", kAnyOpset, softmax},
    Rule{"Upsample", kAnyOpset, upsample},
    Rule{"Resize", 10, resize_10},
    Rule{"Resize", kAnyOpset, resize},
    Rule{"LayerNormalization", kAnyOpset, layer_normalization},
    Rule{"GroupNormalization", 20, group_normalization},
    Rule{"GroupNormalization", kAnyOpset, layer_normalization},
    Rule{"LpNormalization", kAnyOpset, lp_normalization},
    Rule{"RoiAlign", 15, roi_align},
    Rule{"Swish", kAnyOpset, swish},
    Rule{"RMSNormalization", kAnyOpset, rms_normalization},
    Rule{"SimplifiedLayerNormalization", kAnyOpset, rms_normalization},
};

}  // namespace

std::span<const Rule> nn_rules() { return kRules; }

}  // namespace tenfold::onnx
