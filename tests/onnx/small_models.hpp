// Models of a few nodes, as bytes, that exercise every part of the reader.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "onnx/onnx.hpp"
#include "ops/op.hpp"

namespace tenfold::test {

inline Tensor ramp(Shape shape, float step = 0.25f) {
  Tensor t(DType::f32, std::move(shape));
  for (int64_t i = 0; i < t.elements(); i++)
    t.mutable_data<float>()[i] = static_cast<float>(i % 17) * step - 1.0f;
  return t;
}

/// Conv, BatchNormalization, Relu, pool, Reshape with a computed shape, Gemm, Softmax.
inline ir::Graph small_classifier() {
  ir::Graph g;
  g.name = "classifier";
  g.metadata["note"] = "seeded";
  const auto node = [&](std::string op, std::vector<ir::ValueId> in, ir::Attributes attrs = {}) {
    return g.node(g.add_node(std::move(op), std::move(in), std::move(attrs))).outputs[0];
  };
  ir::ValueId x = g.add_input("x", DType::f32, Shape{g.symbol("batch"), 3, 8, 8});
  const ir::ValueId w = g.add_constant("w", ramp(Shape{4, 3, 3, 3}));
  const ir::ValueId one = g.add_constant("one", ramp(Shape{4}, 0.5f));
  x = node("Conv", {x, w, one},
           {{"pads", std::vector<int64_t>{1, 1, 1, 1}}, {"strides", std::vector<int64_t>{2, 2}}});
  x = node("Relu", {node("Add", {x, g.add_constant("shift", ramp(Shape{4, 1, 1}))})});
  x = node("MaxPool", {x},
           {{"kernel_shape", std::vector<int64_t>{2, 2}}, {"strides", std::vector<int64_t>{2, 2}}});
  const ir::ValueId target = g.add_constant("target", Tensor::from<int64_t>(Shape{2}, {0, -1}));
  x = node("Reshape", {x, target});
  x = node("Gemm", {x, g.add_constant("dense", ramp(Shape{16, 5})), g.add_constant("bias", ramp(Shape{5}))});
  g.outputs = {node("Softmax", {x}, {{"axis", int64_t{-1}}})};
  ops::infer_all(g);
  return g;
}

/// QuantizeLinear, DequantizeLinear, Concat, Slice, Clip on a small image.
inline ir::Graph small_quantized() {
  ir::Graph g;
  const auto node = [&](std::string op, std::vector<ir::ValueId> in, ir::Attributes attrs = {}) {
    return g.node(g.add_node(std::move(op), std::move(in), std::move(attrs))).outputs[0];
  };
  const ir::ValueId x = g.add_input("x", DType::f32, Shape{1, 4, 6});
  const ir::ValueId scale = g.add_constant("scale", Tensor::scalar(0.05f));
  const ir::ValueId zero = g.add_constant("zero", Tensor::scalar<uint8_t>(128));
  const ir::ValueId q = node("QuantizeLinear", {x, scale, zero}, {{"axis", int64_t{1}}});
  const ir::ValueId d = node("DequantizeLinear", {q, scale, zero}, {{"axis", int64_t{1}}});
  const auto ints = [&](const char* name, int64_t v) {
    return g.add_constant(name, Tensor::from<int64_t>(Shape{1}, {v}));
  };
  const ir::ValueId part = node("Slice", {d, ints("from", 1), ints("to", 5), ints("axis", 2)});
  const ir::ValueId joined = node("Concat", {part, part}, {{"axis", int64_t{1}}});
  g.outputs = {node("Clip", {joined, g.add_constant("lo", Tensor::scalar(0.0f)),
                             g.add_constant("hi", Tensor::scalar(6.0f))})};
  ops::infer_all(g);
  return g;
}

inline std::vector<std::pair<std::string, std::string>> small_models() {
  return {{"classifier", onnx::save_to_bytes(small_classifier())},
          {"classifier13", onnx::save_to_bytes(small_classifier(), {.opset = 13})},
          {"quantized", onnx::save_to_bytes(small_quantized())}};
}

}  // namespace tenfold::test
