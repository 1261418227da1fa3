// INT8 stem convolutions on FP32 images: the fused road equals Q/DQ evaluated node by node.
#include <gtest/gtest.h>

#include "cpu/features.hpp"
#include "exec/session.hpp"
#include "support/evaluate_graph.hpp"

namespace tenfold::test {
namespace {

struct Stem {
  int64_t batch, channels, height, width, filters, kernel_h, kernel_w;
  std::vector<int64_t> strides, pads, dilations;
  int weight_zero = 0;   ///< else of u8 weights
  int zero_point = 117;  ///< with which the image is dequantized; it is quantized with 117
};

ir::Graph quantized_stem(const Stem& s, std::mt19937& rng) {
  ir::Graph g;
  const auto add = [&](std::string op, std::vector<ir::ValueId> ins, ir::Attributes attrs = {}) {
    const ir::NodeId n = g.add_node(std::move(op), std::move(ins), std::move(attrs));
    ops::infer(g, n);
    return g.node(n).output();
  };
  const auto scalar = [&](auto v) { return g.add_constant(g.unique_name("c"), Tensor::scalar(v)); };
  const ir::ValueId xs = scalar(0.017f), xz = scalar(uint8_t{117}),
                    dz = scalar(static_cast<uint8_t>(s.zero_point)), ys = scalar(0.06f),
                    yz = scalar(uint8_t{131}), ws = scalar(0.01f);
  const ir::ValueId x = g.add_input("x", DType::f32, {s.batch, s.channels, s.height, s.width});
  const ir::ValueId q = add("DequantizeLinear", {add("QuantizeLinear", {x, xs, xz}), xs, dz});
  const Shape shape{s.filters, s.channels, s.kernel_h, s.kernel_w};
  const bool plain = s.weight_zero == 0;
  const ir::ValueId w = g.add_constant("w", plain ? random_tensor(DType::s8, shape, rng, -127, 127)
                                                  : random_tensor(DType::u8, shape, rng, 0, 255));
  const ir::ValueId wz = plain ? ir::kNone : scalar(static_cast<uint8_t>(s.weight_zero));
  const ir::ValueId y = add("Conv", {q, add("DequantizeLinear", {w, ws, wz})},
                            {{"pads", s.pads}, {"strides", s.strides}, {"dilations", s.dilations}});
  g.outputs = {add("QuantizeLinear", {y, ys, yz})};
  return g;
}

TEST(Stem, EqualsNodeByNodeOnEveryIsa) {
  const Stem stems[] = {
      {1, 3, 32, 32, 16, 3, 3, {2, 2}, {1, 1, 1, 1}, {1, 1}},
      {2, 3, 31, 29, 19, 7, 7, {2, 2}, {3, 3, 3, 3}, {1, 1}},
      {1, 1, 28, 28, 8, 5, 5, {1, 1}, {0, 0, 0, 0}, {1, 1}},
      {1, 4, 17, 9, 24, 3, 5, {3, 2}, {0, 1, 2, 3}, {1, 1}},
      {3, 2, 12, 40, 33, 3, 3, {1, 1}, {2, 2, 2, 2}, {2, 2}},
      {1, 3, 9, 9, 7, 1, 1, {2, 2}, {0, 0, 0, 0}, {1, 1}},
      {1, 3, 10, 11, 5, 2, 2, {4, 4}, {0, 0, 0, 0}, {1, 1}},
      {1, 3, 3, 3, 5, 3, 3, {1, 1}, {2, 2, 2, 2}, {1, 1}},
      {1, 3, 14, 15, 20, 3, 3, {2, 2}, {1, 1, 1, 1}, {1, 1}, 90},
      {1, 3, 14, 15, 20, 3, 3, {2, 2}, {1, 1, 1, 1}, {1, 1}, 0, 90},
  };
  std::mt19937 rng(5);
  for (const Stem& s : stems) {
    const ir::Graph g = quantized_stem(s, rng);
    const std::vector<Tensor> x{random_tensor(DType::f32, *g.value(g.inputs[0]).shape, rng)};
    const Tensor expected = evaluate_graph(g, x)[0];
    for (cpu::Isa isa : cpu::kAllIsas) {
      if (!cpu::available(isa)) continue;
      exec::Session session(g, {.threads = 2, .isa = std::string(to_string(isa))});
      const Tensor actual = session.run(x)[0];
      ASSERT_EQ(actual.shape(), expected.shape());
      for (int64_t i = 0; i < expected.elements(); i++)
        ASSERT_NEAR(actual.data<uint8_t>()[i], expected.data<uint8_t>()[i], 1)
            << to_string(isa) << " kernel " << s.kernel_h << "x" << s.kernel_w << " element " << i;
      const auto plan = session.plan_for(std::vector<Shape>{x[0].shape()});
      if (isa != cpu::Isa::ref && s.zero_point == 117) {
        EXPECT_EQ(plan->graph.node(plan->steps[0].node()).op, "QuantizeImage");
      }
    }
  }
}

/// A pointwise first convolution, whose pixels are resolved as one row, keeps the shape of its image: what
/// follows reads it.
TEST(Stem, PointwiseKeepsTheShapeOfTheImage) {
  std::mt19937 rng(6);
  for (int64_t channels : {1, 3, 4}) {
    const Stem s{2, channels, 9, 7, 13, 1, 1, {1, 1}, {0, 0, 0, 0}, {1, 1}};
    const ir::Graph g = quantized_stem(s, rng);
    const std::vector<Tensor> x{random_tensor(DType::f32, *g.value(g.inputs[0]).shape, rng)};
    const Tensor expected = evaluate_graph(g, x)[0];
    for (cpu::Isa isa : cpu::kAllIsas) {
      if (!cpu::available(isa)) continue;
      exec::Session session(g, {.threads = 1, .isa = std::string(to_string(isa))});
      const Tensor actual = session.run(x)[0];
      ASSERT_EQ(actual.shape(), expected.shape());
      for (int64_t i = 0; i < expected.elements(); i++)
        ASSERT_NEAR(actual.data<uint8_t>()[i], expected.data<uint8_t>()[i], 1)
            << to_string(isa) << " element " << i;
    }
  }
}

}  // namespace
}  // namespace tenfold::test
