// Runs one operator on concrete tensors; helpers to write tensors down.
#pragma once

#include <gtest/gtest.h>

#include <random>

#include "ops/op.hpp"

namespace tenfold::ops::testing {

/// The outputs of one node; an empty input tensor is an omitted input.
inline std::vector<Tensor> run_all(const std::string& op, const std::vector<Tensor>& inputs,
                                   ir::Attributes attrs = {}, size_t outputs = 1) {
  ir::Graph g;
  std::vector<ir::ValueId> ids;
  for (size_t i = 0; i < inputs.size(); i++)
    ids.push_back(inputs[i].empty()
                      ? ir::kNone
                      : g.add_input(fmt::format("x{}", i), inputs[i].dtype(), inputs[i].shape()));
  const ir::NodeId node = g.add_node(op, ids, std::move(attrs), outputs, "node");
  return evaluate(g, node, inputs);
}
inline Tensor run(const std::string& op, const std::vector<Tensor>& inputs, ir::Attributes attrs = {}) {
  return run_all(op, inputs, std::move(attrs))[0];
}
/// The shape that inference gives for inputs of the given shapes.
inline std::optional<Shape> infer_shape(ir::Graph& g, const std::string& op,
                                        const std::vector<ir::ValueId>& inputs, ir::Attributes attrs = {}) {
  const ir::NodeId node = g.add_node(op, inputs, std::move(attrs));
  infer(g, node);
  return g.value(g.node(node).output()).shape;
}

inline std::vector<int64_t> ints(std::initializer_list<int64_t> v) { return v; }
inline Tensor f32(Shape shape, std::initializer_list<float> v) {
  return Tensor::from<float>(std::move(shape), v);
}

/// Values first, first + step, ...
inline Tensor ramp(Shape shape, float first = 0, float step = 1) {
  Tensor t(DType::f32, std::move(shape));
  for (int64_t i = 0; i < t.elements(); i++)
    t.mutable_data<float>()[i] = first + step * static_cast<float>(i);
  return t;
}
/// Uniform values of any type: reals in [lo, hi), integers in [lo, hi].
template <class T>
Tensor random(Shape shape, unsigned seed, double lo = -1, double hi = 1) {
  std::mt19937 rng(seed);
  Tensor t(dtype_of<T>, std::move(shape));
  for (int64_t i = 0; i < t.elements(); i++) {
    const double u = std::uniform_real_distribution<>(0, 1)(rng);
    t.mutable_data<T>()[i] =
        static_cast<T>(std::is_integral_v<T> ? std::floor(lo + u * (hi - lo + 1)) : lo + u * (hi - lo));
  }
  return t;
}

inline Tensor permute(const Tensor& t, std::vector<int64_t> perm) {
  return run("Transpose", {t}, {{"perm", std::move(perm)}});
}
/// N, C, spatial... <-> N, spatial..., C.
inline Tensor to_last(const Tensor& t) {
  std::vector<int64_t> p{0};
  for (int i = 2; i < t.shape().rank(); i++) p.push_back(i);
  p.push_back(1);
  return permute(t, p);
}
inline Tensor to_first(const Tensor& t) {
  std::vector<int64_t> p{0, t.shape().rank() - 1};
  for (int i = 1; i + 1 < t.shape().rank(); i++) p.push_back(i);
  return permute(t, p);
}

inline void expect_near(const Tensor& a, const Tensor& b, double tolerance = 1e-5) {
  ASSERT_EQ(to_string(a.shape()), to_string(b.shape()));
  ASSERT_EQ(a.dtype(), b.dtype());
  for (int64_t i = 0; i < a.elements(); i++)
    ASSERT_NEAR(a.at_double(i), b.at_double(i), tolerance) << "element " << i;
}
inline void expect_equal(const Tensor& a, const Tensor& b) { expect_near(a, b, 0); }

/// The operator with channels_last on a transposed input 0 (and `more` inputs of the output's shape) gives
/// the transposed result.
inline void expect_channels_last(const std::string& op, std::vector<Tensor> inputs, ir::Attributes attrs,
                                 std::vector<size_t> more = {}) {
  const Tensor expected = run(op, inputs, attrs);
  attrs.set("channels_last", int64_t{1});
  inputs[0] = to_last(inputs[0]);
  for (size_t i : more) inputs[i] = to_last(inputs[i]);
  expect_near(to_first(run(op, inputs, attrs)), expected, 1e-5);
}

template <class F>
void expect_error(ErrorCode code, F&& f) {
  try {
    f();
    FAIL() << "no error";
  } catch (const Error& e) {
    EXPECT_EQ(to_string(e.code()), to_string(code)) << e.what();
  }
}

}  // namespace tenfold::ops::testing
